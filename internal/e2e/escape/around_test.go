package escape

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// canary is something that listens where a page must not reach, and counts who
// comes.
type canary struct {
	at   string
	came *atomic.Int64
}

// canaries listen on every address of this machine.
func (t *trial) canaries() (all []canary) {
	t.Helper()
	hosts := []string{"127.0.0.1", "127.9.9.9", "[::1]"}
	addresses, err := net.InterfaceAddrs()
	t.do(err)
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			hosts = append(hosts, n.IP.String())
		}
	}
	for _, h := range hosts {
		l, err := net.Listen("tcp", h+":0")
		if err != nil {
			continue // no such address on this machine
		}
		c := canary{l.Addr().String(), &atomic.Int64{}}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				c.came.Add(1)
				conn.Close()
			}
		}()
		all = append(all, c)
	}
	if len(all) < 2 {
		t.Fatal("nothing listens")
	}
	return all
}

// tryNetwork has a page look round in this machine and in the house.
func tryNetwork(t *trial) {
	all := t.canaries()
	ask := url.Values{}
	for _, c := range all {
		_, port, _ := net.SplitHostPort(c.at)
		ask.Add("to", c.at)
		ask.Add("to", "localhost:"+port)
		ask.Add("to", "rebind.localhost:"+port)
	}
	n := t.site.Asked(Here, "/hit/network")
	s := t.open("network.html?" + ask.Encode())
	t.hear(s.N, "asked all")
	if t.site.Asked(Here, "/hit/network") == n {
		t.Error("the page could not ask its own site either: nothing was tried")
	}
	for range ask["to"] {
		t.found("a page's request does not arrive")
	}
	// Typed, too.
	for _, c := range all {
		before := t.title()
		t.enter("http://" + c.at + "/json/version")
		t.later(patience, func() bool { return t.title() != before })
		t.opens()
		t.found("a typed address does not arrive")
	}
	for _, c := range all {
		if n := c.came.Load(); n > 0 {
			t.Errorf("%s: %d connections arrived", c.at, n)
		}
	}
	// Our own page by another name, as a name pointed at this machine would.
	t.key("alt+Home")
	t.Until(patience, "home comes", func() (bool, string) { return isHome(t.title()), t.title() })
	if u, err := url.Parse(t.address()); err == nil && u.Port() != "" {
		t.opens()
		t.enter("http://rebind.localhost:" + u.Port() + u.Path)
		if t.later(3*time.Second, func() bool { return isHome(t.title()) }) {
			t.Error("our own page is served under another name")
		}
		t.found("our own page is not served under another name")
	}
	t.opens()
}

// tryError goes through everything on the pages that say that nothing came.
func tryError(t *trial) {
	for _, address := range []string{"http://ei-ole.invalid/", fmt.Sprintf("http://%s:1/", Here), "chrome://dino", "chrome://network-error/-106"} {
		t.opens()
		before := t.title()
		t.enter(address)
		if !t.later(patience, func() bool { return t.title() != before }) {
			t.Errorf("%s: the page before is still there", address)
		}
		words := t.text()
		at := t.address()
		for range 6 {
			t.key("Tab", "Return")
		}
		t.key("space", "Up", "space")
		t.key("Escape")
		if got := t.address(); strings.HasPrefix(got, "chrome") && !strings.HasPrefix(at, "chrome") && !isBlockedPage(t.text()) {
			t.Errorf("%s leads to %.20q", address, got)
		}
		if isBlockedPage(words) {
			t.found(blocked)
		} else {
			t.found("a page that says that nothing came, and leads nowhere")
		}
	}
	t.opens()
}

// tryPrompts asks for everything that a browser asks its user about.
func tryPrompts(t *trial) {
	s := t.open("prompts.html")
	for _, id := range []string{"notify", "place", "camera", "screen", "usb", "hid", "serial", "bluetooth", "passkey", "password", "share", "install",
		"windows", "fonts", "idle", "midi", "pay", "protocol", "contacts"} {
		t.press(s, id, "asks:"+id)
		t.later(2*time.Second, func() bool { return t.site.Said(s.N, "refused:"+id) || t.site.Said(s.N, "did:"+id) })
		switch {
		case t.site.Said(s.N, "did:"+id):
			t.Errorf("%s: the page got what it asked for", id)
		case t.site.Said(s.N, "refused:"+id):
			t.found(refused)
		default:
			t.found("the page gets no answer")
		}
		if t.menuOpen() {
			t.Errorf("%s: the browser asks", id)
		}
		if !t.works(s) {
			t.Errorf("%s: the page does not have the keyboard any more", id)
		}
	}
	t.walk("prompts.html", func(s shown) {
		t.click(s.at("text"))
		t.key("alt+f")
	})
}

// tryDrag drags links, pictures and words to where they might open.
func tryDrag(t *trial) {
	s := t.open("plain.html")
	// On the tabs a link does open: these hands can drag.
	n := t.site.Asked(Here, "/hit/link")
	t.Until(patience, "a link dropped on the tabs opens", func() (bool, string) {
		t.drag(s.at("link"), Place{700, 20})
		return t.later(3*time.Second, func() bool { return t.site.Asked(Here, "/hit/link") > n }), ""
	})
	t.found(allowed)
	for _, id := range []string{"link", "pictured", "picture", "text"} {
		s = t.open("plain.html")
		n := t.site.Asked(Here, "/hit/link") + t.site.Asked(Here, "/hit/pictured") + t.site.Asked(Here, "/picture.svg")
		if id == "text" {
			t.do(t.display.Press(t.Ctx, 1, s.at(id).X-100, s.at(id).Y))
			t.key("ctrl+a")
		}
		for _, x := range []int{120, 250, t.display.W / 2, t.display.W - 160} { // the strip's buttons, and between them
			from := s.at(id)
			if id == "text" {
				from = Place{60, from.Y}
			}
			t.drag(from, Place{x, t.display.H - stripHeight/2})
			if !t.later(3*time.Second, func() bool { return t.shell().H == stripHeight }) {
				t.Errorf("the strip is %d pixels high after something was dropped on it", t.shell().H)
			}
			t.found(nothing)
		}
		t.alive(s.N)
		if got := t.site.Asked(Here, "/hit/link") + t.site.Asked(Here, "/hit/pictured") + t.site.Asked(Here, "/picture.svg"); got != n {
			t.Errorf("what was dropped on the strip was asked for %d times", got-n)
		}
	}
	if t.kiosk.Shell() == 0 {
		t.Error("the shell is gone")
	}
	// A link to a file, dropped on the tabs and on the page.
	s = t.open("file.html")
	t.drag(s.at("link"), Place{700, 20})
	if t.back("koe file") {
		t.found(empty)
	}
	t.drag(s.at("link"), Place{t.display.W / 2, t.display.H / 2})
	t.later(time.Second, func() bool { return !strings.HasPrefix(t.title(), "koe file") })
	if !strings.HasPrefix(t.title(), "koe file") {
		t.showsBlocked("a file dropped on the page")
	}
	t.found(nothing)
}
