package town

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// browser is an HTTP client that finds the town's hosts on loopback.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{DialContext: dial}, Timeout: 10 * time.Second}
}

func opened(t *testing.T) *Town {
	t.Helper()
	tw, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tw.Close)
	return tw
}

func read(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The services do their part when somebody without a browser walks through.
func TestServices(t *testing.T) {
	tw := opened(t)
	v, c := tw.Begin(), browser(t)
	m := v.Markers
	page := fetch(t, c, tw.Address(Bank))
	if !strings.Contains(page, "kirjaudu") {
		t.Errorf("the bank's front page: %s", page)
	}
	r, err := c.PostForm(tw.Address(Bank)+"kirjaudu", url.Values{"user": {m["user"]}, "password": {m["password"]}})
	if page = read(t, r, err); !strings.Contains(page, m["title"]) {
		t.Errorf("after the log-in: %s", page)
	}
	page = fetch(t, c, tw.Address(Identity)+"aloita?palvelu="+Benefits)
	if !strings.Contains(page, `name="password"`) {
		t.Errorf("the chooser asks a stranger for no codes: %s", page)
	}
	chooser := tw.Address(Chooser) + "valitse"
	r, err = c.PostForm(chooser, url.Values{"palvelu": {Benefits}, "user": {m["codes_user"]}, "password": {m["codes_password"]}})
	if page = read(t, r, err); !strings.Contains(page, "http://"+Benefits) {
		t.Errorf("the answer does not go back to the service: %s", page)
	}
	page = fetch(t, c, tw.Address(Identity)+"aloita?palvelu="+Benefits)
	if strings.Contains(page, `name="password"`) {
		t.Error("the chooser does not know its client again")
	}
	r, err = c.PostForm(tw.Address(Benefits)+"paluu", url.Values{"vastaus": {m["address"]}})
	read(t, r, err)
	if !v.Peek(Benefits, "signed_in") {
		t.Errorf("nobody is signed in: %s", v.Heard())
	}

	req, _ := http.NewRequest(http.MethodGet, tw.Address(Bank)+"suojattu/tiliote.pdf", nil)
	if r, err = c.Do(req); err != nil || r.StatusCode != http.StatusUnauthorized {
		t.Fatalf("the statement is not protected: %v %v", r, err)
	}
	r.Body.Close()
	req.SetBasicAuth(m["auth_user"], m["auth_password"])
	r, err = c.Do(req)
	pdf := read(t, r, err)
	if !strings.HasPrefix(pdf, "%PDF-") || !strings.Contains(pdf, m["statement"]) {
		t.Errorf("the statement is no PDF with its marker: %.80s", pdf)
	}
	for _, same := range []bool{true, false} {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("liite", v.FileName())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, pdf)
		if !same {
			io.WriteString(part, "x")
		}
		w.Close()
		r, err = c.Post(tw.Address(Benefits)+"liite", w.FormDataContentType(), &form)
		read(t, r, err)
		e, err := v.Wait(t.Context(), Benefits, "uploaded")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(e.Detail), `"same":true`); got != same {
			t.Errorf("a statement that is the same (%v): %s", same, e.Detail)
		}
	}
}

func fetch(t *testing.T, c *http.Client, address string) string {
	t.Helper()
	r, err := c.Get(address)
	return read(t, r, err)
}

// A marker of an earlier visit is noticed wherever a request carries it.
func TestLeaks(t *testing.T) {
	for _, where := range []string{"cookie", "address", "body", "basic"} {
		t.Run(where, func(t *testing.T) {
			tw := opened(t)
			old := tw.Begin().Markers["cookie"]
			v := tw.Begin()
			own := v.Markers["cookie"]
			for _, marker := range []string{own, old} {
				req, _ := http.NewRequest(http.MethodPost, tw.Address(Bank)+"kirjaudu?x=1", strings.NewReader("a=b"))
				switch where {
				case "cookie":
					req.AddCookie(&http.Cookie{Name: "a", Value: marker})
				case "address":
					req.URL.RawQuery = "q=" + marker
				case "body":
					req.Body = io.NopCloser(strings.NewReader("a=" + marker))
					req.ContentLength = int64(len(marker) + 2)
				case "basic":
					req.SetBasicAuth("x", marker)
				}
				r, err := browser(t).Do(req)
				read(t, r, err)
				if leaks := tw.Leaks(); (len(leaks) > 0) != (marker == old) {
					t.Errorf("leaks: %q", leaks)
				}
			}
		})
	}
}

func TestFresh(t *testing.T) {
	v := newVisit()
	fresh := Report{Cached: v.Markers["cached"], History: 1}
	if err := v.Fresh(fresh); err != nil {
		t.Errorf("a fresh browser: %v", err)
	}
	for name, spoil := range map[string]func(*Report){
		"cookies":         func(r *Report) { r.Cookies = "a=b" },
		"localStorage":    func(r *Report) { r.Local = []string{"a"} },
		"sessionStorage":  func(r *Report) { r.Session = []string{"a"} },
		"IndexedDB":       func(r *Report) { r.Databases = []string{"a"} },
		"service workers": func(r *Report) { r.Workers = 1 },
		"CacheStorage":    func(r *Report) { r.Caches = []string{"a"} },
		"filled fields":   func(r *Report) { r.Fields = []string{"a"} },
		"window name":     func(r *Report) { r.Name = "a" },
		"cache":           func(r *Report) { r.Cached = "mkother" },
		"history":         func(r *Report) { r.History = 2 },
	} {
		r := fresh
		spoil(&r)
		if err := v.Fresh(r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMarkersFind(t *testing.T) {
	m := newMarkers()
	marker := m["cookie"]
	wide := ""
	for _, c := range marker {
		wide += string(c) + "\x00"
	}
	hidden := map[string]string{"plain": "x=" + marker + ";", "wide": "..." + wide, "hex": hex.EncodeToString([]byte("a" + marker)),
		"base64 0": base64.StdEncoding.EncodeToString([]byte(marker + "?")), "base64 1": base64.StdEncoding.EncodeToString([]byte("u" + marker + ":")),
		"base64 2": base64.StdEncoding.EncodeToString([]byte("us" + marker)), "base64 url": base64.RawURLEncoding.EncodeToString([]byte("us:" + marker + "xx"))}
	for name, text := range hidden {
		if found := m.Find([]byte(text)); len(found) != 1 || found[0] != "cookie" {
			t.Errorf("%s: found %q", name, found)
		}
	}
	if found := m.Find([]byte(newMarkers()["cookie"])); len(found) > 0 {
		t.Errorf("another visit's marker was taken for ours: %q", found)
	}
}

// Wait gives every event once, in their order, and tells what it heard instead.
func TestWait(t *testing.T) {
	v := newVisit()
	go func() {
		v.add(Event{Host: Bank, Name: "a", Detail: []byte("1")})
		v.add(Event{Host: Benefits, Name: "a", Detail: []byte("2")})
		v.add(Event{Host: Bank, Name: "a", Detail: []byte("3")})
	}()
	for _, want := range []string{"1", "3"} {
		if e, err := v.Wait(t.Context(), Bank, "a"); err != nil || string(e.Detail) != want {
			t.Errorf("got %s %v, want %s", e.Detail, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := v.Wait(ctx, Bank, "a"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), Benefits+"/a") {
		t.Errorf("a third event at the bank: %v", err)
	}
}
