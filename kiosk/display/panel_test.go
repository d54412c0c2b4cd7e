package display_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"yhteiskone/kiosk/display"
)

// A panel that is hidden before the window manager got to see it takes no room
// of those that come later.
func TestPanelHiddenUnseen(t *testing.T) {
	d := server(t, "1366x768")
	manager(t, d)
	out, err := exec.Command("pgrep", "-x", "-P", strconv.Itoa(os.Getpid()), "openbox").Output()
	if err != nil {
		t.Fatal("find the window manager: ", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.NewPanel("KioskShell")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	if err := p.Prepare(display.Rect{Y: 768 - 72 - 280, W: 1366, H: 280}); err != nil {
		t.Fatal(err)
	}
	if err := p.Show(); err != nil {
		t.Fatal(err)
	}
	if err := p.Hide(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	window(t, "ClientBrowser", "browser")
	w := find(t, d, "ClientBrowser", "browser")
	want := display.Rect{W: 1366, H: 768 - d.StripHeight()}
	await(t, "the whole room for the page", func() bool {
		at, _, err := d.Geometry(w)
		return err == nil && at == want
	})
}
