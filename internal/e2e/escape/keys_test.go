package escape

import (
	"strings"
	"time"
)

// noTools presses keys that would open developer tools or the page's source.
// The browser may say that they are not allowed; the page keeps its size and
// the keyboard.
func (t *trial) noTools(s shown, key string) {
	t.Helper()
	px := t.still(t.pageBox())
	t.reaches(s.N, key)
	if t.later(time.Second, func() bool { return alike(t.page(), px) < 0.9 }) {
		t.Until(patience, "the browser's no goes away", func() (bool, string) {
			t.key("Return")
			return t.later(time.Second, func() bool { return alike(t.page(), px) > 0.9 }), ""
		})
		t.found("the browser says that it is not allowed")
	} else {
		t.found(nothing)
	}
	t.alive(s.N)
	if t.site.Said(s.N, "size") {
		t.Errorf("%s: the page has another size: something stands beside it", key)
	}
}

func tryTools(t *trial) {
	s := t.open("plain.html")
	for _, key := range []string{"F12", "ctrl+shift+i", "ctrl+shift+j", "ctrl+shift+c"} {
		t.noTools(s, key)
	}
}

func tryHelp(t *trial) {
	s := t.open("plain.html")
	t.reaches(s.N, "F1")
	// The help is a page of the web; the web's rules hold for it.
	if t.back("koe plain") {
		t.found(allowed)
	} else {
		t.found(nothing)
	}
	t.alive(s.N)
}

// tryFullScreen tries what would cover the strip or take the browser's window
// away: keys, a page that asks, the menu of the title.
func tryFullScreen(t *trial) {
	s := t.open("screen.html")
	for _, key := range []string{"F11", "Escape"} {
		t.reaches(s.N, key)
		t.alive(s.N)
		t.found(nothing)
	}
	t.key("alt+space", "Escape")
	t.alive(s.N)
	t.press(s, "full", "asks:full")
	t.later(time.Second, func() bool { return t.site.Said(s.N, "did:full") })
	t.alive(s.N)
	if t.site.Said(s.N, "did:full") || t.site.Said(s.N, "fullscreen") || t.site.Said(s.N, "size") {
		t.Error("a page went to full screen")
	}
	t.found(refused)
	t.calm()
	t.walk("screen.html", func(shown) { t.do(t.display.Press(t.Ctx, 3, t.display.W*3/5, 20)) })
}

// tryMenu chooses everything in the menu of the right button over a picture
// that is a link, and over the page.
func tryMenu(t *trial) {
	t.walk("plain.html", func(s shown) { t.do(t.display.Press(t.Ctx, 3, s.at("picture").X, s.at("picture").Y)) })
	t.walk("plain.html", func(s shown) { t.do(t.display.Press(t.Ctx, 3, t.display.W*3/4, t.display.H/2)) })
}

// tryWindows opens windows and tabs in every way and checks that the rules
// hold there as well.
func tryWindows(t *trial) {
	s := t.open("plain.html")
	// Chromium crashes if an address of its own is entered while a new tab is
	// still on its way to its first page. That ends the session, with a proof;
	// here the rules are tried.
	there := func() (bool, string) { now := t.title(); return isHome(now), now }
	t.key("ctrl+n")
	t.Until(patience, "a second window comes", func() (bool, string) { return t.count("browser") == 2, "" })
	t.Until(patience, "the second window is home", there)
	t.isBlocked("file:///etc/passwd", "file:")
	t.calm()
	t.oneWindow()
	t.found(allowed)
	t.key("ctrl+t")
	t.Until(patience, "a tab comes", there)
	t.isBlocked("chrome://settings", "chrome://")
	t.key("ctrl+w") // once: the next would be the page's
	t.Until(patience, "the tab goes", func() (bool, string) { return strings.HasPrefix(t.title(), "koe plain"), t.title() })
	t.found(allowed)
	for _, key := range []string{"ctrl+shift+n", "ctrl+shift+m", "ctrl+m"} {
		t.key(key) // the browser's own: a page does not see them all
		t.later(700*time.Millisecond, func() bool { return t.count("browser") > 1 || t.menuOpen() })
		if n := t.count("browser"); n != 1 {
			t.Errorf("%s: there are %d windows", key, n)
		}
		t.key("Escape")
		t.alive(s.N)
		t.found(nothing)
	}
	for _, how := range []struct {
		button int
		with   []string
	}{{1, []string{"shift"}}, {2, nil}, {1, []string{"ctrl"}}, {1, []string{"ctrl", "shift"}}} {
		n := t.site.Asked(Here, "/hit/link")
		t.do(t.display.Press(t.Ctx, how.button, s.at("link").X, s.at("link").Y, how.with...))
		t.Until(patience, "the link opens", func() (bool, string) { return t.site.Asked(Here, "/hit/link") > n, "" })
		t.later(time.Second, func() bool { return strings.HasPrefix(t.title(), "hit") })
		t.found(allowed)
		t.oneWindow()
		if strings.HasPrefix(t.title(), "hit") {
			t.key("ctrl+w")
		}
		t.Until(patience, "the page is in front", func() (bool, string) { return strings.HasPrefix(t.title(), "koe plain"), t.title() })
	}
	t.alive(s.N)
}

// tryPopUp goes from a pop-up's address to the settings of its site.
func tryPopUp(t *trial) {
	s := t.open("popup.html")
	t.press(s, "open", "did:open")
	t.Until(patience, "the pop-up is there", func() (bool, string) { return t.count("pop-up") == 1 && strings.HasPrefix(t.title(), "hit"), t.title() })
	t.siteSettings("hit")
	t.Until(patience, "the pop-up is gone", func() (bool, string) {
		all := t.popUps()
		if len(all) == 0 {
			return true, ""
		}
		t.do(t.display.ClickIn(t.Ctx, all[0].ID, all[0].W/2, all[0].H-40))
		t.key("ctrl+w")
		return t.later(2*time.Second, func() bool { return len(t.popUps()) == 0 }), ""
	})
	t.open("plain.html") // it has nothing to press: keys that miss the bubble open nothing
	t.siteSettings("koe plain")
}

// siteSettings opens what the browser knows of the site, beside the address,
// and presses its last item: the settings of the site.
func (t *trial) siteSettings(title string) {
	t.Helper()
	t.Until(patience, "the window has the keyboard", func() (bool, string) { return strings.HasPrefix(t.title(), title), t.title() })
	px := t.still(t.pageBox())
	t.key("ctrl+l", "shift+Tab", "Return")
	if !t.later(patience, func() bool { return alike(t.page(), px) < 0.95 }) {
		t.Fatal("the site's information does not open")
	}
	opened := false
	for range 5 {
		t.key("shift+Tab", "Return")
		if opened = t.later(2*time.Second, func() bool { return !strings.HasPrefix(t.title(), title) }); opened {
			break
		}
	}
	if !opened {
		t.found("the site's information has no way further")
		t.key("Escape")
		return
	}
	if got := t.landed(); strings.HasPrefix(got, "chrome://") || t.onBlocked(got) {
		t.showsBlocked("the settings of the site")
	} else {
		t.found(allowed)
	}
}

// tryPages presses the keys of the browser's own pages.
func tryPages(t *trial) {
	for _, key := range []string{"ctrl+h", "ctrl+j", "ctrl+shift+o", "ctrl+shift+Delete", "ctrl+d", "ctrl+shift+d", "ctrl+shift+b"} {
		s := t.open("plain.html")
		t.reaches(s.N, key)
		if !t.later(1200*time.Millisecond, func() bool { return !strings.HasPrefix(t.title(), "koe plain") }) {
			t.alive(s.N)
			t.found(nothing)
			continue
		}
		if got := t.text(); !isBlockedPage(got) {
			t.Errorf("%s opens a page that begins %.60q", key, got)
		}
		t.found(blocked)
		t.key("ctrl+w")
		t.later(patience, func() bool { return strings.HasPrefix(t.title(), "koe plain") })
	}
}

// tryTaskManager opens the browser's list of its own parts and tries to end
// one of them.
func tryTaskManager(t *trial) {
	s := t.open("plain.html")
	before := t.count("browser")
	t.key("shift+Escape")
	id, b := "", t.shell()
	if !t.later(patience, func() bool { id, b = t.extra(); return id != "" }) {
		t.alive(s.N)
		t.found(nothing)
		return
	}
	// Every line is chosen in turn, and the button that ends it pressed.
	for line := range 4 {
		t.do(t.display.ClickIn(t.Ctx, id, 80, 115+line*32))
		t.do(t.display.ClickIn(t.Ctx, id, b.W-75, b.H-45))
		t.key("Delete")
	}
	t.do(t.display.ClickIn(t.Ctx, id, b.W/2, b.H-20))
	t.Until(patience, "the list goes away", func() (bool, string) {
		if again, _ := t.extra(); again == "" {
			return true, ""
		}
		t.key("ctrl+w")
		return t.later(time.Second, func() bool { again, _ := t.extra(); return again == "" }), ""
	})
	if t.count("browser") != before {
		t.Error("a window of the browser is gone")
	}
	t.alive(s.N)
	t.found("a list of the browser's own parts, in which nothing can be ended")
}

// tryFocus moves the keyboard to the browser's bars and back.
func tryFocus(t *trial) {
	s := t.open("plain.html")
	for _, key := range []string{"alt+d", "ctrl+l", "F6", "ctrl+f", "ctrl+e", "ctrl+k"} {
		t.key(key)
		t.write("x")
		t.key("Escape", "Escape", "Escape")
		t.click(s.at("text"))
		t.alive(s.N)
		t.found(nothing)
	}
	for range 8 { // round all bars
		t.key("F6")
	}
	t.click(s.at("text"))
	t.reaches(s.N, "F7") // asks whether to move a cursor by the keyboard
	t.later(time.Second, t.menuOpen)
	t.key("Escape")
	t.click(s.at("text"))
	t.alive(s.N)
	t.found(nothing)
}

// tryDesktop presses the keys of window managers.
func tryDesktop(t *trial) {
	s := t.open("plain.html")
	keys := []string{"alt+Tab", "alt+shift+Tab", "super", "super+r", "super+d", "super+e", "super+Tab", "Super_R", "alt+F2", "alt+F1", "ctrl+alt+t",
		"ctrl+alt+d", "alt+F9", "alt+F10", "super+Down", "ctrl+Escape", "ctrl+alt+Right", "XF86Launch1", "XF86WWW", "XF86Calculator", "Print"}
	for _, key := range keys {
		t.key(key)
	}
	t.key("Escape")
	t.later(time.Second, func() bool { return !t.menuOpen() })
	t.alive(s.N)
	if n := t.count("browser"); n != 1 {
		t.Errorf("there are %d windows", n)
	}
	for range keys {
		t.found(nothing)
	}
	// The menu key opens the page's own menu, which row 20 goes through.
	t.key("Menu")
	t.later(2*time.Second, t.menuOpen)
	t.key("Escape")
	t.alive(s.N)
	t.found(nothing)
}

// trySticky presses the keys that turn on a desktop's help for typing, which
// nobody here would know how to turn off.
func trySticky(t *trial) {
	s := t.open("plain.html")
	plain := func(what string) {
		t.Helper()
		t.key("Escape")
		t.reaches(s.N, "a") // with Shift stuck it would be shift+a
		t.found(nothing + " after " + what)
	}
	t.key("Shift_L", "Shift_L", "Shift_L", "Shift_L", "Shift_L", "Shift_L")
	plain("Shift ×5")
	t.do(t.display.Hold(t.Ctx, "Shift_R"))
	held := time.Now()
	t.later(9*time.Second, func() bool { return time.Since(held) > 8500*time.Millisecond })
	t.do(t.display.Release(t.Ctx, "Shift_R"))
	plain("Shift for 8 s")
	t.key("alt+shift+Num_Lock", "alt+shift+Num_Lock")
	plain("Shift+Alt+NumLock")
	for range 5 {
		t.key("Num_Lock")
	}
	t.key("Num_Lock")
	plain("NumLock ×6")
}
