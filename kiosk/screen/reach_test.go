package screen

import (
	"os/exec"
	"testing"
	"time"

	"yhteiskone/kiosk/session"
)

// Somebody who has no mouse reaches the strip and comes back.
func TestBrowserStripByKeyboard(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	show(t, s, views()["strip"])
	settle(t, s)
	other := exec.Command("xev") // somebody else who has the keyboard
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	until(t, "the other window has the keyboard", func() bool {
		w, err := d.Active()
		return err == nil && w != 0 && w != current(s).window
	})
	xdo(t, "key", "F9")
	until(t, "the strip has the keyboard", func() bool {
		v, err := current(s).eval(t.Context(), `document.hasFocus() && document.activeElement && document.activeElement.dataset.press || ""`)
		return err == nil && string(v) == `"help"`
	})
	xdo(t, "key", "Return")
	want(t, s, session.Press{What: "help"})
	settle(t, s)
	xdo(t, "key", "Escape")
	want(t, s, session.Press{What: "back"})
	xdo(t, "key", "F9")
	want(t, s, session.Press{What: "back"})
	none(t, s, "one key")
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("waited too long until %s", what)
		case <-tick.C:
		}
	}
}
