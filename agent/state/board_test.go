package state_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

func kiosk(n int) fleet.Kiosk {
	return fleet.Kiosk{ID: fleet.KioskID(fmt.Sprintf("kaaaaaaaaaaa%c", 'a'+n)), Site: "ranta", Name: fmt.Sprintf("Kone %d", n+1),
		Enrolled: time.Now().Add(-time.Hour)}
}

func board(n int) *state.Board {
	b := state.NewBoard(watch.Judge)
	for i := range n {
		b.Put(state.Known{Kiosk: kiosk(i), SiteName: "Ranta"})
	}
	return b
}

func ready() fleet.Report { return fleet.Report{At: time.Now(), State: fleet.Ready} }

// A late goodbye of an old connection, or a late report of it, must not change
// what the newer one said. The model knows only which connection is the newest
// and whether it still stands.
func TestPresence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := board(1)
		id := kiosk(0).ID
		var epochs []uint64 // of every connection there ever was; the last one is the newest
		stands := false
		pick := func(t *rapid.T) (i int, newest bool) {
			if len(epochs) == 0 {
				t.Skip("never connected")
			}
			i = rapid.IntRange(0, len(epochs)-1).Draw(t, "connection")
			return i, i == len(epochs)-1
		}
		reported := fleet.State("")
		t.Repeat(map[string]func(*rapid.T){
			"connect": func(t *rapid.T) {
				epochs, stands = append(epochs, b.Connected(id)), true
			},
			"disconnect": func(t *rapid.T) {
				i, newest := pick(t)
				b.Gone(id, epochs[i])
				stands = stands && !newest
			},
			"report": func(t *rapid.T) {
				i, newest := pick(t)
				s := rapid.SampledFrom([]fleet.State{fleet.Ready, fleet.InUse, fleet.Erasing}).Draw(t, "state")
				b.Report(id, epochs[i], fleet.Report{At: time.Now(), State: s})
				if newest {
					reported = s
				}
			},
			"": func(t *rapid.T) {
				v, _ := b.View(id)
				if v.Connected != stands {
					t.Fatalf("connected is %v, want %v", v.Connected, stands)
				}
				want := fleet.StatusNoConnection
				if stands {
					switch reported {
					case fleet.Ready:
						want = fleet.StatusFree
					case fleet.InUse:
						want = fleet.StatusInUse
					case fleet.Erasing:
						want = fleet.StatusCleaning
					}
				}
				if v.Status != want {
					t.Fatalf("status is %q, want %q (said %q, connected %v)", v.Status, want, reported, stands)
				}
			},
		})
	})
}

// A subscriber that does not read never holds up the board, and then learns
// that it missed something.
func TestSlowSubscriber(t *testing.T) {
	b := board(2)
	ctx, cancel := context.WithCancel(context.Background())
	changes := b.Subscribe(ctx)
	id := kiosk(0).ID
	e := b.Connected(id)
	for range 1000 {
		b.Report(id, e, ready())
	}
	missed := false
	for len(changes) > 0 {
		missed = (<-changes).Kiosk == "" || missed
	}
	if !missed {
		t.Error("the subscriber missed changes and was not told")
	}
	b.Report(id, e, ready())
	if c := <-changes; c.Kiosk != id {
		t.Errorf("after that it got %+v", c)
	}
	cancel()
	for range changes { // closes
	}
	b.Report(id, e, ready())
}

// Altered tells whose faults are others, once, and nothing of reports that bring
// no news.
func TestAltered(t *testing.T) {
	b := board(3)
	b.Altered() // nobody was ever connected
	var epochs [3]uint64
	for i := range epochs {
		epochs[i] = b.Connected(kiosk(i).ID)
		b.Report(kiosk(i).ID, epochs[i], ready())
	}
	if got := b.Altered(); len(got) != 3 {
		t.Errorf("after all came: %v", got)
	}
	for i := range epochs {
		b.Report(kiosk(i).ID, epochs[i], ready())
	}
	if got := b.Altered(); len(got) != 0 {
		t.Errorf("after reports of the same: %v", got)
	}
	broken := ready()
	broken.Faults = []fleet.Code{fleet.DiskFull}
	b.Report(kiosk(1).ID, epochs[1], broken)
	if got := b.Altered(); len(got) != 1 || got[0] != kiosk(1).ID {
		t.Errorf("after a fault: %v", got)
	}
	b.Report(kiosk(1).ID, epochs[1], ready())
	if got := b.Altered(); len(got) != 1 || got[0] != kiosk(1).ID {
		t.Errorf("after its end: %v", got)
	}
}

// What time alone changes is seen without anybody saying anything.
func TestTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		id := kiosk(0).ID
		e := b.Connected(id)
		b.Report(id, e, fleet.Report{At: time.Now(), State: fleet.Ready, Faults: []fleet.Code{fleet.ShellNotPainting}})
		began := time.Now()
		changes := b.Subscribe(ctx)
		<-changes
		v, _ := b.View(id)
		if v.Status != fleet.StatusOutOfOrder || len(v.Faults) != 1 {
			t.Errorf("%+v", v)
		}
		if d := time.Since(began); d < 19*time.Second || d > 22*time.Second {
			t.Errorf("seen after %v", d)
		}
	})
}

func TestViews(t *testing.T) {
	b := state.NewBoard(watch.Judge)
	for i, k := range []struct{ site, name string }{{"Tori", "Kone 2"}, {"Ranta", "Kone 10"}, {"ranta", "kone 2"}, {"Ranta", "Ärkkeri"}, {"Ranta", "Kone"}} {
		kk := kiosk(i)
		kk.Name = k.name
		b.Put(state.Known{Kiosk: kk, SiteName: k.site})
	}
	var got []string
	for _, v := range b.Views() {
		got = append(got, v.Kiosk.Name)
	}
	if want := "[Kone kone 2 Kone 10 Ärkkeri Kone 2]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// A call stays until it is over; the end of another one does not end it.
func TestHelp(t *testing.T) {
	b := board(1)
	id := kiosk(0).ID
	b.Help(fleet.HelpCall{ID: "a", Kiosk: id, At: time.Now()})
	b.HelpOver(id, "b")
	if v, _ := b.View(id); v.Help == nil {
		t.Fatal("the end of another call ended it")
	}
	b.HelpOver(id, "a")
	if v, _ := b.View(id); v.Help != nil {
		t.Fatal("still open")
	}
}

// A restart of the agent does not make an old fault new.
func TestSinceSurvives(t *testing.T) {
	b := state.NewBoard(watch.Judge)
	old := time.Now().Add(-time.Hour)
	b.Put(state.Known{Kiosk: kiosk(0), SiteName: "Ranta", LastSeen: old, Faults: []state.Fault{{Code: fleet.DiskFull, Since: old}}})
	id := kiosk(0).ID
	v, _ := b.View(id)
	if !v.Since.Equal(old) || v.Status != fleet.StatusNoConnection {
		t.Errorf("after a restart: %+v", v)
	}
	b.Report(id, b.Connected(id), fleet.Report{At: time.Now(), State: fleet.Ready, Faults: []fleet.Code{fleet.DiskFull, fleet.StateNotKept, fleet.KioskRestarted}})
	v, _ = b.View(id)
	for _, f := range v.Faults {
		if (f.Code == fleet.DiskFull) != f.Since.Equal(old) {
			t.Errorf("%s since %v", f.Code, f.Since)
		}
	}
	if len(v.Faults) != 2 {
		t.Errorf("%+v", v.Faults)
	}
}
