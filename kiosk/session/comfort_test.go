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

func TestComfortIsOfTheSession(t *testing.T) {
	ends := map[string]func(*world, *Machine){
		"button": func(w *world, m *Machine) { w.press("end", ""); w.press("end_yes", "") },
		"idle":   func(w *world, m *Machine) { w.pass(5*time.Minute + time.Second) },
		"crash":  func(w *world, m *Machine) { close(w.run().lost); synctest.Wait() },
		"shell":  func(w *world, m *Machine) { w.lost <- struct{}{}; synctest.Wait() },
		"screen": func(w *world, m *Machine) {
			m.ScreenLost(context.Background())
			m.ScreenBack(context.Background())
			synctest.Wait()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bench(t, nil, func(t *testing.T, w *world, m *Machine) {
				inSession(t, w, m)
				for _, p := range []Press{{"menu", ""}, {"size", "200"}, {"contrast", ""}, {"speak", ""}, {"keyboard", ""}, {"sticky", ""}, {"language", "en"}} {
					w.press(p.What, p.Arg)
				}
				want := Comfort{Size: 200, Contrast: true, Speak: true, Keyboard: true, Sticky: true}
				if v := w.last(); v.Comfort != want || !v.Menu || w.board != "en" || !w.stuck {
					t.Fatalf("shows %+v, keyboard %q, sticky %v", v, w.board, w.stuck)
				}
				if !slices.Equal(w.adjusted, []Comfort{{Size: 200}, {Size: 200, Contrast: true}}) {
					t.Errorf("the pages follow %v", w.adjusted)
				}
				if len(w.runs) != 1 {
					t.Error("a session's browser was replaced")
				}
				said := len(w.said)
				w.press("say_selected", "")
				if w.said[len(w.said)-1] != "en:selected" {
					t.Errorf("said %v", w.said[said:])
				}
				w.done()
				end(w, m)
				if got := strings.Join(w.done(), " "); !strings.HasPrefix(got, "cover reset kill ") {
					t.Errorf("the end did %q: the voice must fall silent at once", got)
				}
				w.pass(30 * time.Second) // the last page is away
				wantState(t, m, fleet.Ready)
				if v := w.last(); v.Comfort != Plain() || v.Menu || w.board != "" || w.stuck {
					t.Errorf("the next client finds %+v, keyboard %q, sticky %v", v, w.board, w.stuck)
				}
				if got := w.setups[len(w.setups)-1]; !got.same(Setup{Lang: "fi", Comfort: Plain(), Mode: fleet.Open}) {
					t.Errorf("and a browser in %+v", got)
				}
			})
		})
	}
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("sticky", "")
		w.press("keyboard", "")
		w.resets = 0
		t.Cleanup(func() {
			if w.resets == 0 || w.stuck || w.board != "" {
				t.Error("a kiosk that was stopped leaves its aids behind")
			}
		})
	})
}

func TestWhatCannotBeDoneIsNotBegun(t *testing.T) {
	bench(t, func(w *world) { w.can = false }, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		for _, p := range []Press{{"size", "110"}, {"size", "x"}, {"size", ""}, {"speak", ""}, {"keyboard", ""}, {"sticky", ""}, {"say", ""}, {"say_selected", ""}} {
			w.press(p.What, p.Arg)
		}
		if v := w.last(); v.Comfort != Plain() || v.CanSpeak || v.CanType || v.CanStick || len(w.said) != 0 {
			t.Errorf("shows %+v, said %v", v, w.said)
		}
	})
}

// A choice on the welcome page restarts the browser once, however often one
// presses, and the unused one takes the same path as every other.
func TestWaitingBrowserFollowsTheChoice(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.done()
		for _, size := range []string{"125", "150", "200", "300", "200"} {
			w.press("size", size)
			w.pass(300 * time.Millisecond)
		}
		w.press("language", "sv")
		if v := w.last(); !v.Preparing || v.State != fleet.Ready || v.Lang != "sv" {
			t.Errorf("shows %+v", v)
		}
		if len(w.runs) != 1 {
			t.Fatalf("%d browsers were started while somebody still looked for their size", len(w.runs))
		}
		w.pass(650 * time.Millisecond)
		if got := strings.Join(w.done(), " "); got != "kill wipe prove finish start" {
			t.Errorf("the choice did %q", got)
		}
		w.pass(800 * time.Millisecond)
		if v := w.last(); v.Preparing || v.State != fleet.Ready || v.Comfort.Size != 200 {
			t.Errorf("shows %+v", v)
		}
		if got := w.setups[1]; !got.same(Setup{Lang: "sv", Comfort: Comfort{Size: 200}, Mode: fleet.Open}) || len(w.setups) != 2 {
			t.Errorf("started in %+v", w.setups)
		}
		w.press("tile", "kela")
		wantState(t, m, fleet.InUse)
		if len(w.runs) != 2 || len(w.adjusted) != 0 {
			t.Errorf("%d browsers, adjusted %v", len(w.runs), w.adjusted)
		}
	})
}

func TestChoiceTakenBackCostsNothing(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("contrast", "")
		w.press("contrast", "")
		if w.last().Preparing {
			t.Error("prepares what is there")
		}
		w.pass(5 * time.Second)
		if len(w.runs) != 1 {
			t.Errorf("%d browsers", len(w.runs))
		}
	})
}

func TestTileWaitsForItsBrowser(t *testing.T) {
	for name, before := range map[string]time.Duration{"at once": 0, "settling": 300 * time.Millisecond, "starting": time.Second} {
		t.Run(name, func(t *testing.T) {
			bench(t, nil, func(t *testing.T, w *world, m *Machine) {
				w.pass(time.Second)
				w.press("language", "en")
				w.pass(before)
				w.press("tile", "nonsense")
				w.press("tile", "kela")
				if v := w.last(); v.State != fleet.Ready || v.Chosen != "kela" || !v.Preparing {
					t.Fatalf("shows %+v", v)
				}
				w.pass(750 * time.Millisecond)
				wantState(t, m, fleet.InUse)
				if v := w.last(); v.Chosen != "" || v.Preparing || v.Lang != "en" {
					t.Errorf("shows %+v", v)
				}
				if w.run().address != "https://kela" || w.setups[len(w.setups)-1].Lang != "en" || len(w.runs) != 2 {
					t.Errorf("opened %q in %+v", w.run().address, w.setups)
				}
			})
		})
	}
}

// A browser that is being started for an old choice is replaced.
func TestChoiceWhileTheBrowserStarts(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("language", "en")
		w.pass(700 * time.Millisecond) // the second one has begun
		w.press("language", "sv")
		w.pass(200 * time.Millisecond)
		w.press("tile", "kela")
		w.pass(2 * time.Second)
		wantState(t, m, fleet.InUse)
		if got := w.setups[len(w.setups)-1].Lang; got != "sv" || len(w.runs) != 3 || !w.runs[1].killed {
			t.Errorf("in %q, with %d browsers", got, len(w.runs))
		}
		if len(w.ended) != 0 {
			t.Errorf("counted %v", w.ended)
		}
	})
}

func TestChoiceIsForgotten(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("language", "sv")
		w.press("size", "300")
		w.press("sticky", "")
		w.pass(50 * time.Second)
		if w.last().Comfort.Size != 300 {
			t.Fatal("forgotten too soon")
		}
		w.pass(15 * time.Second)
		if v := w.last(); v.Lang != "fi" || v.Comfort != Plain() || w.stuck || v.Preparing {
			t.Errorf("the next person meets %+v, sticky %v", v, w.stuck)
		}
		if got := w.setups[len(w.setups)-1]; !got.same(Setup{Lang: "fi", Comfort: Plain(), Mode: fleet.Open}) {
			t.Errorf("and a browser in %+v", got)
		}
	})
}

// A renewal that cannot be proved clean stops the machine, like every other.
func TestRenewalIsProved(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.found = 1
		w.press("language", "sv")
		w.press("tile", "kela")
		w.pass(2 * time.Second)
		wantState(t, m, fleet.OutOfOrder)
		if v := w.last(); v.Preparing || v.Chosen != "" || len(w.runs) != 1 {
			t.Errorf("shows %+v, %d browsers", v, len(w.runs))
		}
	})
	bench(t, nil, func(t *testing.T, w *world, m *Machine) { // and one that does not start is tried again
		w.pass(time.Second)
		w.mu.Lock()
		w.startErr = errFake
		w.mu.Unlock()
		w.press("language", "sv")
		w.pass(time.Second)
		wantState(t, m, fleet.Starting)
		w.mu.Lock()
		w.startErr = nil
		w.mu.Unlock()
		w.pass(5 * time.Second)
		wantState(t, m, fleet.Ready)
		if w.setups[len(w.setups)-1].Lang != "sv" {
			t.Error("the choice is lost")
		}
	})
}

// Where clients may go is a matter of the browser's start.
func TestSettingsReachTheWaitingBrowser(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		s := plainSettings()
		s.Mode, s.Blocked, s.Version, s.KioskName, s.Phone, s.Languages = fleet.Errands, []string{"bad.example"}, 7, "Kone 4", "09 1", []string{"fi", "en"}
		s.Welcome = fleet.Text{FI: "Hei", SV: "Hej", EN: "Hi"}
		m.Update(s)
		w.pass(2 * time.Second)
		if v := w.last(); len(w.runs) != 1 || v.Mode != fleet.Open || v.KioskName != "Kone 4" || v.Phone != "09 1" || v.Languages != "fi,en" || v.Welcome != (fleet.Text{}) {
			t.Errorf("in a session: %d browsers, shows %+v", len(w.runs), v)
		}
		w.press("language", "sv")
		if w.last().Lang != "fi" {
			t.Error("a language that is not offered")
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		if got := w.setups[1]; got.Mode != fleet.Errands || !slices.Equal(got.Blocked, s.Blocked) {
			t.Errorf("the next browser starts in %+v", got)
		}
		if got := w.last().Welcome; got != s.Welcome {
			t.Errorf("the next welcome page says %+v", got)
		}
		if got := m.Status(); got.Mode != fleet.Errands || got.Settings != 7 {
			t.Errorf("status %+v", got)
		}
		s.Mode = fleet.Open
		m.Update(s)
		w.pass(3 * time.Second)
		wantState(t, m, fleet.Ready)
		if len(w.setups) != 3 || w.setups[2].Mode != fleet.Open {
			t.Errorf("browsers %+v", w.setups)
		}
		s.Blocked = []string{"worse.example"}
		m.Update(s)
		w.pass(3 * time.Second)
		if len(w.setups) != 4 || w.setups[3].Blocked[0] != "worse.example" {
			t.Errorf("browsers %+v", w.setups)
		}
		m.Update(s)
		w.pass(3 * time.Second)
		if len(w.setups) != 4 {
			t.Error("settings that change nothing cost a browser")
		}
	})
}

// What is read aloud is what is new, not every second of a countdown.
func TestSpeech(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("say", "")
		if len(w.said) != 1 {
			t.Fatalf("said %v", w.said)
		}
		w.press("speak", "")
		if len(w.said) != 2 {
			t.Errorf("turned on, it said %v", w.said)
		}
		w.pass(30 * time.Second)
		w.press("tile", "kela")
		if got := w.said[2:]; len(got) != 1 || !strings.Contains(got[0], "in_use") {
			t.Errorf("a new view said %v", got)
		}
		w.said = nil
		w.pass(3*time.Minute + 50*time.Second)
		if len(w.said) != 0 { // minutes that go by are not news
			t.Errorf("while nothing happens it said %v", w.said)
		}
		w.said = nil
		w.touch()
		w.pass(4*time.Minute + 59*time.Second)
		at := []string{"1m0s", "30s", "20s", "10s"}
		for i := range max(len(at), len(w.said)) {
			if i >= len(at) || i >= len(w.said) || !strings.HasPrefix(w.said[i], "fi:warningfi"+at[i]+" ") {
				t.Fatalf("a countdown said %v", w.said)
			}
		}
		w.said = nil
		w.press("speak", "")
		if !slices.Contains(w.said, "fi:") {
			t.Errorf("turned off, it goes on talking: %v", w.said)
		}
		w.said = nil
		w.press("help", "")
		if len(w.said) != 0 {
			t.Errorf("turned off, it said %v", w.said)
		}
	})
}

// Strong colours that are chosen in a session do not reach others' pages, and the
// client is told so; those that were chosen before do.
func TestPale(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		w.press("contrast", "")
		if !w.last().Pale {
			t.Error("the client is not told")
		}
		w.press("contrast", "")
		if w.last().Pale {
			t.Error("told without reason")
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Minute)
		w.press("contrast", "")
		w.pass(10 * time.Second) // its browser is started anew
		w.press("tile", "kela")
		w.pass(time.Second)
		wantState(t, m, fleet.InUse)
		if v := w.last(); v.Pale || !v.Comfort.Contrast {
			t.Errorf("chosen before: %+v", v)
		}
	})
}
