package browser

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"yhteiskone/kiosk/session"
)

func testServer(t *testing.T, links func(string) []Link) *server {
	t.Helper()
	s, err := newServer(links)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

func ask(t *testing.T, method, address string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(address, "/next") {
		t.Cleanup(func() { resp.Body.Close() })
		return resp, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func status(t *testing.T, want int, resp *http.Response) {
	t.Helper()
	if resp.StatusCode != want {
		t.Errorf("%s %s: %d, want %d", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, want)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-time.After(20 * time.Millisecond):
		return false
	}
}

func TestServerHandsOverOnce(t *testing.T) {
	s := testServer(t, nil)
	wt, page := s.expect(s.begin(session.Setup{Lang: "fi"}))
	u, _ := url.Parse(page)
	token := u.Query().Get("t")
	at := func(path, t string) string { return s.address(path, url.Values{"t": {t}}) }

	resp, body := ask(t, "GET", page)
	status(t, 200, resp)
	if !strings.Contains(body, s.texts["fi"].Opening) || !strings.Contains(body, token) {
		t.Errorf("the waiting page is %q", body)
	}
	resp, _ = ask(t, "GET", page)
	status(t, 302, resp)
	if resp.Header.Get("Location") != "/home" {
		t.Errorf("a used waiting page leads to %q", resp.Header.Get("Location"))
	}

	resp, _ = ask(t, "POST", at("/painted", "wrong"))
	status(t, 403, resp)
	resp, _ = ask(t, "POST", at("/painted", token))
	status(t, 204, resp)
	if closed(wt.painted) {
		t.Error("painted before the page listens")
	}
	stream, _ := ask(t, "GET", at("/next", token))
	status(t, 200, stream)
	if !closed(wt.painted) {
		t.Error("not painted although the page has painted and listens")
	}
	resp, _ = ask(t, "POST", at("/painted", token))
	status(t, 403, resp)
	second, _ := ask(t, "GET", at("/next", token))
	status(t, 403, second)

	if err := wt.send(t.Context(), "https://service.example/"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stream.Body)
	var heard []string
	for lines.Scan() && len(heard) < 4 {
		heard = append(heard, lines.Text())
		if strings.HasPrefix(lines.Text(), "data:") {
			break
		}
	}
	if got := strings.Join(heard, "\n"); !strings.HasSuffix(got, "event: go\ndata: https://service.example/") {
		t.Errorf("the page heard %q", got)
	}
	if err := wt.send(t.Context(), "https://other.example/"); err == nil {
		t.Error("a second address was taken")
	}
	if closed(wt.gone) {
		t.Error("gone before the page left")
	}
	stream.Body.Close()
	if !closed(wt.gone) {
		t.Error("not gone although the page left")
	}
	s.forget(wt)
	resp, _ = ask(t, "GET", at("/next", token))
	status(t, 403, resp)
}

func TestServerKeepsOthersOut(t *testing.T) {
	s := testServer(t, nil)
	_, page := s.expect(s.begin(session.Setup{Lang: "fi"}))
	for _, header := range [][]string{
		{"Host", "rebound.example"}, {"Host", "localhost"}, {"Origin", "https://site.example"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		resp, _ := ask(t, "GET", page, header...)
		status(t, 403, resp)
	}
	resp, _ := ask(t, "GET", page, "Sec-Fetch-Site", "none")
	status(t, 200, resp)
	if p := resp.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") {
		t.Errorf("the content policy is %q", p)
	}
	if resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", resp.Header)
	}
}

func TestServerHome(t *testing.T) {
	s := testServer(t, func(lang string) []Link {
		return []Link{{"Kela " + lang, "https://kela.example/?a=1&b=2"}, {"<b>", "javascript:alert(1)"}}
	})
	for _, l := range languages() {
		resp, body := ask(t, "GET", s.address("/home", url.Values{"lang": {l.Code}}), "Sec-Fetch-Site", "cross-site")
		status(t, 200, resp)
		for _, want := range []string{s.texts[l.Code].HomeTitle, "Kela " + l.Code, `href="https://kela.example/?a=1&amp;b=2"`, "&lt;b&gt;", `lang="` + l.Code + `"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", l.Code, want)
			}
		}
		if strings.Contains(body, `href="javascript:`) {
			t.Error("the page carries a script for an address")
		}
	}
	if _, body := ask(t, "GET", s.address("/home", url.Values{"lang": {"xx"}})); !strings.Contains(body, s.texts["fi"].HomeTitle) {
		t.Error("an unknown language does not fall back")
	}
}

func TestTextsAreComplete(t *testing.T) {
	all, err := texts()
	if err != nil {
		t.Fatal(err)
	}
	files, err := textFiles.ReadDir("text")
	if err != nil || len(files) != len(languages()) {
		t.Errorf("%d files of words for %d languages, %v", len(files), len(languages()), err)
	}
	for _, l := range languages() {
		w := all[l.Code]
		if reviewed := l.Code == "fi" || l.Code == "sv" || l.Code == "en"; w.Draft == reviewed {
			t.Errorf("%s: draft is %v", l.Code, w.Draft)
		}
		if w.Name != l.Name {
			t.Errorf("%s is called %q and %q", l.Code, w.Name, l.Name)
		}
		if l.locale == "" || !strings.HasPrefix(l.accept, l.Code) {
			t.Errorf("%s: locale %q, asks sites for %q", l.Code, l.locale, l.accept)
		}
	}
	data, err := textFiles.ReadFile("text/sv.toml")
	if err != nil {
		t.Fatal(err)
	}
	less := strings.Replace(string(data), "blocked_calm = ", "# ", 1)
	if _, err := parseWords([]byte(less)); err == nil || !strings.Contains(err.Error(), "BlockedCalm") {
		t.Errorf("a missing text: %v", err)
	}
}

func TestCheckAddress(t *testing.T) {
	for _, good := range []string{"https://www.kela.fi/", "http://127.0.0.1:8080/a?b=c#d", "https://www.xn--p-xfa.fi/ä"} {
		if _, err := checkAddress(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "/", "kela.fi", "ftp://a/", "file:///etc/passwd", "http:opaque", "http://", "https://u@h/", "http://h/\n", "data:text/html,x", "http://[::1"} {
		if got, err := checkAddress(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func FuzzCheckAddress(f *testing.F) {
	f.Add("https://www.kela.fi/")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := checkAddress(s)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.ContainsAny(got, "\r\n ") {
			t.Errorf("%q became %q", s, got)
		}
	})
}
