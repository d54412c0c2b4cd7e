package display_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/e2e/xserver"
	"yhteiskone/kiosk/display"
)

// server starts an X server of the test's own and points DISPLAY at it.
func server(t *testing.T, size string, more ...string) *display.Display {
	t.Helper()
	d, _ := serverProcess(t, size, more...)
	return d
}

func serverProcess(t *testing.T, size string, more ...string) (*display.Display, *os.Process) {
	t.Helper()
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skip("Xvfb is not installed")
	}
	x := xserver.Start(t, xserver.Options{Size: size, Cookie: []byte("0123456789abcdef"), Args: more})
	x.Use(t)
	d, err := display.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d, x.Process
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(slow.Stretch(10 * time.Second))
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

func manager(t *testing.T, d *display.Display) *display.Manager {
	t.Helper()
	m, err := d.StartManager(context.Background(), display.Config{
		Dir: t.TempDir(), Strip: d.StripHeight(), ShellClass: "KioskShell", ClientClass: "ClientBrowser"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return m
}

func TestOpenWithoutDisplay(t *testing.T) {
	for _, name := range []string{"", ":4711"} {
		t.Setenv("DISPLAY", name)
		if _, err := display.Open(); !errors.Is(err, display.ErrNoDisplay) {
			t.Errorf("DISPLAY=%q: got %v, want ErrNoDisplay", name, err)
		}
	}
}

func TestStripHeight(t *testing.T) {
	for _, c := range []struct{ w, h, want int }{
		{1366, 768, 72}, {1280, 720, 72}, {1024, 768, 72}, {1920, 1080, 101}, {3840, 2160, 202},
	} {
		if got := display.StripHeight(c.w, c.h); got != c.want {
			t.Errorf("%dx%d: %d, want %d", c.w, c.h, got, c.want)
		}
	}
}

func TestCoverAndUncover(t *testing.T) {
	d := server(t, "800x600")
	if w, h := d.Size(); w != 800 || h != 600 {
		t.Fatalf("size %dx%d", w, h)
	}
	var worst time.Duration
	for range 50 {
		start := time.Now()
		if err := d.Cover(); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(start))
		if err := d.Cover(); err != nil { // twice is no error
			t.Fatal(err)
		}
		if !d.Covered() || colour(t, 400, 300) != "F6F4EE" {
			t.Fatalf("covered %v, middle of the screen is %s", d.Covered(), colour(t, 400, 300))
		}
		if err := d.Uncover(); err != nil {
			t.Fatal(err)
		}
		if d.Covered() {
			t.Fatal("still covered")
		}
		if testing.Short() {
			break
		}
	}
	t.Logf("slowest Cover: %v", worst)
	if got := colour(t, 400, 300); got == "F6F4EE" {
		t.Fatal("the curtain stayed after Uncover")
	}
}

// A window that is mapped above the curtain, as a browser's menu would be,
// must not stay above it.
func TestCoverStaysAbove(t *testing.T) {
	d := server(t, "640x480")
	if err := d.Cover(); err != nil {
		t.Fatal(err)
	}
	above(t)
	await(t, "the curtain to come up again", func() bool { return colour(t, 320, 240) == "F6F4EE" })
}

func TestManagerPlacesWindows(t *testing.T) {
	for _, size := range []string{"1366x768", "1024x768"} {
		t.Run(size, func(t *testing.T) {
			d := server(t, size)
			manager(t, d)
			w, h := d.Size()
			strip := d.StripHeight()
			window(t, "KioskShell", "")
			shell := find(t, d, "KioskShell", "")
			for _, r := range []display.Rect{{W: w, H: h}, {Y: h - strip, W: w, H: strip}, {Y: h - 260, W: w, H: 260}, {W: w, H: h}} {
				if err := d.Strut(shell, strip); err != nil {
					t.Fatal(err)
				}
				if err := d.Place(shell, r); err != nil {
					t.Fatal(err)
				}
				await(t, fmt.Sprintf("the shell at %v", r), func() bool {
					got, mapped, err := d.Geometry(shell)
					return err == nil && mapped && got == r
				})
			}
			window(t, "ClientBrowser", "browser")
			client := find(t, d, "ClientBrowser", "browser")
			await(t, "the client's browser to fill the rest", func() bool {
				got, _, err := d.Geometry(client)
				return err == nil && got == display.Rect{W: w, H: h - strip}
			})
			window(t, "ClientBrowser", "pop-up")
			popup := find(t, d, "ClientBrowser", "pop-up")
			await(t, "the pop-up below its title bar", func() bool {
				got, _, err := d.Geometry(popup)
				return err == nil && got.Y > 10 && got.W < w && got.Y+got.H <= h-strip
			})
			if n, err := d.Count("ClientBrowser"); n != 2 || err != nil {
				t.Errorf("%d windows of the client's browser, %v", n, err)
			}
			for _, target := range []display.Window{client, shell} {
				if err := d.Activate(target); err != nil {
					t.Fatal(err)
				}
				await(t, "the keyboard", func() bool { a, err := d.Active(); return err == nil && a == target })
			}
			if _, found, err := d.Find("NoSuchClass"); found || err != nil {
				t.Errorf("found a window of no class: %v %v", found, err)
			}
		})
	}
}

func TestManagerDeathIsNoticed(t *testing.T) {
	d := server(t, "640x480")
	m := manager(t, d)
	_, err := d.StartManager(context.Background(), display.Config{Dir: t.TempDir(), ShellClass: "a", ClientClass: "b"})
	if err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("a second manager: %v", err)
	}
	m.Stop()
	select {
	case <-m.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the death was not told")
	}
	manager(t, d) // the left-over property of the dead one does not hinder a new one
}

func TestSelections(t *testing.T) {
	d := server(t, "640x480")
	if n, err := d.SelectionOwners(); n != 0 || err != nil {
		t.Fatalf("fresh server: %d owners, %v", n, err)
	}
	own(t)
	if n, err := d.SelectionOwners(); n != 3 || err != nil {
		t.Fatalf("two selections and a cut buffer: counted %d, %v", n, err)
	}
	if err := d.ClearSelections(); err != nil {
		t.Fatal(err)
	}
	if n, err := d.SelectionOwners(); n != 0 || err != nil {
		t.Fatalf("after clearing: %d owners, %v", n, err)
	}
}

func TestIdleFor(t *testing.T) {
	if _, err := exec.LookPath("xdotool"); err != nil {
		t.Skip("xdotool is not installed")
	}
	d := server(t, "640x480")
	await(t, "some idle time", func() bool { i, err := d.IdleFor(); return err == nil && i > 2*time.Second })
	if out, err := exec.Command("xdotool", "mousemove", "10", "10", "click", "1").CombinedOutput(); err != nil {
		t.Fatalf("xdotool: %v %s", err, out)
	}
	if i, err := d.IdleFor(); err != nil || i > time.Second {
		t.Errorf("after a click: idle for %v, %v", i, err)
	}
}

func TestServerGone(t *testing.T) {
	d := server(t, "640x480")
	d.Close()
	select {
	case <-d.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("Done was not closed")
	}
	if err := d.Cover(); err == nil {
		t.Error("Cover on a closed display says nothing")
	}
	if _, _, err := d.Find("x"); err == nil {
		t.Error("Find on a closed display says nothing")
	}
}
