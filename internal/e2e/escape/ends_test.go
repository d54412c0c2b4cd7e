package escape

import (
	"strings"
	"syscall"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// tryEnding closes the browser in every way. That is the session's end: wiped
// and proved, and never a bare desktop on the screen.
func tryEnding(t *trial) {
	for _, key := range []string{"ctrl+w", "ctrl+F4", "alt+F4", "ctrl+shift+w", "ctrl+shift+q", "ctrl+q"} {
		t.begin()
		gap, since := time.Duration(0), time.Now()
		over := false
		for range 4 {
			t.key(key)
			over = t.later(3*time.Second, func() bool {
				if t.covered() {
					since = time.Now()
				}
				gap = max(gap, time.Since(since))
				return t.status() != fleet.InUse
			})
			if over || key == "ctrl+q" || key == "ctrl+shift+q" {
				break
			}
		}
		if !over {
			t.reaches("tile", "z")
			t.calm()
			t.found(nothing)
			continue
		}
		t.Until(60*time.Second, "the kiosk is ready again", func() (bool, string) {
			if t.covered() {
				since = time.Now()
			}
			gap = max(gap, time.Since(since))
			s := t.status()
			return s == fleet.Ready, string(s)
		})
		t.ended()
		if gap > 2*time.Second { // a look at the windows takes part of that
			t.Errorf("%s: neither the page nor our curtain was on the screen for %v", key, gap)
		}
		t.found("the session ends, with a proof")
	}
	// A page closes itself: the session's last one may not.
	t.begin()
	s := t.open("close.html")
	t.press(s, "close", "asks:close")
	if t.later(2*time.Second, func() bool { return !t.status().InSession() }) {
		t.ended()
		t.begin()
		t.found("the session ends, with a proof")
	} else {
		t.alive(s.N)
		t.found(nothing)
	}
}

// covered reports whether the client's page or something of ours covers the
// screen above the strip.
func (r *room) covered() bool {
	all, err := r.display.All(r.Ctx)
	if err != nil {
		return false
	}
	for _, w := range all {
		page := w.Class == classClient && w.Shown && w.H == r.display.H-stripHeight
		if page || (w.Class == rig.ClassShell || w.Free) && w.Shown && w.W == r.display.W && w.H == r.display.H {
			return true
		}
	}
	return false
}

// tryRestore brings back closed tabs: one's own, and those of a session that
// was killed.
func tryRestore(t *trial) {
	s := t.open("plain.html")
	own := func() int { return t.site.Times(s.N, "shown") }
	t.key("ctrl+t")
	t.Until(patience, "a tab comes", func() (bool, string) { return !strings.HasPrefix(t.title(), "koe plain"), t.title() })
	t.key("ctrl+1", "ctrl+w")
	t.Until(patience, "the tab is closed", func() (bool, string) { return t.site.Said(s.N, "left"), "" })
	t.key("ctrl+shift+t")
	if t.later(3*time.Second, func() bool { return own() > 1 }) {
		t.found("one's own closed tab comes back")
	} else { // the browser keeps no list of closed tabs at all
		t.found("not even one's own closed tab comes back")
	}
	if err := syscall.Kill(t.browser, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	t.Until(patience, "the session is over", func() (bool, string) { return !t.status().InSession(), "" })
	t.ended()
	t.begin()
	before := own()
	t.key("ctrl+shift+t", "ctrl+shift+t", "alt+Left", "alt+Left")
	t.reaches("tile", "z")
	t.calm() // no bubble that offers to restore
	if own() != before {
		t.Error("a page of the session before came back")
	}
	t.found(nothing)
}

// tryBack goes back to the pages of the client before.
func tryBack(t *trial) {
	first, second := t.open("plain.html"), t.open("screen.html")
	seen := func(s shown) int { return t.site.Times(s.N, "shown") + t.site.Times(s.N, "back") }
	t.Until(patience, "one's own page before comes back", func() (bool, string) {
		t.key("alt+Left")
		return t.later(3*time.Second, func() bool { return seen(first) > 1 }), ""
	})
	t.found("one's own page before comes back")
	t.end()
	t.begin()
	a, b := seen(first), seen(second)
	t.key("alt+Left", "alt+Left", "alt+Right", "BackSpace")
	t.reaches("tile", "z")
	t.key("alt+Home")
	t.Until(patience, "home comes", func() (bool, string) { return !strings.HasPrefix(t.title(), "koe"), t.title() })
	t.key("alt+Left")
	t.Until(patience, "the tile's page comes back", func() (bool, string) { return strings.HasPrefix(t.title(), "koe plain"), t.title() })
	if seen(first) != a || seen(second) != b {
		t.Error("a page of the client before came back")
	}
	t.found(nothing)
}

// tryPaste pastes what the client before copied.
func tryPaste(t *trial) {
	const secret = "SALAISUUS"
	s := t.open("plain.html")
	t.click(s.at("field"))
	t.key("ctrl+a")
	t.write(secret)
	t.key("ctrl+a", "ctrl+c")
	t.Until(patience, "the words are on the clipboard", func() (bool, string) {
		got, _ := t.selection("clipboard")
		return got == secret, ""
	})
	t.found("one's own words are copied")
	t.end()
	for _, name := range []string{"clipboard", "primary", "secondary"} {
		if got, owned := t.selection(name); owned && strings.Contains(got, secret) {
			t.Errorf("the selection %s holds the words of the client before", name)
		}
	}
	t.begin()
	s = t.open("plain.html")
	t.click(s.at("field"))
	t.key("ctrl+a", "Delete", "ctrl+v")
	t.write("x")
	t.do(t.display.Press(t.Ctx, 2, s.at("field").X, s.at("field").Y)) // the middle button pastes too
	t.click(s.at("field"))
	if got := t.copied("ctrl+a", "ctrl+c"); !strings.Contains(got, "x") || strings.Contains(got, secret) {
		t.Errorf("the next client's field holds %d letters", len(got))
	}
	t.found(nothing)
}
