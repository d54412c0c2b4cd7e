package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// told gives a command and collects what is answered.
func told(m *Machine, c fleet.Command) *[]fleet.Result {
	var all []fleet.Result
	m.Command(context.Background(), c, func(r fleet.Result) { all = append(all, r) })
	synctest.Wait()
	return &all
}

// The whole machine restarts after the session, once, and says so when it is
// certain.
func TestReboot(t *testing.T) {
	var asked []string
	hold := make(chan error, 1)
	bench(t, func(w *world) {
		w.reboot = func(id string) error { asked = append(asked, id); return <-hold }
	}, func(t *testing.T, w *world, m *Machine) {
		hold = make(chan error, 1) // of the bubble
		inSession(t, w, m)
		c := fleet.Command{ID: "00000000000000a1", Name: fleet.Reboot, TTL: time.Hour}
		got := told(m, c)
		w.pass(time.Minute)
		wantState(t, m, fleet.InUse)
		if len(asked) != 0 || len(*got) != 0 {
			t.Fatalf("in the session: asked %v, answered %v", asked, *got)
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		again := told(m, c) // the line broke and the agent says it again
		w.pass(time.Second)
		if len(asked) != 1 || len(*got)+len(*again) != 0 {
			t.Fatalf("after it: asked %v, answered %v, %v", asked, *got, *again)
		}
		wantState(t, m, fleet.Ready) // it goes on answering meanwhile
		hold <- nil
		synctest.Wait()
		if len(*got) != 1 || !(*got)[0].OK {
			t.Errorf("answered %v", *got)
		}
		if r := told(m, c); len(*r) != 1 || !(*r)[0].OK || len(asked) != 1 {
			t.Errorf("again: %v, asked %v", *r, asked)
		}
		// Now: the session is erased and proved first.
		w.pass(time.Minute)
		inSession(t, w, m)
		proofs := len(w.proofs)
		hold <- errFake
		got = told(m, fleet.Command{ID: "00000000000000a2", Name: fleet.Reboot, TTL: time.Hour, Now: true})
		if len(asked) != 2 || len(w.proofs) <= proofs || len(*got) != 1 || (*got)[0].Why != "unable" {
			t.Errorf("now: asked %v, %d proofs, answered %v", asked, len(w.proofs)-proofs, *got)
		}
		// What waited too long is not done.
		w.pass(time.Minute)
		inSession(t, w, m)
		got = told(m, fleet.Command{ID: "00000000000000a3", Name: fleet.Reboot, TTL: time.Second})
		w.pass(time.Minute)
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		if len(asked) != 2 || len(*got) != 1 || (*got)[0].Why != "expired" {
			t.Errorf("too late: asked %v, answered %v", asked, *got)
		}
	})
}

// A machine that cannot says so and goes on.
func TestRebootOfAMachineThatCannot(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		got := told(m, fleet.Command{ID: "00000000000000b1", Name: fleet.Reboot, TTL: time.Hour})
		if len(*got) != 1 || (*got)[0].OK || (*got)[0].Why != "unable" {
			t.Errorf("answered %v", *got)
		}
		wantState(t, m, fleet.Ready)
	})
}

// A configuration that is right is used by starting anew, after the session; a
// wrong one changes nothing.
func TestUpdateConfig(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		got := told(m, fleet.Command{ID: "00000000000000c1", Name: fleet.UpdateConfig, TTL: time.Hour})
		if w.restarts != 0 || len(*got) != 0 {
			t.Fatalf("in the session: %d starts, answered %v", w.restarts, *got)
		}
		w.config = errFake
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		if w.restarts != 0 || len(*got) != 1 || (*got)[0].Why != "invalid" {
			t.Errorf("a wrong one: %d starts, answered %v", w.restarts, *got)
		}
		wantState(t, m, fleet.Ready)
		w.config = nil
		got = told(m, fleet.Command{ID: "00000000000000c2", Name: fleet.UpdateConfig, TTL: time.Hour})
		if w.restarts != 1 || len(*got) != 1 || !(*got)[0].OK {
			t.Errorf("a right one: %d starts, answered %v", w.restarts, *got)
		}
	})
}

// Another machine is woken at once, whoever uses this one.
func TestWake(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		c := fleet.Command{ID: "00000000000000d1", Name: fleet.Wake, MAC: "52:54:00:12:34:56", TTL: time.Minute}
		if got := told(m, c); len(*got) != 1 || !(*got)[0].OK || len(w.woken) != 1 || w.woken[0] != c.MAC {
			t.Errorf("answered %v, woke %v", *got, w.woken)
		}
		told(m, c)
		c.ID, c.MAC = "00000000000000d2", "ff:ff:ff:ff:ff:ff"
		if got := told(m, c); (*got)[0].Why != "invalid" || len(w.woken) != 1 {
			t.Errorf("everybody: answered %v, woke %v", *got, w.woken)
		}
		w.config = errFake
		c.ID, c.MAC = "00000000000000d3", "52:54:00:12:34:57"
		if got := told(m, c); (*got)[0].Why != "failed" {
			t.Errorf("without a network: answered %v", *got)
		}
		wantState(t, m, fleet.InUse)
	})
}
