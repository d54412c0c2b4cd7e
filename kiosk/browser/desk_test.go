package browser_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/e2e/xserver"
	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/door"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/wipe"
)

const (
	screenWidth, screenHeight = 1366, 768
	strip                     = 72
)

// desk is a screen of the test's own with everything that a session needs.
type desk struct {
	display *display.Display
	name    string
	cookies string
	reach   []netip.AddrPort // of the test's own services
}

// needUser skips where a browser must not be started.
func needUser(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("a browser never runs as root: run this test as an unprivileged user")
	}
	for _, p := range []string{browser.DefaultChromium, browser.DefaultBubblewrap, "/usr/bin/Xvfb", "/usr/bin/openbox", "/usr/bin/xauth"} {
		if _, err := os.Stat(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	needUser(t)
	dir := t.TempDir()
	// A server that asks for a cookie, so that the sandbox's is tested.
	x := xserver.Start(t, xserver.Options{Size: fmt.Sprintf("%dx%d", screenWidth, screenHeight)})
	x.Use(t)
	d, err := display.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	m, err := d.StartManager(context.Background(), display.Config{Dir: dir, Strip: strip, ShellClass: "KioskShell", ClientClass: browser.Class})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return &desk{display: d, name: x.Name, cookies: x.Cookies}
}

func (d *desk) options() browser.Options {
	return browser.Options{Display: d.name, Cookies: d.cookies, Windows: d, Reach: d.reach}
}

func (d *desk) Room() browser.Rect {
	w, h := d.display.Size()
	return browser.Rect{W: w, H: h - strip}
}

func (d *desk) Where(class string) (browser.Rect, bool, bool, error) {
	w, found, err := d.display.FindRole(class, "browser")
	if err != nil || !found {
		return browser.Rect{}, false, found, err
	}
	r, mapped, err := d.display.Geometry(w)
	return browser.Rect(r), mapped, true, err
}

func (d *desk) Front(class string, place browser.Rect) error {
	w, found, err := d.display.FindRole(class, "browser")
	if err != nil || !found {
		return fmt.Errorf("no window: %w", err)
	}
	if at, _, err := d.display.Geometry(w); err == nil && browser.Rect(at) != place {
		if err := d.display.Maximise(w); err != nil {
			return err
		}
	}
	if w, found, err = d.display.Find(class); err != nil || !found {
		return fmt.Errorf("no window: %w", err)
	}
	return d.display.Activate(w)
}

func (d *desk) Silent(class string) time.Duration { return d.display.Silent(class) }

func (d *desk) Answer() door.Answer {
	kind, protocol, stamp := d.display.Answer()
	return door.Answer{Type: kind, Protocol: protocol, Stamp: stamp}
}

func (d *desk) Answered(window uint32) { d.display.Answered(window) }

// wiper looks at the folders that the session could have reached. Other tests
// run as the same user at the same time, so the machine counts as shared.
func (d *desk) wiper(t testing.TB) *wipe.Wiper {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	w, err := wipe.New(wipe.Config{
		StateDir: t.TempDir(), Places: wipe.DefaultPlaces(home, os.Getenv("XDG_RUNTIME_DIR"), true), SharedUser: true,
		Selections: d.display.SelectionOwners, ClearSelections: d.display.ClearSelections,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newBrowser(t testing.TB, o browser.Options) *browser.Browser {
	t.Helper()
	b, err := browser.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// start starts a browser and waits until it has painted.
func start(t testing.TB, b *browser.Browser, mark session.Mark) session.Running {
	t.Helper()
	return startAs(t, b, mark, session.Setup{Lang: "fi"})
}

// startAs starts a browser and waits until it has painted. One that does not
// is killed and another started, as the kiosk does; two in a row are a fault.
func startAs(t testing.TB, b *browser.Browser, mark session.Mark, setup session.Setup) session.Running {
	t.Helper()
	for try := 1; ; try++ {
		r, err := b.Start(t.Context(), mark, setup)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kill(t, r) })
		why := "did not paint"
		select {
		case <-r.Painted():
			return r
		case <-r.Lost():
			why = "was lost before it painted"
		case <-time.After(slow.Stretch(20 * time.Second)):
		}
		if try == 2 {
			t.Fatalf("the browser %s", why)
		}
		t.Logf("the browser %s: %+v; another is started", why, r.Look())
		kill(t, r)
	}
}

func kill(t testing.TB, r session.Running) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Kill(ctx); err != nil {
		t.Errorf("kill: %v", err)
	}
}

func await(t testing.TB, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(slow.Stretch(limit))
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}
