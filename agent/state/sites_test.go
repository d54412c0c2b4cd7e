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

// town is a board that runs: site "ranta" with n kiosks that are connected and
// free, a minute after the start.
func town(t testing.TB, n int, p state.Place) (*state.Board, []uint64) {
	b := state.NewBoard(watch.Judge).With(watch.Outlook{})
	b.PutSite("ranta", "Ranta", p)
	var epochs []uint64
	for i := range n {
		b.Put(state.Known{Kiosk: kiosk(i), SiteName: "Ranta"})
		epochs = append(epochs, b.Connected(kiosk(i).ID))
		b.Report(kiosk(i).ID, epochs[i], ready())
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go b.Run(ctx)
	pass(time.Minute + time.Second)
	return b, epochs
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// says is what people see of a kiosk.
func says(b *state.Board, i int) string {
	v, _ := b.View(kiosk(i).ID)
	s := string(v.Status)
	for _, f := range v.Faults {
		s += " " + string(f.Code)
	}
	for _, f := range v.Folded {
		s += " (" + string(f.Code) + ")"
	}
	return s
}

func siteSays(b *state.Board) string {
	s, _ := b.Site("ranta")
	out := fmt.Sprintf("%d/%d", s.Lost, s.All)
	for _, f := range s.Faults {
		out += " " + string(f.Code)
	}
	return out
}

func wants(t *testing.T, when, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", when, got, want)
	}
}

// A whole site that is lost is one incident of the site; its machines' own
// silence is folded beneath, and comes forth for the one that stays away.
func TestSiteIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, epochs := town(t, 4, state.Place{})
		id := func(i int) fleet.KioskID { return kiosk(i).ID }
		b.Gone(id(0), epochs[0])
		pass(10 * time.Second)
		wants(t, "one is lost", says(b, 0), "no_connection no_connection")
		wants(t, "one is lost", siteSays(b), "1/4")
		b.Gone(id(1), epochs[1])
		b.Gone(id(2), epochs[2])
		pass(2 * time.Second)
		wants(t, "three are lost", says(b, 1), "no_connection no_connection")
		pass(30 * time.Second)
		wants(t, "for a while", siteSays(b), "3/4 site_silent")
		for i := range 3 {
			wants(t, "for a while", says(b, i), "no_connection site_silent (no_connection)")
		}
		wants(t, "the one that is there", says(b, 3), "free")

		e := b.Connected(id(0))
		b.Report(id(0), e, ready())
		wants(t, "the first is back", says(b, 0), "free")
		pass(2 * time.Second)
		wants(t, "the first is back", siteSays(b), "2/4 site_silent")
		e = b.Connected(id(1))
		b.Report(id(1), e, ready())
		pass(2 * time.Second)
		wants(t, "one is left", siteSays(b), "1/4")
		wants(t, "one is left", says(b, 2), "no_connection no_connection")
	})
}

// The agent that is cut off itself says so, and not that all is broken.
func TestAgentIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, epochs := town(t, 2, state.Place{})
		for i, e := range epochs {
			b.Gone(kiosk(i).ID, e)
		}
		b.Cut(true)
		pass(2 * time.Second)
		wants(t, "cut off", says(b, 0), "no_connection cannot_see (no_connection)")
		wants(t, "cut off", siteSays(b), "2/2 cannot_see")
		b.Cut(false)
		pass(40 * time.Second)
		wants(t, "not any more, and they are not back", says(b, 0), "no_connection site_silent (no_connection)")
	})
}

// Right after the start of the agent machines are on their way back: nothing
// is concluded from many being away.
func TestAgentStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := state.NewBoard(watch.Judge).With(watch.Outlook{})
		for i := range 4 {
			b.Put(state.Known{Kiosk: kiosk(i), SiteName: "Ranta", LastSeen: time.Now().Add(-time.Second)})
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		pass(59 * time.Second)
		wants(t, "a minute later", siteSays(b), "4/4")
		wants(t, "a minute later", says(b, 0), "no_connection no_connection")
		pass(3 * time.Second)
		wants(t, "still away", siteSays(b), "4/4 site_silent")
	})
}

// A day at a site that is open from 9 to 15: off at night is closed, not on ten
// minutes after the opening is a fault of its own.
func TestDayOfASite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble's clock begins on Saturday, 1 January 2000
		hours := &fleet.Hours{OnHolidays: true}
		for d := range hours.Week {
			hours.Week[d] = []fleet.Span{{From: 9 * 60, To: 15 * 60}}
		}
		b, epochs := town(t, 3, state.Place{Hours: hours})
		clock := func(hour, minute int) {
			now := time.Now().UTC()
			to := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 2, 0, time.UTC)
			if to.Before(now) {
				to = to.AddDate(0, 0, 1)
			}
			pass(to.Sub(now))
		}
		for i, e := range epochs {
			b.Gone(kiosk(i).ID, e)
		}
		clock(3, 0)
		wants(t, "at night", says(b, 0), "closed")
		clock(9, 5)
		wants(t, "9.05", says(b, 0), "closed")
		for i := range 2 {
			e := b.Connected(kiosk(i).ID)
			b.Report(kiosk(i).ID, e, ready())
			epochs[i] = e
		}
		clock(9, 9)
		wants(t, "9.09, not on", says(b, 2), "closed")
		clock(9, 10)
		wants(t, "9.10, not on", says(b, 2), "no_connection not_on")
		wants(t, "9.10, on", says(b, 0), "free")
		clock(12, 0)
		b.Gone(kiosk(0).ID, epochs[0])
		wants(t, "lost at noon", says(b, 0), "no_connection no_connection")
		clock(15, 0)
		wants(t, "closed", says(b, 0), "closed")
		wants(t, "closed, not on all day", says(b, 2), "closed")
		wants(t, "closed, and still on", says(b, 1), "free")
		b.Gone(kiosk(1).ID, epochs[1])
		clock(9, 11)
		wants(t, "the next day nobody comes", siteSays(b), "3/3 site_silent")
		wants(t, "the next day nobody comes", says(b, 1), "no_connection site_silent (not_on)")
		b.PutSite("ranta", "", state.Place{})
		pass(2 * time.Second)
		wants(t, "now it is always open", says(b, 1), "no_connection no_connection")
		if s, _ := b.Site("ranta"); s.Name != "Ranta" {
			t.Errorf("named %q", s.Name)
		}
	})
}

// Only a run that is new is a start, and what an old connection says of itself
// is passed over.
func TestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, epochs := town(t, 1, state.Place{Build: "2"})
		id := kiosk(0).ID
		run := func(boot string) {
			e := b.Connected(id)
			b.Runs(id, e, boot, "1")
			b.Runs(id, epochs[0], "an old connection", "0")
			b.Report(id, e, ready())
			pass(time.Minute)
		}
		for range 5 {
			run("a")
		}
		wants(t, "the same run again and again", says(b, 0), "free")
		run("b")
		run("c")
		wants(t, "two starts", says(b, 0), "free")
		run("d")
		wants(t, "three starts", says(b, 0), "needs_attention restarts_often")
		pass(3 * 24 * time.Hour)
		wants(t, "three days later", says(b, 0), "free image_outdated")
	})
}

// What a machine did is counted in opening hours, and while the agent could
// see.
func TestServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, epochs := town(t, 2, state.Place{})
		sum := map[fleet.KioskID]state.Served{}
		take := func() {
			for id, s := range b.Served() {
				sum[id] = sum[id].Add(s)
			}
		}
		b.Served()
		id := kiosk(0).ID
		pass(4 * time.Minute)
		take()
		pass(time.Minute)
		b.Gone(id, epochs[0])
		pass(3 * time.Minute)
		e := b.Connected(id)
		b.Report(id, e, fleet.Report{State: fleet.OutOfService})
		pass(2 * time.Minute)
		take()
		b.Report(id, e, fleet.Report{State: fleet.OutOfOrder})
		pass(time.Minute)
		b.PutSite("ranta", "", state.Place{Hours: &fleet.Hours{}}) // closed from now on
		pass(5 * time.Minute)
		take()
		pass(5 * time.Minute)
		take()
		if want := (state.Served{Works: 5 * time.Minute, Lost: 3 * time.Minute, Broken: time.Minute, Paused: 2 * time.Minute}); sum[id] != want {
			t.Errorf("%+v, want %+v", sum[id], want)
		}
		b.PutSite("ranta", "", state.Place{})
		pass(2 * time.Second)
		b.Report(id, e, ready())
		b.Served()
		b.Gone(kiosk(0).ID, e)
		b.Gone(kiosk(1).ID, epochs[1])
		b.Cut(true)
		pass(4 * time.Minute)
		for id, s := range b.Served() {
			if s.Open() > 2*time.Second {
				t.Errorf("while it could not see: %s %+v", id, s)
			}
		}
	})
}

// bubble hides that a test may have a deadline: in a bubble nobody may ask.
type bubble struct{ rapid.TB }

// TestBoardKeepsUp: whatever comes and goes, two seconds later every kiosk's
// status is what its site's hours, its connection and its last word make of it.
func TestBoardKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubble{t}, func(t *rapid.T) {
			hours := &fleet.Hours{OnHolidays: true}
			for d := range hours.Week {
				hours.Week[d] = []fleet.Span{{From: 9 * 60, To: 15 * 60}}
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			b := state.NewBoard(watch.Judge).With(watch.Outlook{})
			b.PutSite("ranta", "Ranta", state.Place{Hours: hours})
			type machine struct {
				epochs []uint64
				there  bool
				turned time.Time
				said   fleet.State
			}
			var all [3]machine
			for i := range all {
				b.Put(state.Known{Kiosk: kiosk(i), SiteName: "Ranta"})
				all[i].turned = kiosk(i).Enrolled
			}
			go b.Run(ctx)
			which := func(t *rapid.T) (int, *machine) {
				i := rapid.IntRange(0, len(all)-1).Draw(t, "kiosk")
				return i, &all[i]
			}
			t.Repeat(map[string]func(*rapid.T){
				"connect": func(t *rapid.T) {
					i, m := which(t)
					if !m.there {
						m.there, m.turned = true, time.Now()
					}
					m.epochs = append(m.epochs, b.Connected(kiosk(i).ID))
				},
				"lose": func(t *rapid.T) {
					i, m := which(t)
					if len(m.epochs) == 0 {
						t.Skip("never connected")
					}
					n := rapid.IntRange(0, len(m.epochs)-1).Draw(t, "connection")
					b.Gone(kiosk(i).ID, m.epochs[n])
					if n == len(m.epochs)-1 && m.there {
						m.there, m.turned = false, time.Now()
					}
				},
				"report": func(t *rapid.T) {
					i, m := which(t)
					if !m.there {
						t.Skip("not there")
					}
					m.said = rapid.SampledFrom([]fleet.State{fleet.Ready, fleet.InUse, fleet.Closed, fleet.Erasing}).Draw(t, "state")
					b.Report(kiosk(i).ID, m.epochs[len(m.epochs)-1], fleet.Report{At: time.Now(), State: m.said})
				},
				"cut":  func(t *rapid.T) { b.Cut(rapid.Bool().Draw(t, "cut")) },
				"wait": func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 36000).Draw(t, "seconds")) * time.Second) },
				"": func(t *rapid.T) {
					time.Sleep(2 * time.Second)
					now := time.Now().UTC()
					for i, m := range all {
						if v, _ := b.View(kiosk(i).ID); v.Status != expected(now, m.there, m.turned.UTC(), m.said) {
							t.Fatalf("kiosk %d at %v: %q, want %q (%+v)", i, now, v.Status, expected(now, m.there, m.turned.UTC(), m.said), m)
						}
					}
				},
			})
		})
	})
}

// expected is the model of TestBoardKeepsUp: open from 9 to 15, every day.
func expected(now time.Time, there bool, turned time.Time, said fleet.State) fleet.Status {
	if there && said != "" {
		return map[fleet.State]fleet.Status{fleet.Ready: fleet.StatusFree, fleet.InUse: fleet.StatusInUse,
			fleet.Closed: fleet.StatusClosed, fleet.Erasing: fleet.StatusCleaning}[said]
	}
	day := now.Truncate(24 * time.Hour)
	opening, closing := day.Add(9*time.Hour), day.Add(15*time.Hour)
	switch {
	case there: // it has not said anything yet
		return fleet.StatusNoConnection
	case now.Before(opening) || !now.Before(closing):
		return fleet.StatusClosed
	case turned.Before(opening) && now.Before(opening.Add(10*time.Minute)):
		return fleet.StatusClosed
	}
	return fleet.StatusNoConnection
}

// BenchmarkSurvey is what a second costs with 10,000 kiosks at 1,000 sites
// while nothing happens.
func BenchmarkSurvey(b *testing.B) {
	board := state.NewBoard(watch.Judge).With(watch.Outlook{})
	for i := range 10_000 {
		k := fleet.Kiosk{ID: fleet.KioskID(fmt.Sprintf("k%012d", i)), Site: fleet.SiteID(fmt.Sprintf("site-%d", i/10)), Enrolled: time.Now()}
		board.Put(state.Known{Kiosk: k, SiteName: string(k.Site)})
		if i%10 != 0 {
			board.Report(k.ID, board.Connected(k.ID), ready())
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		board.Survey(time.Now())
	}
}
