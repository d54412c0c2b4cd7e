package session

import (
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// A check waits for the session's end, is made once, and keeps nobody from
// being served; its answer says whether the sheet is on its way.
func TestCheck(t *testing.T) {
	var asked []string
	hold := make(chan error, 1)
	bench(t, func(w *world) {
		w.checked = func(id string) error { asked = append(asked, id); return <-hold }
	}, func(t *testing.T, w *world, m *Machine) {
		hold = make(chan error, 1) // of the bubble
		inSession(t, w, m)
		c := fleet.Command{ID: "00000000000000d1", Name: fleet.Check, TTL: time.Hour}
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
		w.pass(time.Minute)
		if len(asked) != 1 || asked[0] != c.ID || len(*got)+len(*again) != 0 {
			t.Fatalf("after it: asked %v, answered %v, %v", asked, *got, *again)
		}
		inSession(t, w, m) // clients are served meanwhile
		hold <- nil
		synctest.Wait()
		if len(*got) != 1 || !(*got)[0].OK || (*got)[0].Command != c.ID {
			t.Errorf("answered %v", *got)
		}
		wantState(t, m, fleet.InUse)
		if r := told(m, c); len(*r) != 1 || !(*r)[0].OK || len(asked) != 1 {
			t.Errorf("again: %v, asked %v", *r, asked)
		}
		// What waited too long is not made; what fails says so.
		late := told(m, fleet.Command{ID: "00000000000000d2", Name: fleet.Check, TTL: time.Second})
		w.pass(time.Minute)
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Minute)
		if len(asked) != 1 || len(*late) != 1 || (*late)[0].Why != "expired" {
			t.Errorf("too late: asked %v, answered %v", asked, *late)
		}
		hold <- errFake
		if bad := told(m, fleet.Command{ID: "00000000000000d3", Name: fleet.Check, TTL: time.Hour}); len(*bad) != 1 || (*bad)[0].Why != "failed" {
			t.Errorf("failed: %v", *bad)
		}
	})
}

// A machine that cannot says so.
func TestCheckOfAMachineThatCannot(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		got := told(m, fleet.Command{ID: "00000000000000d4", Name: fleet.Check, TTL: time.Hour})
		if len(*got) != 1 || (*got)[0].OK || (*got)[0].Why != "unable" {
			t.Errorf("answered %v", *got)
		}
		wantState(t, m, fleet.Ready)
	})
}
