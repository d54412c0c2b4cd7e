package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// A machine that is told to go on trying never ends because of what a
// technician mends: it says what is wrong, and begins once that is mended.
func TestBrowserKeepsTrying(t *testing.T) {
	w := rig.New(t)
	a := w.NewAgent()
	e := a.Enrol()
	k := w.NewKiosk(w.NewDisplay(), nil, e, rig.KioskOptions{Alone: true, StateSize: 1 << 20, Top: "keep_trying = true\nstate_on_disk = true\n"})
	join := filepath.Join(filepath.Dir(k.Config), "join.toml")
	good, err := os.ReadFile(join)
	if err != nil {
		t.Fatal(err)
	}
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	snagged := func(d time.Duration, snag string) {
		t.Helper()
		s := k.Is(d, snag, func(s rig.Status) bool { return s.Snag == snag })
		if s.State != fleet.Starting {
			t.Errorf("%s: the state is %s", snag, s.State)
		}
		w.Keeps(k.Display, snag)
	}
	put(join, string(good[:len(good)/2]))
	k.Begin()
	snagged(60*time.Second, "bad_join")
	text := func(agent, code string) string {
		return fmt.Sprintf("agent = %q\npin = %q\ncode = %q\n", agent, e.Pin, code)
	}
	put(join, text(e.Agent, identity.NewCode()))
	snagged(20*time.Second, "join_refused")
	put(join, text("https://127.0.0.1:9", e.Code))
	snagged(20*time.Second, "no_agent")
	if err := os.Remove(join); err != nil {
		t.Fatal(err)
	}
	snagged(20*time.Second, "no_join")

	// The state's file system is full: the agent lets the machine in, but it
	// cannot keep that, and with room again it is the same machine.
	full := k.Inside(filepath.Join(k.State, "full"))
	os.WriteFile(full, make([]byte, 2<<20), 0o600) // as much as there is room for
	put(join, string(good))
	snagged(20*time.Second, "data_full")
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	s := k.In(60*time.Second, fleet.Ready)
	if s.Snag != "" || s.Kiosk == "" || exists(join) {
		t.Errorf("once everything is mended: %+v, the join file is there: %v", s, exists(join))
	}
	if all, err := a.Machines(); err != nil || len(all) != 1 {
		t.Errorf("the agent knows %d machines (%v)", len(all), err)
	}
}

// A state that is not on a disk is none: nothing is enrolled into memory.
func TestBrowserStateGone(t *testing.T) {
	w := rig.New(t)
	a := w.NewAgent()
	k := w.NewKiosk(w.NewDisplay(), nil, a.Enrol(), rig.KioskOptions{Top: "keep_trying = true\nstate_on_disk = true\n"})
	k.Begin()
	k.Is(60*time.Second, "without its data", func(s rig.Status) bool { return s.Snag == "data_gone" })
	// It is said again and again, and so the curtain has had time to say it.
	w.Until(30*time.Second, "another try", func() (bool, string) {
		return strings.Count(k.Out.String(), "snag=data_gone") > 1, k.Out.String()
	})
	w.Keeps(k.Display, "data_gone")
	if exists(filepath.Join(k.State, "key.pem")) {
		t.Error("a key was made where it will be lost")
	}
	if all, err := a.Machines(); err != nil || len(all) != 0 {
		t.Errorf("the agent knows %d machines (%v)", len(all), err)
	}
}
