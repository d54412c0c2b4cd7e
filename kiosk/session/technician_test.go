package session

import (
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// The technician's view opens while nobody uses the machine and at no other
// time, goes by itself, and takes nothing from a client.
func TestTechnician(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("language", "sv")
		w.pass(5 * time.Second)
		w.press("technician", "")
		v := w.last()
		if v.Technician == nil || v.Technician.Agent != "https://a" || !v.Technician.Connected || v.Technician.Check != CheckNone || v.State != fleet.Ready {
			t.Fatalf("opened: %+v", v.Technician)
		}
		w.pass(technicianTime - 10*time.Second)
		w.press("technician", "") // knocked again: it stays as it is
		if w.pass(time.Minute); w.last().Technician == nil {
			t.Error("it closed although somebody was there")
		}
		if w.pass(technicianTime); w.last().Technician != nil {
			t.Error("it stays open")
		}
		if got := w.last(); got.Lang != "fi" {
			t.Errorf("the next one finds the language %s", got.Lang)
		}
		w.press("technician_check", "")
		w.press("technician", "")
		if w.press("technician_check", ""); w.last().Technician.Check != CheckFailed {
			t.Errorf("a machine that cannot: %+v", w.last().Technician)
		}
		if w.press("technician_close", ""); w.last().Technician != nil {
			t.Error("it does not close")
		}
		w.press("technician", "")
		if err := m.Start(t.Context(), "kela"); err != nil { // from the outside
			t.Fatal(err)
		}
		if w.last().Technician != nil || w.last().State != fleet.InUse {
			t.Errorf("in a session: %+v", w.last())
		}
		w.press("technician", "")
		w.press("technician_check", "")
		if w.last().Technician != nil {
			t.Error("it opened in a session")
		}
		w.press("end", "")
		w.press("end_yes", "")
		if w.press("technician", ""); w.last().Technician != nil {
			t.Error("it opened over the last page of whoever pressed End")
		}
	})
}

// A check that is asked for at the machine is made once at a time, and what
// came of it is shown where it was asked for, nowhere else.
func TestTechnicianChecks(t *testing.T) {
	asked := 0
	hold := make(chan error, 1)
	bench(t, func(w *world) {
		w.checked = func(id string) error {
			if id != fleet.CheckedHere {
				t.Errorf("asked as %s", id)
			}
			asked++
			return <-hold
		}
	}, func(t *testing.T, w *world, m *Machine) {
		hold = make(chan error, 1) // of the bubble
		w.press("technician", "")
		w.press("technician_check", "")
		w.press("technician_check", "")
		if w.pass(2 * technicianTime); asked != 1 || w.last().Technician == nil || w.last().Technician.Check != CheckRuns {
			t.Fatalf("asked %d times: %+v", asked, w.last().Technician)
		}
		hold <- nil
		synctest.Wait()
		w.pass(2 * time.Second)
		if got := w.last().Technician; got == nil || got.Check != CheckMade || got.Sheet == nil || got.Sheet.Command != fleet.CheckedHere {
			t.Fatalf("made: %+v", got)
		}
		w.press("technician_check", "")
		w.press("technician_close", "")
		w.press("technician", "")
		if w.press("technician_check", ""); asked != 2 || w.last().Technician.Check != CheckFailed {
			t.Errorf("one of before still runs: asked %d times, %+v", asked, w.last().Technician)
		}
		hold <- nil
		synctest.Wait()
		if w.pass(2 * time.Second); w.last().Technician.Sheet != nil {
			t.Error("what came of another opening is shown")
		}
		w.press("technician_check", "")
		hold <- errFake
		synctest.Wait()
		if w.pass(2 * time.Second); asked != 3 || w.last().Technician.Check != CheckFailed {
			t.Errorf("failed: %+v", w.last().Technician)
		}
	})
}
