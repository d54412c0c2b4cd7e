package state_test

import (
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// ahead is a report of a machine whose clock is ahead of the agent's.
func ahead(by time.Duration) fleet.Report {
	r := ready()
	r.At = time.Now().Add(by)
	return r
}

// When most machines agree that the agent's clock is wrong it is, and none of
// them; one alone that disagrees is wrong itself. When the agent's is right
// again nothing is left of it.
func TestAgentsClockIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, epochs := town(t, 5, state.Place{})
		report := func(by ...time.Duration) {
			for i, d := range by {
				b.Report(kiosk(i).ID, epochs[i], ahead(d))
			}
			pass(61 * time.Second)
		}
		are := func(when string, off time.Duration, wrong ...bool) {
			t.Helper()
			if got := b.ClockOff(); (got - off).Abs() > time.Second {
				t.Errorf("%s: the agent's clock is %v off, not %v", when, got, off)
			}
			for i, w := range wrong {
				want := "free"
				if w {
					want = "needs_attention clock_wrong"
				}
				if got := says(b, i); got != want {
					t.Errorf("%s: machine %d is %s, want %s", when, i, got, want)
				}
			}
		}
		const back = 3 * time.Hour
		report(0, 0, 0, 0, time.Hour)
		are("one is ahead", 0, false, false, false, false, true)
		report(0, 0, 0, time.Hour, 2*time.Hour)
		are("two are, each otherwise", 0, false, false, false, true, true)
		report(0, 0, 0, 0, 0)
		are("all agree", 0, false, false, false, false, false)
		pass(31 * time.Minute) // that one was wrong is forgotten
		report(back, back+time.Second, back, back, back+time.Hour)
		are("the agent is hours behind", back, false, false, false, false, true)
		report(0, 0, 0, 0, 0)
		are("it was set right", 0, false, false, false, false, false)
		pass(31 * time.Minute)

		// Set while it runs: no machine is wrong in any moment, neither before it
		// has reported again nor between the first and the last report.
		for _, by := range []time.Duration{-back, back, 26 * time.Hour, -26 * time.Hour} {
			b.Jumped(by)
			at := b.ClockOff()
			are("set", at, false, false, false, false, false)
			for i := range epochs {
				b.Report(kiosk(i).ID, epochs[i], ahead(at))
				pass(2 * time.Second)
				are("set, and reported one by one", at, false, false, false, false, false)
			}
		}
		are("set back and forth", 0, false, false, false, false, false)
	})
}

// The hours of a site follow the time of day when the clock is set back: a site
// that was closed by the wrong time is open again at once.
func TestClockSetBackOverClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hours := &fleet.Hours{OnHolidays: true}
		for d := range hours.Week {
			hours.Week[d] = []fleet.Span{{From: 9 * 60, To: 16 * 60}}
		}
		b := state.NewBoard(watch.Judge).With(watch.Outlook{})
		b.Put(state.Known{Kiosk: kiosk(0), SiteName: "Ranta"})
		midnight := time.Now().Truncate(24 * time.Hour)
		b.PutSite("ranta", "Ranta", state.Place{Hours: hours, Zone: time.UTC})
		closed := func(at time.Duration) bool {
			b.Survey(midnight.Add(at))
			s, _ := b.Site("ranta")
			return s.Around.Closed
		}
		for _, c := range []struct {
			at     time.Duration
			closed bool
		}{{11 * time.Hour, false}, {17 * time.Hour, true}, {12 * time.Hour, false}, {8 * time.Hour, true}, {10 * time.Hour, false}} {
			if got := closed(c.at); got != c.closed {
				t.Errorf("at %v: closed %v", c.at, got)
			}
		}
	})
}
