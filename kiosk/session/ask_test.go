package session

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

func TestQuestionAtTheEnd(t *testing.T) {
	type press struct{ what, arg string }
	for name, c := range map[string]struct {
		presses []press
		wait    time.Duration
		want    []fleet.Outcome
	}{
		"yes":                {[]press{{"answer", "yes"}}, 0, []fleet.Outcome{fleet.GotDone}},
		"yes, twice":         {[]press{{"answer", "yes"}, {"answer", "yes"}}, 0, []fleet.Outcome{fleet.GotDone}},
		"no, no codes":       {[]press{{"answer", "no"}, {"answer", "no_codes"}}, 0, []fleet.Outcome{fleet.NoCodes}},
		"partly, no phone":   {[]press{{"answer", "partly"}, {"answer", "no_phone"}}, 0, []fleet.Outcome{fleet.NoPhone}},
		"no, skipped":        {[]press{{"answer", "no"}, {"skip", ""}}, 0, []fleet.Outcome{fleet.NotDone}},
		"partly, done":       {[]press{{"answer", "partly"}, {"done", ""}}, 0, []fleet.Outcome{fleet.Partly}},
		"no, nothing more":   {[]press{{"answer", "no"}}, 22 * time.Second, []fleet.Outcome{fleet.NotDone}},
		"skipped":            {[]press{{"skip", ""}}, 0, nil},
		"done":               {[]press{{"done", ""}}, 0, nil},
		"nothing":            {nil, 22 * time.Second, nil},
		"a reason too early": {[]press{{"answer", "too_hard"}, {"skip", ""}}, 0, nil},
		"no, trembling":      {[]press{{"answer", "no"}, {"answer", "no"}, {"answer", "yes"}, {"answer", "too_hard"}}, 0, []fleet.Outcome{fleet.TooHard}},
		"nonsense":           {[]press{{"answer", "x"}, {"answer", ""}, {"skip", ""}}, 0, nil},
	} {
		for _, early := range []bool{true, false} { // before the next browser has drawn, and after
			t.Run(name, func(t *testing.T) {
				bench(t, nil, func(t *testing.T, w *world, m *Machine) {
					inSession(t, w, m)
					w.press("end", "")
					w.press("end_yes", "")
					if v := w.last(); !v.Erased || v.Ask != AskDone {
						t.Fatalf("shows %+v", v)
					}
					if !early {
						w.pass(time.Second)
						wantState(t, m, fleet.Ready)
					}
					for _, p := range c.presses {
						w.press(p.what, p.arg)
					}
					w.pass(2*time.Second + c.wait)
					wantState(t, m, fleet.Ready)
					if v := w.last(); v.Erased || v.Ask != AskNone {
						t.Errorf("the question stays: %+v", v)
					}
					if !slices.Equal(w.outcomes, c.want) {
						t.Errorf("counted %v, want %v", w.outcomes, c.want)
					}
				})
			})
		}
	}
}

// The question never delays the next client's browser, and no tile can be
// pressed beneath it.
func TestQuestionAndTheNextClient(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("language", "sv")
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		if v := w.last(); v.Ask != AskDone || v.Lang != "sv" {
			t.Fatalf("shows %+v", v)
		}
		if w.setups[1].Lang != "fi" {
			t.Error("the next client gets the language of the one before")
		}
		w.press("tile", "kela")
		wantState(t, m, fleet.Ready)
		w.pass(10 * time.Second)
		if w.last().Ask != AskDone {
			t.Error("the question went away too soon")
		}
		w.press("answer", "partly")
		if err := m.Start(context.Background(), "kela"); err != nil { // from the outside it can
			t.Fatal(err)
		}
		synctest.Wait()
		if v := w.last(); v.Erased || v.Ask != AskNone || v.Lang != "fi" || v.State != fleet.InUse {
			t.Errorf("shows %+v", v)
		}
		if !slices.Equal(w.outcomes, []fleet.Outcome{fleet.Partly}) {
			t.Errorf("counted %v", w.outcomes)
		}
	})
}

func TestNobodyIsAskedWhoIsNotThere(t *testing.T) {
	for name, end := range map[string]func(*world, *Machine){
		"idle":    func(w *world, m *Machine) { w.pass(5*time.Minute + time.Second) },
		"browser": func(w *world, m *Machine) { close(w.run().lost); synctest.Wait() },
		"shell":   func(w *world, m *Machine) { w.lost <- struct{}{}; synctest.Wait() },
		"local":   func(w *world, m *Machine) { m.End(context.Background(), fleet.EndLocal); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			bench(t, nil, func(t *testing.T, w *world, m *Machine) {
				inSession(t, w, m)
				w.press("language", "sv")
				end(w, m)
				w.pass(time.Second)
				if v := w.last(); !v.Erased || v.Ask != AskNone || v.Lang != "fi" {
					t.Errorf("shows %+v", v)
				}
				w.press("answer", "yes")
				if len(w.outcomes) != 0 {
					t.Errorf("counted %v", w.outcomes)
				}
			})
		})
	}
	bench(t, nil, func(t *testing.T, w *world, m *Machine) { // a wipe that is not proved asks nothing
		inSession(t, w, m)
		w.found = 1
		w.press("end", "")
		w.press("end_yes", "")
		if v := w.last(); v.Erased || v.Ask != AskNone || v.State != fleet.OutOfOrder {
			t.Errorf("shows %+v", v)
		}
	})
}

// The waiting browser dies while the question is up: it stays.
func TestQuestionOutlivesTheWaitingBrowser(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		w.press("answer", "no")
		close(w.run().lost)
		w.pass(2 * time.Second)
		wantState(t, m, fleet.Ready)
		if v := w.last(); v.Ask != AskWhy {
			t.Fatalf("shows %+v", v)
		}
		w.press("answer", "other")
		if !slices.Equal(w.outcomes, []fleet.Outcome{fleet.OtherWhy}) || len(w.ended) != 1 {
			t.Errorf("counted %v, sessions %v", w.outcomes, w.ended)
		}
	})
}

// Who needed large, clear pages needs them for the last ones as well; the next
// client's browser is plain all the same.
func TestLastPagesStayReadable(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("size", "200")
		w.press("contrast", "")
		w.press("end", "")
		w.press("end_yes", "")
		if v := w.last(); !v.Erased || v.Comfort != (Comfort{Size: 200, Contrast: true}) {
			t.Errorf("the last page is drawn with %+v", v.Comfort)
		}
		w.pass(2 * time.Second)
		wantState(t, m, fleet.Ready)
		w.press("skip", "")
		if v := w.last(); v.Erased || v.Comfort != Plain() {
			t.Errorf("the next client finds %+v", v.Comfort)
		}
		if m.setup.Comfort != Plain() {
			t.Errorf("the next browser has %+v", m.setup.Comfort)
		}
		inSession(t, w, m)
		w.press("size", "300")
		m.End(t.Context(), fleet.EndLocal) // somebody else ended it
		w.pass(time.Second)
		if v := w.last(); v.Comfort != Plain() {
			t.Errorf("after another's end: %+v", v.Comfort)
		}
	})
}
