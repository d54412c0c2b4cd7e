package session

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// busy lets time pass while the client works.
func busy(w *world, d time.Duration) {
	for d > 0 {
		step := min(d, 30*time.Second)
		w.touch()
		w.pass(step)
		d -= step
	}
	w.touch()
	w.pass(time.Second)
}

func order(t *testing.T, m *Machine, name fleet.CommandName) fleet.Result {
	t.Helper()
	var got fleet.Result
	m.Command(context.Background(), fleet.Command{ID: newID(), Name: name, TTL: time.Hour}, func(r fleet.Result) { got = r })
	synctest.Wait()
	return got
}

// Somebody types a code into their phone, waits for the bank, and touches
// nothing here for ten minutes.
func TestPhoneWait(t *testing.T) {
	benchWith(t, fleet.DefaultSettings(), nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.touch()
		for range 599 {
			w.pass(time.Second)
			if v := w.last(); v.State != fleet.InUse || v.EndsIn != 0 || v.Notice != 0 || w.chimes != 0 {
				t.Fatalf("within ten minutes it shows %+v", v)
			}
		}
		w.pass(2 * time.Second)
		if v := w.last(); v.State != fleet.Warning || v.Why != NoReason || w.chimes != 1 {
			t.Errorf("after them it shows %+v with %d chimes", v, w.chimes)
		}
		w.touch()
		w.pass(time.Second)
		wantState(t, m, fleet.InUse)
		w.pass(11*time.Minute + 57*time.Second)
		if w.chimes != 4 {
			t.Errorf("%d chimes in two countdowns, want one and three", w.chimes)
		}
		wantState(t, m, fleet.Warning)
		w.pass(3 * time.Second)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndIdle}) {
			t.Errorf("ended %v", w.ended)
		}
	})
}

func TestNoLimitWhileNobodyWaits(t *testing.T) {
	benchWith(t, fleet.DefaultSettings(), nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		for range 30 {
			busy(w, 20*time.Minute)
			if v := w.last(); v.State != fleet.InUse || v.Left != 0 || v.Why != NoReason || v.MoreTime || v.Notice != 0 {
				t.Fatalf("shows %+v", v)
			}
		}
	})
}

// Notices come at 10, 5 and 1 minutes, each once, and stay until answered.
func TestNotices(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		at := func(minute int, notice int) {
			t.Helper()
			busy(w, time.Until(m.clock.limit.Add(-time.Duration(minute)*time.Minute)))
			if v := w.last(); v.Notice != notice || v.Why != ByLimit {
				t.Fatalf("with %d minutes left it shows %+v, want notice %d", minute, v, notice)
			}
		}
		at(11, 0)
		at(10, 10)
		at(7, 10) // nobody answered
		at(5, 5)
		w.press("notice_ok", "")
		at(5, 0)
		at(2, 0)
		at(1, 1)
		if v := w.last(); v.State != fleet.Warning || v.EndsIn <= 0 || v.EndsIn > time.Minute || !v.MoreTime {
			t.Errorf("in the last minute it shows %+v", v)
		}
		w.press("more_time", "")
		if v := w.last(); v.State != fleet.InUse || v.Notice != 0 || v.Left != 16*time.Minute || v.MoreTime {
			t.Errorf("with more time it shows %+v", v)
		}
		w.press("more_time", "") // it is not near any more
		at(10, 10)               // and they begin again
		if w.chimes != 0 {
			t.Error("a client who works is chimed at")
		}
		busy(w, 11*time.Minute)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndLimit}) {
			t.Errorf("ended %v", w.ended)
		}
	})
}

func TestSomebodyWaits(t *testing.T) {
	settings := fleet.DefaultSettings()
	settings.Notice = 0 // means fifteen minutes
	ways := map[string]struct {
		begin, over func(*testing.T, *world, *Machine)
	}{
		"strip": {func(t *testing.T, w *world, m *Machine) { w.press("queue", "") },
			func(t *testing.T, w *world, m *Machine) { w.press("queue_over", "") }},
		"staff": {func(t *testing.T, w *world, m *Machine) {
			if r := order(t, m, fleet.SomeoneWaits); !r.OK {
				t.Errorf("result %v", r)
			}
		}, func(t *testing.T, w *world, m *Machine) {
			if r := order(t, m, fleet.NobodyWaits); !r.OK {
				t.Errorf("result %v", r)
			}
		}},
		"button": {func(t *testing.T, w *world, m *Machine) {
			if err := m.Queue(context.Background(), true); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}, func(t *testing.T, w *world, m *Machine) {
			if err := m.Queue(context.Background(), false); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			benchWith(t, settings, nil, func(t *testing.T, w *world, m *Machine) {
				inSession(t, w, m)
				busy(w, time.Hour)
				way.begin(t, w, m)
				if v := w.last(); !v.Waiting || v.Why != ByQueue || v.Left != 15*time.Minute || v.MoreTime || !m.Status().Waiting {
					t.Fatalf("shows %+v", v)
				}
				busy(w, 8*time.Minute)
				way.begin(t, w, m) // again: nobody gets more by it
				if v := w.last(); v.Left != 7*time.Minute || v.Notice != 10 {
					t.Errorf("after eight minutes it shows %+v", v)
				}
				w.press("more_time", "")
				if v := w.last(); v.Left != 7*time.Minute {
					t.Errorf("while somebody waits, more time gives %v", v.Left)
				}
				way.over(t, w, m)
				if v := w.last(); v.Waiting || v.Left != 0 || v.Notice != 0 || m.Status().Waiting {
					t.Errorf("when nobody waits any more it shows %+v", v)
				}
				busy(w, time.Hour)
				way.begin(t, w, m)
				busy(w, 15*time.Minute)
				w.pass(2 * time.Second)
				if !slices.Equal(w.ended, []fleet.End{fleet.EndLimit}) {
					t.Fatalf("ended %v", w.ended)
				}
				wantState(t, m, fleet.Ready)
				w.pass(10 * time.Second)
				w.press("tile", "kela")
				busy(w, time.Minute)
				if v := w.last(); v.State != fleet.InUse || v.Waiting || v.Left != 0 {
					t.Errorf("the next client meets %+v", v)
				}
			})
		})
	}
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		if err := m.Queue(context.Background(), true); err != ErrNoSession {
			t.Errorf("a queue at a free machine gave %v", err)
		}
	})
}

// A queue never gives more than there was, and never takes what a later
// deadline would.
func TestEarliestDeadlineRules(t *testing.T) {
	settings := plainSettings() // thirty minutes
	settings.Notice = 8 * time.Minute
	benchWith(t, settings, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("queue", "")
		if v := w.last(); v.Why != ByQueue || v.Left != 8*time.Minute || v.Notice != 10 {
			t.Errorf("a time that begins below ten minutes shows %+v", v)
		}
		w.press("queue_over", "")
		if v := w.last(); v.Why != ByLimit || v.Left != 30*time.Minute || v.Notice != 0 {
			t.Errorf("and then %+v", v)
		}
		busy(w, 26*time.Minute)
		w.press("queue", "")
		if v := w.last(); v.Why != ByLimit || v.Left != 4*time.Minute || v.MoreTime {
			t.Errorf("near the limit %+v", v)
		}
	})
}

// Without an X server that tells, presses on our own pages keep a session.
func TestUnknownIdleTime(t *testing.T) {
	benchWith(t, fleet.DefaultSettings(), nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.mu.Lock()
		w.idleErr = errFake
		w.mu.Unlock()
		w.pass(11 * time.Minute)
		wantState(t, m, fleet.Warning)
		w.press("continue", "")
		wantState(t, m, fleet.InUse)
		w.pass(12*time.Minute + time.Second)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndIdle}) {
			t.Errorf("ended %v: whoever walked away stays for ever", w.ended)
		}
	})
}
