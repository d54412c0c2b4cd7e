package session

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// openFor are settings of a place that closes so long after the bubble's
// midnight and opens again at eight.
func openFor(d time.Duration) fleet.Settings {
	s := fleet.DefaultSettings()
	day := time.Now()
	s.Hours = &fleet.Hours{Days: map[string][]fleet.Span{day.Format(time.DateOnly): {{From: 0, To: int(d / time.Minute)}, {From: 8 * 60, To: 16 * 60}}}}
	return s
}

// hoursBench runs f in a place that closes after d.
func hoursBench(t *testing.T, d time.Duration, prepare func(*world), f func(*testing.T, *world, *Machine)) {
	t.Helper()
	var s fleet.Settings
	synctest.Test(t, func(*testing.T) { s = openFor(d) }) // by the bubble's own calendar
	benchWith(t, s, prepare, f)
}

func TestClosedOutsideHours(t *testing.T) {
	hoursBench(t, 10*time.Minute, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		w.press("size", "200")
		w.pass(9*time.Minute + 50*time.Second)
		w.press("size", "150")
		w.pass(10 * time.Second)
		wantState(t, m, fleet.Closed)
		if v := w.last(); v.OpensAt.Hour() != 8 || v.Comfort != Plain() {
			t.Errorf("shows %+v", v)
		}
		w.press("tile", "kela")
		wantState(t, m, fleet.Closed)
		if len(w.lights) != 0 {
			t.Errorf("the monitor went %v at once", w.lights)
		}
		w.pass(2*time.Minute + time.Second)
		if !slices.Equal(w.lights, []bool{false}) {
			t.Fatalf("the monitor went %v", w.lights)
		}
		w.touch()
		w.pass(time.Second)
		if !slices.Equal(w.lights, []bool{false, true}) {
			t.Errorf("for somebody who touches it the monitor went %v", w.lights)
		}
		w.pass(time.Minute)
		if !slices.Equal(w.lights, []bool{false, true, false}) {
			t.Errorf("afterwards it went %v", w.lights)
		}
		if w.offs != 0 {
			t.Error("off too soon")
		}
		w.pass(10 * time.Minute)
		if w.offs != 1 {
			t.Errorf("turned off %d times", w.offs)
		}
		w.pass(8 * time.Hour) // where the machine cannot turn itself off
		wantState(t, m, fleet.Ready)
		if v := w.last(); !v.OpensAt.IsZero() || !w.lights[len(w.lights)-1] || w.offs != 1 {
			t.Errorf("in the morning: %+v, lights %v, off %d times", v, w.lights, w.offs)
		}
		w.press("tile", "kela")
		wantState(t, m, fleet.InUse)
	})
}

func TestLightStaysOnForAWhile(t *testing.T) {
	hoursBench(t, 10*time.Minute, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(11*time.Minute + 50*time.Second)
		if len(w.lights) != 0 {
			t.Errorf("the monitor went %v as soon as it closed", w.lights)
		}
		w.pass(15 * time.Second)
		if !slices.Equal(w.lights, []bool{false}) {
			t.Errorf("the monitor went %v", w.lights)
		}
	})
	s := fleet.DefaultSettings()
	benchWith(t, s, nil, func(t *testing.T, w *world, m *Machine) { // somebody looks at their phone
		inSession(t, w, m)
		s.Hours = &fleet.Hours{}
		m.Update(s)
		w.pass(8 * time.Minute)
		wantState(t, m, fleet.InUse)
		if len(w.lights) != 0 {
			t.Error("dark before a client's eyes")
		}
	})
}

func TestClientAtClosingTime(t *testing.T) {
	hoursBench(t, 3*time.Hour, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		if v := w.last(); v.Left != 0 || v.Why != NoReason {
			t.Errorf("closing is hours away, and it shows %+v", v)
		}
		busy(w, 2*time.Hour+10*time.Minute)
		if v := w.last(); v.Left != 50*time.Minute || v.Why != ByClosing || v.MoreTime {
			t.Errorf("shows %+v", v)
		}
		for _, n := range []int{10, 5, 1} {
			busy(w, time.Until(m.clock.closing.Add(-time.Duration(n)*time.Minute)))
			if v := w.last(); v.Notice != n || v.Why != ByClosing {
				t.Errorf("at %d minutes it shows %+v", n, v)
			}
			w.press("notice_ok", "")
		}
		if v := w.last(); v.State != fleet.Warning || v.Why != ByClosing {
			t.Errorf("shows %+v", v)
		}
		if w.offs != 0 || len(w.lights) != 0 {
			t.Error("dark with a client there")
		}
		busy(w, time.Minute)
		w.pass(2 * time.Second)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndLimit}) {
			t.Errorf("ended %v", w.ended)
		}
		wantState(t, m, fleet.Closed)
	})
}

// Hours that change under a client's hands, and a clock that jumps, leave the
// notice.
func TestClosingAllOfASudden(t *testing.T) {
	for name, change := range map[string]func(*world, *Machine){
		"hours": func(w *world, m *Machine) { s := fleet.DefaultSettings(); s.Hours = &fleet.Hours{}; m.Update(s) },
		"clock": func(w *world, m *Machine) { w.off = 5 * time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			hoursBench(t, 4*time.Hour, nil, func(t *testing.T, w *world, m *Machine) {
				inSession(t, w, m)
				busy(w, time.Minute)
				change(w, m)
				busy(w, 5*time.Second)
				if v := w.last(); v.State != fleet.InUse || v.Why != ByClosing || v.Left != 15*time.Minute {
					t.Fatalf("shows %+v", v)
				}
				busy(w, 14*time.Minute+30*time.Second)
				wantState(t, m, fleet.Warning)
				busy(w, 30*time.Second)
				w.pass(2 * time.Second)
				wantState(t, m, fleet.Closed)
			})
		})
	}
}

func TestStaffAtNight(t *testing.T) {
	hoursBench(t, 10*time.Minute, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(15 * time.Minute)
		wantState(t, m, fleet.Closed)
		order(t, m, fleet.Identify)
		w.pass(time.Second)
		if !w.lights[len(w.lights)-1] {
			t.Error("a machine that shows its name is dark")
		}
		order(t, m, fleet.TakeOutOfService)
		wantState(t, m, fleet.OutOfService)
		order(t, m, fleet.PutInService)
		wantState(t, m, fleet.Closed)
		close(w.run().lost) // what breaks at night is mended at night
		w.pass(3 * time.Second)
		wantState(t, m, fleet.Closed)
		if w.run().killed {
			t.Error("no browser is prepared for the morning")
		}
	})
}

func TestDigitalSupport(t *testing.T) {
	s := fleet.DefaultSettings()
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		now := time.Now()
		at := func(from, to time.Duration) fleet.Support {
			return fleet.Support{From: now.Add(from), To: now.Add(to)}
		}
		past, today, later := at(-2*time.Hour, -time.Hour), at(time.Hour, 2*time.Hour), at(24*time.Hour, 25*time.Hour)
		s.Support = []fleet.Support{later, past, today}
		m.Update(s)
		w.down = []string{"kela", "omakanta"}
		w.pass(2 * time.Second)
		if v := w.last(); v.Support != today || v.Here || v.Down != "kela,omakanta" {
			t.Errorf("shows %+v", v)
		}
		w.pass(90 * time.Minute)
		if v := w.last(); v.Support != today || !v.Here {
			t.Errorf("during it: %+v", v)
		}
		w.pass(time.Hour)
		if v := w.last(); v.Support != later || v.Here {
			t.Errorf("after it: %+v", v)
		}
	})
}
