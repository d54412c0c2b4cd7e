package screen

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/e2e/xserver"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/spawn"
)

var _ session.Screen = (*Screen)(nil)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == LauncherName {
		Launch(os.Args[1:])
	}
	spawn.Act(os.Args)
	os.Exit(m.Run())
}

// needBrowser skips where a Chromium cannot or must not run.
func needBrowser(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("a browser never runs as root")
	}
	for _, p := range []string{"Xvfb", "openbox", "xdotool", "bwrap", "/usr/lib/chromium/chromium"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(slow.Stretch(20 * time.Second))
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// room is a display of the test's own with a window manager.
func room(t *testing.T, size string) *display.Display {
	t.Helper()
	needBrowser(t)
	xserver.Start(t, xserver.Options{Size: size}).Use(t)
	d, err := display.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	m, err := d.StartManager(context.Background(), display.Config{Dir: t.TempDir(), Strip: d.StripHeight(),
		ShellClass: Class, ClientClass: "ClientBrowser"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return d
}

func open(t *testing.T, d *display.Display) *Screen {
	t.Helper()
	return openIn(t, d, "")
}

// openIn opens a screen whose shell is started behind the socket unit.
func openIn(t *testing.T, d *display.Display, unit string) *Screen {
	t.Helper()
	tiles, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	start := time.Now()
	s, err := Open(context.Background(), Config{Display: d, Catalogue: tiles, Dir: t.TempDir(), Unit: unit,
		Zone: time.FixedZone("EET", 7200), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("shell up in %v", time.Since(start).Round(time.Millisecond))
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func show(t *testing.T, s *Screen, v session.View) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	start := time.Now()
	if err := s.Show(ctx, v); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

func xdo(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("xdotool", args...).CombinedOutput(); err != nil {
		t.Fatalf("xdotool %v: %v %s", args, err, out)
	}
}

// find tells where a button is on the screen, by asking the page.
func find(t *testing.T, s *Screen, selector string) (x, y string) {
	t.Helper()
	sh := current(s)
	v, err := sh.eval(t.Context(), fmt.Sprintf(`(()=>{const b=document.querySelector(%q).getBoundingClientRect();
		return Math.round(b.x+b.width/2)+" "+Math.round(b.y+b.height/2)})()`, selector))
	if err != nil {
		t.Fatal(err)
	}
	var bx, by int
	if _, err := fmt.Sscanf(strings.Trim(string(v), `"`), "%d %d", &bx, &by); err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	return strconv.Itoa(bx + sh.at.X), strconv.Itoa(by + sh.at.Y)
}

func current(s *Screen) *shell {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shell
}

func click(t *testing.T, s *Screen, selector string) {
	t.Helper()
	x, y := find(t, s, selector)
	xdo(t, "mousemove", x, y, "click", "1")
}

func want(t *testing.T, s *Screen, p session.Press) {
	t.Helper()
	select {
	case got := <-s.Presses():
		if got != p {
			t.Fatalf("pressed %+v, want %+v", got, p)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("no press came, want %+v", p)
	}
}

// none checks that nothing was pressed: what is pressed after it comes first.
func none(t *testing.T, s *Screen, after string) {
	t.Helper()
	select {
	case got := <-s.Presses():
		t.Fatalf("%s: pressed %+v", after, got)
	case <-time.After(300 * time.Millisecond):
	}
}

// settle waits until the page takes presses again.
func settle(t *testing.T, s *Screen) {
	t.Helper()
	if _, err := current(s).eval(t.Context(), `new Promise(r => setTimeout(() => r(true), 750))`); err != nil {
		t.Fatal(err)
	}
}

func TestBrowserPressArrives(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	if !d.Covered() {
		t.Error("not covered before the first view")
	}
	show(t, s, views()["welcome"])
	if d.Covered() || !s.Paints() {
		t.Errorf("covered %v, paints %v after the first view", d.Covered(), s.Paints())
	}
	settle(t, s)
	click(t, s, `[data-arg="kela"]`)
	want(t, s, session.Press{What: "tile", Arg: "kela"})
	none(t, s, "one click")
	settle(t, s)
	click(t, s, `[data-open="bank"]`)
	settle(t, s)
	click(t, s, `[data-arg="bank-nordea"]`)
	want(t, s, session.Press{What: "tile", Arg: "bank-nordea"})
	settle(t, s)
	click(t, s, `nav [data-arg="sv"]`)
	want(t, s, session.Press{What: "language", Arg: "sv"})
	settle(t, s)
	x, y := find(t, s, `button.help`)
	xdo(t, "mousemove", x, y, "click", "--repeat", "2", "--delay", "60", "1")
	want(t, s, session.Press{What: "help"})
	none(t, s, "a double click")
}

// A countdown that ticks while a finger is down must not swallow the press.
func TestBrowserPressDuringRedraw(t *testing.T) {
	s := open(t, room(t, "1366x768"))
	v := views()["idle_late"]
	show(t, s, v)
	settle(t, s)
	x, y := find(t, s, `[data-press="continue"]`)
	xdo(t, "mousemove", x, y, "mousedown", "1")
	for range 3 {
		v.EndsIn -= time.Second
		show(t, s, v)
	}
	xdo(t, "mouseup", "1")
	want(t, s, session.Press{What: "continue"})
}

func TestBrowserConfirmNeedsIntent(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	show(t, s, views()["strip"])
	settle(t, s)
	click(t, s, `[data-press="end"]`)
	want(t, s, session.Press{What: "end"})
	show(t, s, views()["confirm"])
	await(t, "the keyboard", func() bool { a, err := d.Active(); return err == nil && a == current(s).window })
	settle(t, s)
	xdo(t, "key", "Return") // the first focus is on "no"
	want(t, s, session.Press{What: "end_no"})
	settle(t, s)
	xdo(t, "key", "Escape")
	want(t, s, session.Press{What: "end_no"})
	settle(t, s)
	click(t, s, `[data-press="end_yes"]`)
	want(t, s, session.Press{What: "end_yes"})
	// Enter held down on "yes" counts once at most; a fresh question begins at "no".
	show(t, s, views()["strip"])
	show(t, s, views()["confirm"])
	settle(t, s)
	xdo(t, "key", "Tab", "key", "Return")
	want(t, s, session.Press{What: "end_yes"})
}

func TestBrowserKeysDoNotEscape(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	show(t, s, views()["welcome"])
	await(t, "the keyboard", func() bool { a, err := d.Active(); return err == nil && a == current(s).window })
	before := current(s)
	for _, k := range strings.Fields(`ctrl+t ctrl+n ctrl+shift+n ctrl+o ctrl+s ctrl+p ctrl+u ctrl+shift+i ctrl+shift+j ctrl+h ctrl+j
		ctrl+l ctrl+w ctrl+shift+w ctrl+q ctrl+shift+q ctrl+shift+Delete ctrl+r ctrl+plus F1 F3 F5 F6 F7 F10 F11 F12 shift+Escape
		alt+F4 alt+Left alt+Home alt+d alt+space alt+Tab super Menu shift+F10 ctrl+F4 ctrl+Tab`) {
		xdo(t, "key", k)
	}
	// A press that works afterwards says that the page was not left.
	settle(t, s)
	click(t, s, `[data-arg="kela"]`)
	want(t, s, session.Press{What: "tile", Arg: "kela"})
	if current(s) != before {
		t.Error("a key ended the shell")
	}
	if n, err := d.Count(Class); n != 1 || err != nil {
		t.Errorf("%d windows of the shell, %v", n, err)
	}
	if at, mapped, err := d.Geometry(before.window); err != nil || !mapped || at != (display.Rect{W: 1366, H: 768}) {
		t.Errorf("the shell is at %v (%v, %v)", at, mapped, err)
	}
}

func TestBrowserGeometry(t *testing.T) {
	for _, c := range []struct{ w, h, strip, confirm int }{{1366, 768, 72, 288}, {1280, 720, 72, 288}, {1024, 768, 72, 288}, {1920, 1080, 101, 405}} {
		t.Run(fmt.Sprintf("%dx%d", c.w, c.h), func(t *testing.T) {
			d := room(t, fmt.Sprintf("%dx%d", c.w, c.h))
			s := open(t, d)
			for _, p := range []struct {
				view string
				h    int
			}{{"welcome", c.h}, {"strip", c.strip}, {"confirm", c.confirm}, {"strip", c.strip}, {"last_call", c.h}, {"strip", c.strip}, {"erasing", c.h}} {
				show(t, s, views()[p.view])
				at, mapped, err := d.Geometry(current(s).window)
				if want := (display.Rect{Y: c.h - p.h, W: c.w, H: p.h}); err != nil || !mapped || at != want {
					t.Errorf("%s: at %v, want %v (%v, %v)", p.view, at, want, mapped, err)
				}
			}
		})
	}
}
