package session

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// A browser that does not answer is as good as dead, and no later.
func TestFrozenBrowser(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		first := w.run()
		first.frozen = true
		w.pass(2 * time.Second)
		wantState(t, m, fleet.Ready)
		if w.run() == first || !first.killed || len(w.ended) != 0 {
			t.Error("a frozen browser waits for the next client")
		}
		w.done()
		w.press("tile", "kela")
		w.run().frozen = true
		w.done()
		w.pass(time.Second)
		if got := strings.Join(w.done(), " "); got != "cover reset kill wipe prove finish start" || !slices.Equal(w.ended, []fleet.End{fleet.EndBrowser}) {
			t.Errorf("in a session it did %q and counted %v", got, w.ended)
		}
	})
}

func TestScreenLost(t *testing.T) {
	ctx := context.Background()
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		if err := m.ScreenLost(ctx); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.done(), " "); got != "cover reset kill occupy" || !slices.Equal(w.ended, []fleet.End{fleet.EndShell}) {
			t.Errorf("it did %q and counted %v", got, w.ended)
		}
		if !w.mark.Counted {
			t.Error("a power cut now would count the session again")
		}
		wantState(t, m, fleet.Erasing)
		shown := len(w.views)
		w.press("help", "")
		w.pass(5 * time.Second)
		if got := w.done(); len(got) != 0 || len(w.views) != shown {
			t.Errorf("without a screen it did %v and drew %d times", got, len(w.views)-shown)
		}
		m.ScreenLost(ctx) // said twice is said once
		if err := m.ScreenBack(ctx); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.done(), " "); got != "cover reset wipe prove finish start" {
			t.Errorf("with the screen back it did %q", got)
		}
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		if !slices.Equal(m.Status().Faults, []fleet.Code{fleet.ScreenFailing}) {
			t.Errorf("faults %v", m.Status().Faults)
		}
		w.pass(31 * time.Minute)
		if len(m.Status().Faults) != 0 || len(w.ended) != 1 {
			t.Errorf("faults stay: %v; counted %v", m.Status().Faults, w.ended)
		}
		if err := m.ScreenBack(ctx); err != nil {
			t.Error(err)
		}
	})
	bench(t, nil, func(t *testing.T, w *world, m *Machine) { // at rest, and for longer than anybody waits
		w.pass(time.Second)
		m.ScreenLost(ctx)
		w.pass(12 * time.Second)
		wantState(t, m, fleet.OutOfOrder)
		if len(w.runs) != 1 || !w.run().killed || len(w.ended) != 0 {
			t.Error("a browser was started, or left, where there is no screen")
		}
		m.ScreenBack(ctx)
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		if v := w.last(); v.Trouble != "" {
			t.Errorf("shows %+v", v)
		}
	})
	bench(t, nil, func(t *testing.T, w *world, m *Machine) { // what is left is found
		inSession(t, w, m)
		m.ScreenLost(ctx)
		w.found = 1
		if err := m.ScreenBack(ctx); err == nil {
			t.Error("said to be clean")
		}
		wantState(t, m, fleet.OutOfOrder)
		m.ScreenLost(ctx)
		if err := m.ScreenBack(ctx); err == nil || len(w.runs) != 1 {
			t.Error("out of order, and it goes on")
		}
		synctest.Wait()
		wantState(t, m, fleet.OutOfOrder)
	})
	bench(t, nil, func(t *testing.T, w *world, m *Machine) { // stopped while there is no screen
		inSession(t, w, m)
		m.ScreenLost(ctx)
		w.done()
		t.Cleanup(func() {
			if got := strings.Join(w.done(), " "); !strings.HasSuffix(got, "wipe prove finish") || len(w.ended) != 1 {
				t.Errorf("the stop did %q, counted %v", got, w.ended)
			}
		})
	})
}

// A session whose wipe is not proved is counted now, and not again at the next
// start, which finds its mark.
func TestUnprovedSessionIsCountedOnce(t *testing.T) {
	var left Mark
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.found = 1
		w.press("end", "")
		w.press("end_yes", "")
		if len(w.ended) != 1 {
			t.Errorf("counted %v", w.ended)
		}
		left = *w.mark
	})
	bench(t, func(w *world) { w.mark = &left }, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		if len(w.ended) != 0 {
			t.Errorf("and again: %v", w.ended)
		}
	})
}

func TestErrands(t *testing.T) {
	s := plainSettings()
	s.Mode = fleet.Errands
	benchWith(t, s, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		if r := order(t, m, fleet.OpenWeb); r.OK || r.Why != "invalid" {
			t.Errorf("without a session: %v", r)
		}
		w.done()
		w.press("tile", "kela")
		if v := w.last(); v.Mode != fleet.Errands || v.Web {
			t.Errorf("shows %+v", v)
		}
		if r := order(t, m, fleet.OpenWeb); !r.OK || !w.last().Web || w.webs != 1 || !m.Status().Web {
			t.Errorf("in a session: %v, shows %+v", r, w.last())
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		if w.last().Web || m.Status().Web {
			t.Error("the web stays open for the next client")
		}
		if r := order(t, m, fleet.SomeoneWaits); !r.OK || w.last().Waiting {
			t.Errorf("somebody waits for a free machine: %v", r)
		}
	})
}

func TestOpenWebWhereItIsOpen(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		if r := order(t, m, fleet.OpenWeb); !r.OK || w.last().Web || w.webs != 0 {
			t.Errorf("result %v, shows %+v", r, w.last())
		}
	})
}

// What is pressed on a view that has gone is nobody's wish.
func TestStalePressesAreDropped(t *testing.T) {
	bench(t, func(w *world) { w.presses = make(chan Press, 16) }, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		for _, p := range []string{"end", "end_yes", "done", "help", "end_yes"} {
			w.presses <- Press{p, ""}
		}
		synctest.Wait()
		if v := w.last(); !v.Erased || v.Ask != AskDone || len(w.calls) != 0 {
			t.Errorf("shows %+v, calls %v", v, w.calls)
		}
	})
}

func TestHelpSaysWhoAndWhen(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("help", "")
		m.HelpAnswered(w.calls[0], fleet.ComingSoon, 0, "Sari")
		synctest.Wait()
		if v := w.last(); v.Help != HelpSoon || v.HelpWho != "Sari" || v.HelpIn != 10 {
			t.Errorf("shows %+v", v)
		}
		w.pass(3*time.Minute + time.Second)
		if v := w.last(); v.HelpIn != 7 {
			t.Errorf("three minutes later: in %d minutes", v.HelpIn)
		}
		w.pass(time.Minute)
		w.touch()
		m.HelpAnswered(w.calls[0], fleet.Coming, 0, "Ali")
		synctest.Wait()
		if v := w.last(); v.Help != HelpComing || v.HelpWho != "Ali" || v.HelpIn != 0 {
			t.Errorf("shows %+v", v)
		}
		m.HelpAnswered(w.calls[0], fleet.Done, 0, "Ali")
		synctest.Wait()
		if v := w.last(); v.Help != HelpNone || v.HelpWho != "" {
			t.Errorf("shows %+v", v)
		}
	})
}
