package browser

import (
	"net/http"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// visitedBy opens a waiting page and returns the cookie that its browser has
// from then on.
func visitedBy(t *testing.T, s *server, setup session.Setup) (*visit, string) {
	t.Helper()
	v := s.begin(setup)
	_, page := s.expect(v)
	resp, _ := ask(t, "GET", page)
	status(t, 200, resp)
	for _, c := range resp.Cookies() {
		if c.Name == visitCookie && c.HttpOnly && c.SameSite == http.SameSiteLaxMode {
			return v, c.Name + "=" + c.Value
		}
	}
	t.Fatalf("the waiting page gives no cookie: %v", resp.Header)
	return nil, ""
}

func TestBlockedPage(t *testing.T) {
	s := testServer(t, nil)
	errands := session.Setup{Lang: "fi", Mode: fleet.Errands}
	v, cookie := visitedBy(t, s, errands)
	at := s.address("/blocked", nil)
	fi := s.texts["fi"]
	says := func(address, cookie string, there, not []string) {
		t.Helper()
		// The browser comes to it from wherever it was.
		resp, body := ask(t, "GET", address, "Cookie", cookie, "Sec-Fetch-Site", "cross-site")
		status(t, 200, resp)
		for _, w := range there {
			if !strings.Contains(body, w) {
				t.Errorf("%s lacks %q", address, w)
			}
		}
		for _, w := range not {
			if strings.Contains(body, w) {
				t.Errorf("%s says %q", address, w)
			}
		}
	}
	says(at, cookie, []string{fi.BlockedTitle, fi.BlockedCalm, fi.BlockedErrands, fi.BlockedHelp, fi.BlockedBack}, []string{fi.BlockedList, fi.OpenedGo})
	says(at+"?list=1", cookie, []string{fi.BlockedTitle, fi.BlockedList, fi.BlockedHelp}, []string{fi.BlockedErrands, fi.OpenedGo})
	v.change(func(v *visit) { v.opened = true })
	says(at, cookie, []string{fi.OpenedTitle, fi.OpenedGo, fi.BlockedBack}, []string{fi.BlockedTitle, fi.BlockedErrands})
	says(at+"?list=1", cookie, []string{fi.BlockedTitle, fi.BlockedList}, []string{fi.OpenedGo})
	v.change(func(v *visit) { v.contrast = true })
	says(at, cookie, []string{`class="contrast"`}, nil)

	_, cookie = visitedBy(t, s, session.Setup{Lang: "ar"})
	ar := s.texts["ar"]
	says(at, cookie, []string{`dir="rtl"`, `lang="ar"`, ar.BlockedTitle, ar.BlockedList}, []string{ar.BlockedErrands})
	says(s.address("/home", nil), cookie, []string{`dir="rtl"`, ar.HomeWeb}, []string{ar.HomeErrands})
	_, cookie = visitedBy(t, s, errands)
	says(s.address("/home", nil), cookie, []string{fi.HomeErrands}, []string{fi.HomeWeb})
	says(s.address("/home", nil)+"?lang=sv", cookie, []string{s.texts["sv"].HomeErrands}, nil)
	says(at, cookie, []string{s.texts["sv"].BlockedTitle}, nil) // it stays so
}

func TestHelp(t *testing.T) {
	s := testServer(t, nil)
	v, cookie := visitedBy(t, s, session.Setup{})
	at := s.address("/help", nil)
	rang := func() bool {
		select {
		case <-s.help:
			return true
		default:
			return false
		}
	}
	for _, bad := range [][]string{
		nil, {"Cookie", visitCookie + "=" + random()}, {"Cookie", cookie, "Sec-Fetch-Site", "cross-site"},
		{"Cookie", cookie, "Origin", "https://site.example"}, {"Cookie", cookie, "Host", "localhost"},
	} {
		resp, _ := ask(t, "POST", at, bad...)
		status(t, http.StatusForbidden, resp)
		if rang() {
			t.Errorf("it rang for %v", bad)
		}
	}
	for range 3 { // who presses again rings once
		resp, _ := ask(t, "POST", at, "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
		status(t, http.StatusNoContent, resp)
	}
	if !rang() || rang() {
		t.Error("three presses did not ring once")
	}
	s.end(v)
	resp, _ := ask(t, "POST", at, "Cookie", cookie)
	status(t, http.StatusForbidden, resp)
}
