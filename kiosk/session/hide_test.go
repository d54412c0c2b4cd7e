package session

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

func pictures(w *world, names ...string) {
	for _, n := range names {
		w.press("picture", n)
	}
}

func hiddenSession(t *testing.T, w *world, m *Machine) {
	t.Helper()
	inSession(t, w, m)
	w.press("hide", "")
	pictures(w, "cat", "tree", "cat")
	if v := w.last(); v.Hide != HideOn || v.Picked != 0 {
		t.Fatalf("shows %+v", v)
	}
	w.raised = 0
	w.done()
}

func TestHideIsAtOnceAndCanBeCancelled(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("keyboard", "")
		w.press("hide", "")
		if got := strings.Join(w.done(), " "); got != "cover" {
			t.Errorf("hiding did %q", got)
		}
		if v := w.last(); v.Hide != HideChoose || v.HideLeft != 15*time.Minute || w.board != "" {
			t.Errorf("shows %+v, keyboard %q", v, w.board)
		}
		pictures(w, "cat", "tree")
		if v := w.last(); v.Picked != 2 {
			t.Errorf("shows %+v", v)
		}
		w.raised = 0
		w.press("back", "")
		if w.last().Hide != HideChoose || w.raised != 0 {
			t.Error("the key for the strip uncovers the page")
		}
		w.press("end", "")
		if w.last().Confirm {
			t.Error("a question over the pictures would show the page")
		}
		w.pass(14*time.Minute + 30*time.Second)
		if v := w.last(); v.State != fleet.Warning || v.Hide != HideChoose || v.Picked != 2 {
			t.Errorf("shows %+v", v)
		}
		w.press("continue", "")
		if v := w.last(); v.State != fleet.InUse || v.HideLeft != 15*time.Minute {
			t.Errorf("shows %+v", v)
		}
		w.press("hide_cancel", "")
		if v := w.last(); v.Hide != HideNone || v.Picked != 0 || v.HideLeft != 0 || w.raised != 1 || w.board != "fi" {
			t.Errorf("shows %+v, raised %d, keyboard %q", v, w.raised, w.board)
		}
	})
}

func TestOnlyThePicturesUncover(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		hiddenSession(t, w, m)
		for _, p := range []string{"hide_cancel", "hide", "back", "continue", "end_no", "done", "menu", "menu_close", "notice_ok",
			"more_time", "queue", "queue_over", "say", "say_selected", "keyboard", "size", "contrast", "skip", "answer", "tile"} {
			w.press(p, "kela")
			if v := w.last(); v.Hide != HideOn || v.Menu || v.Comfort.Keyboard || w.raised != 0 || w.board != "" {
				t.Fatalf("%q: shows %+v", p, v)
			}
		}
		if slices.Contains(w.said, "fi:selected") {
			t.Error("a covered page is read aloud")
		}
		w.press("end", "")
		if v := w.last(); !v.Confirm || v.Hide != HideOn {
			t.Errorf("shows %+v", v)
		}
		w.press("end_no", "")
		w.press("help", "")
		if len(w.calls) != 1 {
			t.Error("nobody can be called")
		}
		order(t, m, fleet.Identify)
		if w.last().Hide != HideOn {
			t.Error("staff uncovered the page")
		}
		pictures(w, "tree", "cat", "cat")
		if w.last().Hide != HideWrong {
			t.Fatalf("the right pictures in another order: %s", w.last().Hide)
		}
		pictures(w, "cat")
		if v := w.last(); v.Hide != HideOn || v.Picked != 1 {
			t.Errorf("shows %+v", v)
		}
		pictures(w, "tree", "cat")
		if v := w.last(); v.Hide != HideNone || w.raised != 1 || v.State != fleet.InUse {
			t.Errorf("the right pictures: %+v", v)
		}
		if m.hidden != (hidden{}) {
			t.Error("the pictures are still known")
		}
	})
}

func TestWrongPicturesCostTime(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		hiddenSession(t, w, m)
		for i := range 5 {
			pictures(w, "a", "b", "c")
			if v := w.last(); (i < 4) != (v.Hide == HideWrong) {
				t.Fatalf("after %d wrong tries it shows %+v", i+1, v)
			}
		}
		waits := func(want time.Duration) {
			t.Helper()
			pictures(w, "cat", "tree", "cat")
			if v := w.last(); v.Hide != HidePause || v.Picked != 0 {
				t.Fatalf("within the pause it shows %+v", v)
			}
			w.pass(want - time.Second)
			pictures(w, "cat")
			if w.last().Picked != 0 {
				t.Fatal("the pause is too short")
			}
			w.pass(time.Second)
			// Nobody has to try to see that the pause is over.
			if v := w.last(); v.Hide != HideOn {
				t.Fatalf("after the pause it shows %+v", v)
			}
			pictures(w, "a", "b", "c")
		}
		for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
			waits(want * time.Second)
		}
		w.pass(time.Minute)
		pictures(w, "cat", "tree", "cat")
		if w.last().Hide != HideNone {
			t.Error("locked out for ever")
		}
	})
}

func TestHiddenScreenIsErasedInTheEnd(t *testing.T) {
	settings := fleet.DefaultSettings()
	benchWith(t, settings, nil, func(t *testing.T, w *world, m *Machine) {
		hiddenSession(t, w, m)
		w.pass(12*time.Minute + 30*time.Second) // longer than idle
		if v := w.last(); v.State != fleet.InUse || v.Hide != HideOn || v.HideLeft != 3*time.Minute {
			t.Fatalf("shows %+v", v)
		}
		w.press("continue", "") // who presses may be anybody
		w.pass(2 * time.Minute)
		if v := w.last(); v.State != fleet.Warning || v.Hide != HideOn || v.EndsIn != 30*time.Second || w.chimes != 2 {
			t.Fatalf("shows %+v, %d chimes", v, w.chimes)
		}
		w.pass(31 * time.Second)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndIdle}) || w.last().Hide != HideNone {
			t.Errorf("ended %v, shows %+v", w.ended, w.last())
		}
		if m.hidden != (hidden{}) {
			t.Error("the pictures outlive the session")
		}
	})
	settings.Limit = 10 * time.Minute // other limits go on
	benchWith(t, settings, nil, func(t *testing.T, w *world, m *Machine) {
		hiddenSession(t, w, m)
		w.pass(9 * time.Minute)
		if v := w.last(); v.State != fleet.Warning || v.Why != ByLimit || v.Hide != HideOn {
			t.Errorf("shows %+v", v)
		}
		w.pass(time.Minute)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndLimit}) {
			t.Errorf("ended %v", w.ended)
		}
	})
}

func TestHiddenScreenCanBeEnded(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		hiddenSession(t, w, m)
		w.press("end_yes", "")
		wantState(t, m, fleet.InUse)
		w.press("end", "")
		w.press("end_yes", "")
		synctest.Wait()
		if !slices.Equal(w.ended, []fleet.End{fleet.EndButton}) {
			t.Errorf("ended %v", w.ended)
		}
		if m.hidden != (hidden{}) {
			t.Error("the pictures outlive the session")
		}
	})
}
