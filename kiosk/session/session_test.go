package session

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// inSession brings the machine to a running session.
func inSession(t *testing.T, w *world, m *Machine) {
	t.Helper()
	w.pass(time.Second)
	wantState(t, m, fleet.Ready)
	w.done()
	w.press("tile", "kela")
	wantState(t, m, fleet.InUse)
	if got := w.run().address; got != "https://kela" {
		t.Fatalf("opened %q", got)
	}
	if got := strings.Join(w.done(), " "); got != "occupy open" {
		t.Fatalf("a press did %q: that somebody is here must be on disk before the page opens", got)
	}
}

func TestEveryEndTakesTheSamePath(t *testing.T) {
	ends := map[fleet.End]func(*world, *Machine){
		fleet.EndButton: func(w *world, m *Machine) { w.press("end", ""); w.press("end_yes", "") },
		fleet.EndIdle:   func(w *world, m *Machine) { w.pass(5*time.Minute + time.Second) },
		fleet.EndLimit: func(w *world, m *Machine) {
			for range 31 {
				w.touch()
				w.pass(time.Minute)
			}
		},
		fleet.EndLocal: func(w *world, m *Machine) { m.End(context.Background(), fleet.EndLocal); synctest.Wait() },
		fleet.EndCommand: func(w *world, m *Machine) {
			m.Command(context.Background(), fleet.Command{ID: "1", Name: fleet.EndSession, Now: true, TTL: time.Minute}, func(fleet.Result) {})
			synctest.Wait()
		},
		fleet.EndBrowser: func(w *world, m *Machine) { close(w.run().lost); synctest.Wait() },
		fleet.EndShell:   func(w *world, m *Machine) { w.lost <- struct{}{}; synctest.Wait() },
	}
	for end, act := range ends {
		t.Run(string(end), func(t *testing.T) {
			bench(t, nil, func(t *testing.T, w *world, m *Machine) {
				inSession(t, w, m)
				first := w.run()
				act(w, m)
				w.pass(2 * time.Second)
				if got := strings.Join(w.done(), " "); got != "cover reset kill wipe prove finish start" {
					t.Errorf("the end did %q", got)
				}
				if !slices.Equal(w.ended, []fleet.End{end}) {
					t.Errorf("counted %v, want one %s", w.ended, end)
				}
				wantState(t, m, fleet.Ready)
				if v := w.last(); !v.Erased && end != fleet.EndLimit || v.Confirm || v.EndsIn != 0 {
					t.Errorf("shows %+v", v)
				}
				if !first.killed || w.run() == first {
					t.Error("the next client would get the same browser")
				}
			})
		})
	}
}

func TestStopAndInterruption(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		t.Cleanup(func() {
			if !slices.Equal(w.ended, []fleet.End{fleet.EndStop}) || w.mark != nil {
				t.Errorf("after the stop: counted %v, mark %v", w.ended, w.mark)
			}
		})
	})
	left := Mark{Token: "old", Occupied: true}
	bench(t, func(w *world) { w.mark = &left }, func(t *testing.T, w *world, m *Machine) {
		if got := strings.Join(w.done(), " "); got != "cover reset wipe wipe prove finish start" {
			t.Errorf("a start after an interruption did %q", got)
		}
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		if !slices.Equal(w.ended, []fleet.End{fleet.EndInterruption}) {
			t.Errorf("counted %v", w.ended)
		}
		if !slices.Contains(m.Status().Faults, fleet.KioskRestarted) {
			t.Error("nobody is told of the interruption")
		}
		w.pass(31 * time.Minute)
		if slices.Contains(m.Status().Faults, fleet.KioskRestarted) {
			t.Error("an old interruption is told for ever")
		}
	})
}

// A stop in the middle of a wipe waits for it: a look that was cut off would be
// taken for one that found something.
func TestStopInAWipe(t *testing.T) {
	clean := func(t *testing.T, w *world) {
		t.Cleanup(func() {
			for _, p := range w.proofs {
				if !p.Clean() {
					t.Errorf("proof %d is not clean", p.Seq)
				}
			}
			if len(w.proofs) == 0 || w.mark != nil || w.unverified != 0 {
				t.Errorf("%d proofs, mark %v, unverified %d times", len(w.proofs), w.mark, w.unverified)
			}
		})
	}
	for name, left := range map[string]*Mark{"at the start": nil, "after an interruption": {Token: "old", Occupied: true}} {
		t.Run(name, func(t *testing.T) {
			bench(t, func(w *world) { w.mark, w.wipes = left, 3*time.Second }, func(t *testing.T, w *world, _ *Machine) { clean(t, w) })
		})
	}
	t.Run("a browser that dies again and again", func(t *testing.T) {
		bench(t, nil, func(t *testing.T, w *world, _ *Machine) {
			clean(t, w)
			for i := range 4 {
				if i == 3 { // the one after which it does not try again at once
					w.wipes = 3 * time.Second
				}
				close(w.run().lost)
				synctest.Wait()
			}
		})
	})
}

func TestUnverifiedWipeStopsTheMachine(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.found = 1
		w.press("end", "")
		w.press("end_yes", "")
		wantState(t, m, fleet.OutOfOrder)
		w.done()
		w.pass(time.Hour)
		wantState(t, m, fleet.OutOfOrder)
		if got := w.done(); len(got) != 0 {
			t.Errorf("out of order, and yet it did %v", got)
		}
		if v := w.last(); v.Trouble != fleet.WipeUnverified || v.Erased {
			t.Errorf("shows %+v", v)
		}
		if err := m.Start(context.Background(), "kela"); err != ErrNotReady {
			t.Errorf("a start gave %v", err)
		}
		if w.unverified != 1 || w.mark == nil {
			t.Errorf("restarts asked for: %d; mark kept: %v", w.unverified, w.mark != nil)
		}
	})
}

func TestWarningAndGoingOn(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.pass(4*time.Minute + 30*time.Second)
		wantState(t, m, fleet.Warning)
		if v := w.last(); v.EndsIn != 30*time.Second || v.Why != NoReason {
			t.Errorf("shows %+v", v)
		}
		w.press("continue", "")
		w.pass(time.Second)
		wantState(t, m, fleet.InUse)
		w.pass(4*time.Minute + 30*time.Second)
		w.touch() // a hand on the mouse is enough
		w.pass(2 * time.Second)
		wantState(t, m, fleet.InUse)
	})
	bench(t, nil, func(t *testing.T, w *world, m *Machine) { // the limit cannot be pressed away
		inSession(t, w, m)
		for range 29 {
			w.touch()
			w.pass(time.Minute)
		}
		w.press("continue", "")
		w.pass(2 * time.Second)
		if v := w.last(); v.State != fleet.Warning || v.Why != ByLimit || v.Left != time.Minute {
			t.Errorf("shows %+v", v)
		}
	})
}

func TestEndNeedsToBeAsked(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("end_yes", "")
		wantState(t, m, fleet.InUse)
		w.press("end", "")
		if !w.last().Confirm {
			t.Error("the question is not shown")
		}
		w.press("end_no", "")
		w.press("end_yes", "")
		wantState(t, m, fleet.InUse)
	})
}

func TestHelp(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("help", "")
		w.press("help", "") // a second press rings no second time
		if len(w.calls) != 1 || w.last().Help != HelpTrying {
			t.Fatalf("calls %v, shows %q", w.calls, w.last().Help)
		}
		m.HelpHeard(w.calls[0])
		synctest.Wait()
		m.HelpAnswered("other", fleet.CannotCome, 0, "")
		synctest.Wait()
		if got := m.Status().Help; got != HelpRinging {
			t.Errorf("help is %q", got)
		}
		m.HelpAnswered(w.calls[0], fleet.Coming, 0, "")
		synctest.Wait()
		if w.last().Help != HelpComing {
			t.Errorf("shows %q", w.last().Help)
		}
		w.press("end", "")
		w.press("end_yes", "")
		if !slices.Equal(w.over, w.calls) || w.last().Help != HelpNone {
			t.Errorf("the call did not lapse with its session: over %v", w.over)
		}
	})
	bench(t, func(w *world) { w.online = false }, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("help", "")
		if w.last().Help != HelpOffline {
			t.Errorf("with the agent gone it shows %q", w.last().Help)
		}
	})
}

func TestCommands(t *testing.T) {
	send := func(m *Machine, c fleet.Command) *[]fleet.Result {
		var got []fleet.Result
		m.Command(context.Background(), c, func(r fleet.Result) { got = append(got, r) })
		synctest.Wait()
		return &got
	}
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		aside := fleet.Command{ID: "1", Name: fleet.TakeOutOfService, TTL: time.Hour}
		late := fleet.Command{ID: "2", Name: fleet.EndSession, TTL: time.Second}
		got, got2 := send(m, aside), send(m, late)
		again := send(m, aside)
		w.pass(2 * time.Second)
		if len(*got) != 0 || m.Status().State != fleet.InUse {
			t.Fatalf("a command did not wait for the session's end: %v", *got)
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		wantState(t, m, fleet.OutOfService)
		if len(*got) != 1 || !(*got)[0].OK || len(*again) != 0 {
			t.Errorf("results %v and %v", *got, *again)
		}
		if (*got2)[0].Why != "expired" {
			t.Errorf("a command older than its lifetime gave %v", *got2)
		}
		if r := send(m, aside); len(*r) != 1 || !(*r)[0].OK {
			t.Errorf("the same command again gave %v", *r)
		}
		send(m, fleet.Command{ID: "3", Name: fleet.PutInService, TTL: time.Hour})
		wantState(t, m, fleet.Ready)
		if r := send(m, fleet.Command{ID: "4", Name: "rm", TTL: time.Hour}); (*r)[0].Why != "unknown" {
			t.Errorf("an unknown command gave %v", *r)
		}
		if r := send(m, fleet.Command{ID: "5", Name: fleet.ShowMessage, Text: "a\x1b[2J", TTL: time.Hour}); (*r)[0].Why != "invalid" {
			t.Errorf("a message with control characters gave %v", *r)
		}
		send(m, fleet.Command{ID: "6", Name: fleet.RestartKiosk, TTL: time.Hour})
		if w.restarts != 1 {
			t.Error("not restarted")
		}
	})
}

func TestBrowserThatDoesNotStart(t *testing.T) {
	bench(t, func(w *world) { w.startErr = errFake }, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Minute)
		wantState(t, m, fleet.OutOfOrder)
		if !slices.Contains(m.Status().Faults, fleet.BrowserFailing) {
			t.Error("nobody is told")
		}
		w.mu.Lock()
		w.startErr = nil
		w.mu.Unlock()
		w.pass(time.Minute)
		wantState(t, m, fleet.Ready)
		if len(m.Status().Faults) != 0 {
			t.Errorf("faults stay: %v", m.Status().Faults)
		}
	})
}

func TestWaitingBrowserIsReplaced(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		first := w.run()
		close(first.lost)
		w.pass(2 * time.Second)
		wantState(t, m, fleet.Ready)
		if w.run() == first || !first.killed || len(w.ended) != 0 {
			t.Errorf("replaced %v, killed %v, counted %v", w.run() != first, first.killed, w.ended)
		}
		if w.last().Erased {
			t.Error("says that data was erased, and nobody was here")
		}
	})
}

// A press that comes with the loss of the waiting browser begins no session
// that would end at once.
func TestNoSessionWithALostBrowser(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		dies := sync.OnceFunc(func() { close(w.run().lost) })
		w.look = dies // as late as can be
		w.press("tile", "kela")
		w.pass(3 * time.Second)
		wantState(t, m, fleet.Ready)
		if len(w.ended) != 0 || w.last().Erased {
			t.Errorf("sessions ended that nobody could use: %v", w.ended)
		}
		w.press("tile", "kela")
		w.pass(3 * time.Second)
		wantState(t, m, fleet.InUse)
	})
}

// A window that somebody hid by the browser's own menu comes back by itself.
func TestHiddenWindowComesBack(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("tile", "kela")
		w.pass(3 * time.Second)
		wantState(t, m, fleet.InUse)
		before := w.raised
		w.pass(3 * time.Second)
		if w.raised != before {
			t.Error("a window in its place was raised")
		}
		w.run().away = true
		w.pass(2 * time.Second)
		if w.raised == before {
			t.Error("a window that was hidden was left so")
		}
		w.press("hide", "")
		w.pass(time.Second)
		before = w.raised
		w.pass(3 * time.Second)
		if w.raised != before {
			t.Error("a covered page was raised")
		}
	})
}

func TestLanguageIsForgotten(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("language", "sv")
		if w.last().Lang != "sv" {
			t.Fatal("not changed")
		}
		w.pass(2 * time.Minute)
		if w.last().Lang != "fi" {
			t.Error("the next person meets the language of the one before")
		}
	})
}

// A view that did not get onto the screen is drawn again, and the fault goes.
func TestBlankScreenIsDrawnAgain(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.mu.Lock()
		w.showErr = errFake
		w.mu.Unlock()
		w.press("help", "")
		if !slices.Contains(m.Status().Faults, fleet.ShellNotPainting) {
			t.Fatal("nobody is told")
		}
		w.mu.Lock()
		w.showErr = nil
		w.mu.Unlock()
		w.pass(2 * time.Second)
		if len(m.Status().Faults) != 0 {
			t.Errorf("faults stay: %v", m.Status().Faults)
		}
	})
}

func TestMessageGoesOnceItWasRead(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		m.Command(context.Background(), fleet.Command{ID: "1", Name: fleet.ShowMessage, Text: "Suljemme pian.", TTL: time.Hour}, func(fleet.Result) {})
		synctest.Wait()
		if w.last().Message == "" {
			t.Fatal("the message is not shown")
		}
		w.press("done", "")
		if w.last().Message != "" || m.Status().State != fleet.InUse {
			t.Errorf("after it was read: %+v", w.last())
		}
	})
}

// Staff who put a machine back into service mean it, also when the command to
// take it out still waits for the session's end.
func TestInServiceTakesBackOutOfService(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		var aside fleet.Result
		m.Command(context.Background(), fleet.Command{ID: "1", Name: fleet.TakeOutOfService, TTL: time.Hour}, func(r fleet.Result) { aside = r })
		synctest.Wait()
		if r := order(t, m, fleet.PutInService); !r.OK || aside.OK || aside.Why != "expired" {
			t.Errorf("results %v and %v", r, aside)
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
	})
}
