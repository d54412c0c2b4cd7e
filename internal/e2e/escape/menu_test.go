package escape

import (
	"strings"
	"time"

	"yhteiskone/internal/e2e/hand"
)

// menuOpen reports whether a menu of the browser is on the screen.
func (r *room) menuOpen() bool { r.Helper(); return len(r.menus()) > 0 }

func (r *room) menus() (open []hand.Window) {
	r.Helper()
	all, err := r.display.All(r.Ctx)
	r.do(err)
	for _, w := range all {
		if w.Free {
			open = append(open, w)
		}
	}
	return open
}

// extra is a managed window that is neither the shell nor a browser's: a
// dialog, a list. Its number is "" if there is none.
func (r *room) extra() (id string, b hand.Box) {
	r.Helper()
	all, err := r.display.All(r.Ctx)
	r.do(err)
	for _, w := range all {
		if !w.Free && w.Class != "KioskShell" && (w.Class != classClient || w.Role != "browser" && w.Role != "pop-up") {
			return w.ID, w.Box
		}
	}
	return "", hand.Box{}
}

// items counts what can be chosen in the open menu: it goes down until the
// menu looks as after the first step.
func (t *trial) items(open func()) int {
	t.Helper()
	open()
	var first []byte
	for n := 0; n < 40; n++ {
		t.key("Down")
		b := t.menus()
		if len(b) == 0 {
			t.Fatal("the menu went away")
		}
		now := t.still(b[len(b)-1].Box)
		if first == nil {
			first = now
		} else if alike(first, now) > 0.9999 {
			t.key("Escape")
			t.later(2*time.Second, func() bool { return !t.menuOpen() })
			return n
		}
	}
	t.Fatal("the menu has no end")
	return 0
}

// still is what a part of the screen shows once it has come to rest.
func (r *room) still(b hand.Box) []byte {
	r.Helper()
	var last []byte
	r.later(2*time.Second, func() bool {
		now, err := r.display.Pixels(r.Ctx, b)
		r.do(err)
		rest := alike(now, last) == 1
		last = now
		return rest
	})
	return last
}

// walk chooses every item of a menu that press opens over a page of the site,
// and looks after each what came of it: pages under the same rules, nothing,
// or the session's end.
func (t *trial) walk(page string, press func(shown)) {
	t.Helper()
	s := t.open(page)
	title := "koe " + strings.TrimSuffix(page, ".html")
	open := func() {
		t.Until(patience, "a menu opens", func() (bool, string) {
			press(s)
			return t.later(3*time.Second, t.menuOpen), ""
		})
	}
	n := t.items(open)
	t.Logf("the menu has %d items to choose", n)
	for i := range n {
		open()
		for range i + 1 {
			t.key("Down")
		}
		t.key("Return")
		t.later(700*time.Millisecond, func() bool { return !strings.HasPrefix(t.title(), title) })
		if !t.after(title) && t.works(s) {
			continue
		}
		// The page is opened again; bars that look otherwise now stay so until the
		// session's end, and the next item is tried in a fresh one.
		if again := t.open(page); again.at("text") != s.at("text") {
			t.end()
			t.begin()
			t.found("the browser's bars look otherwise until the session's end")
		}
		s = t.open(page)
	}
}

// works puts away what lies over the page and checks that it has the keyboard.
func (t *trial) works(s shown) bool {
	t.Helper()
	for range 3 {
		n := t.site.Times(s.N, "key:q")
		t.key("Escape", "q")
		if t.later(time.Second, func() bool { return t.site.Times(s.N, "key:q") > n }) {
			return true
		}
	}
	return false
}

// after looks at what the choice of an item came to and goes back to the page;
// true if the page has to be opened again.
func (t *trial) after(title string) (again bool) {
	t.Helper()
	gone := func() bool { return !t.status().InSession() }
	if gone() || !strings.HasPrefix(t.title(), title) && t.later(2*time.Second, gone) {
		t.ended()
		t.begin()
		t.found(over)
		return true
	}
	if t.menuOpen() { // a further menu, or a bubble
		t.key("Escape", "Escape")
		t.found("a menu, closed again")
	}
	if id, _ := t.extra(); id != "" {
		t.Until(patience, "the dialog goes away", func() (bool, string) {
			t.key("Escape")
			if t.later(time.Second, func() bool { id, _ := t.extra(); return id == "" }) {
				return true, ""
			}
			t.key("ctrl+w")
			return t.later(time.Second, func() bool { id, _ := t.extra(); return id == "" }), id
		})
		t.found("a dialog, closed again")
	}
	if !t.later(patience, func() bool { all, err := t.display.All(t.Ctx); return err == nil && t.placed(all) }) {
		t.Errorf("a window of the browser is not in its place")
	}
	if strings.HasPrefix(t.title(), title) {
		t.found(nothing)
		return false
	}
	if got := t.landed(); !strings.HasPrefix(got, "http://") && !strings.HasPrefix(got, "https://") && got != "about:blank" && got != "" &&
		!strings.HasPrefix(got, "chrome://print") && !isBlockedPage(t.text()) {
		t.Errorf("%.20q is open", got)
	}
	t.found(allowed)
	if t.count("browser") > 1 {
		t.oneWindow()
	}
	return true
}

// placed reports whether every browser window is shown in its place.
func (r *room) placed(all []hand.Window) bool {
	for _, w := range all {
		if w.Class == classClient && w.Role == "browser" && (!w.Shown || w.X != 0 || w.Y != 0 || w.H != r.display.H-stripHeight) {
			return false
		}
	}
	return true
}
