package watch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// gist is what people see of a verdict.
func gist(v state.Verdict) string {
	shown, folded := list(v.Shown), list(v.Folded)
	slices.Sort(folded)
	return string(v.Status) + ": " + strings.Join(shown, " ") + " | " + strings.Join(folded, " ")
}

// long is more than any fault takes until it is seen, and than one that went
// away is remembered.
const long = 8 * 24 * time.Hour

// TestNothingWrongStands: whatever reports, losses, returns, clock jumps,
// openings and closings came before, what is shown follows from what is so now
// and how long that lasts.
func TestNothingWrongStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := facts(fleet.Ready)
		var v state.Verdict
		step := func() { v = watch.Judge(f, v.Open) }
		step()
		span := func(t *rapid.T) time.Duration {
			return rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 9 * time.Second, 21 * time.Second, time.Minute,
				5 * time.Minute, 31 * time.Minute, 26 * time.Hour}).Draw(t, "span")
		}
		t.Repeat(map[string]func(*rapid.T){
			"report": func(t *rapid.T) {
				r := fleet.Report{At: f.Now, State: rapid.SampledFrom(fleet.States()).Draw(t, "state")}
				r.Faults = rapid.SliceOfNDistinct(rapid.SampledFrom([]fleet.Code{fleet.WipeUnverified, fleet.ShellNotPainting, fleet.BrowserFailing,
					fleet.StateNotKept, fleet.DiskFull, fleet.KioskRestarted, "printer_on_fire"}), 0, 3, rapid.ID).Draw(t, "faults")
				if rapid.Bool().Draw(t, "network") {
					r.Health.NetworkUp = ptr(false)
				}
				if rapid.Bool().Draw(t, "keyboard") {
					r.Health.Keyboards = ptr(0)
				}
				f.Report, f.Connected = &r, true
				f.ClockOff = rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "clock off")
				step()
			},
			"lose":        func(t *rapid.T) { lose(&f); step() },
			"return":      func(t *rapid.T) { back(&f); step() },
			"wait":        func(t *rapid.T) { f.Now = f.Now.Add(span(t)); step() },
			"jump back":   func(t *rapid.T) { f.Now = f.Now.Add(-span(t)); step() },
			"open":        func(t *rapid.T) { f.Around.Closed, f.Around.Turned = false, f.Now; step() },
			"close":       func(t *rapid.T) { f.Around.Closed, f.Around.Turned = true, f.Now; step() },
			"site silent": func(t *rapid.T) { f.Around.Silent = f.Now; step() },
			"site back":   func(t *rapid.T) { f.Around.Silent = time.Time{}; step() },
			"blind":       func(t *rapid.T) { f.Around.Blind = f.Now; step() },
			"seeing":      func(t *rapid.T) { f.Around.Blind = time.Time{}; step() },
			"help":        func(t *rapid.T) { help(f.Now, fleet.NoAnswer)(&f); step() },
			"answered":    func(t *rapid.T) { f.Help = nil; step() },
			"restart":     func(t *rapid.T) { f.Report, f.Connected = nil, false; step() }, // of the agent
			"proof":       func(t *rapid.T) { proofAt(3, rapid.Bool().Draw(t, "clean"))(&f); step() },
			"": func(t *rapid.T) {
				checkNow(t, f, v)
				checkNext(t, f, v)
				checkLater(t, f, v)
			},
		})
	})
}

// checkNow holds the status against what is so this moment, as somebody who
// stands beside the machine would say it.
func checkNow(t *rapid.T, f state.Facts, v state.Verdict) {
	if len(v.Shown) > 20 || len(v.Open) > 40 {
		t.Fatalf("the memory grows: %+v", v.Open)
	}
	for _, s := range slices.Concat(v.Shown, v.Folded, v.Open) {
		if s.Since.After(f.Now) && s.Times < 2 || s.First.After(f.Now) || s.Away.After(f.Now) {
			t.Fatalf("%+v is in the future of %v", s, f.Now)
		}
	}
	switch v.Status {
	case fleet.StatusFree, fleet.StatusInUse, fleet.StatusCleaning, fleet.StatusNeedsAttention:
		if !f.Connected || f.Report == nil {
			t.Fatalf("%q, and nobody is there", v.Status)
		}
		if f.Proof.Newest != nil && !f.Proof.Newest.Clean || slices.Contains(f.Report.Faults, fleet.WipeUnverified) {
			t.Fatalf("%q, and the wipe failed", v.Status)
		}
	case fleet.StatusNoConnection:
		if f.Connected && f.Report != nil {
			t.Fatalf("no connection, and it is there")
		}
		if f.Around.Closed && !f.Connected {
			t.Fatal("no connection, and the site is closed")
		}
	}
}

// checkNext: nothing changes before Verdict.Next by itself.
func checkNext(t *rapid.T, f state.Facts, v state.Verdict) {
	if v.Next.IsZero() || f.Report != nil && len(f.Starts) > 0 {
		return
	}
	if !v.Next.After(f.Now) {
		t.Fatalf("to be judged again at %v, which is past (%v)", v.Next, f.Now)
	}
	f.Now = v.Next.Add(-time.Nanosecond)
	if before := watch.Judge(f, v.Open); gist(before) != gist(v) {
		t.Fatalf("%s became %s before %v", gist(v), gist(before), v.Next)
	}
}

// checkLater: a machine of which nothing more is heard ends up where one does
// that has no past.
func checkLater(t *rapid.T, f state.Facts, v state.Verdict) {
	fresh := watch.Judge(f, nil)
	for range 100 {
		if v.Next.IsZero() {
			break
		}
		f.Now = v.Next
		v = watch.Judge(f, v.Open)
	}
	if !v.Next.IsZero() {
		t.Fatalf("it never comes to rest: %+v", v)
	}
	f.Now = f.Now.Add(long)
	v, fresh = watch.Judge(f, v.Open), watch.Judge(f, fresh.Open)
	fresh = watch.Judge(f, fresh.Open)
	if gist(v) != gist(fresh) {
		t.Fatalf("%s stands, and without a past it would be %s", gist(v), gist(fresh))
	}
}
