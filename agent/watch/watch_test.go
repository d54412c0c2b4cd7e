package watch_test

import (
	"slices"
	"testing"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// facts is a healthy, connected kiosk in the state.
func facts(s fleet.State, change ...func(*state.Facts)) state.Facts {
	f := state.Facts{Now: noon, Connected: true, LastSeen: noon, Since: noon.Add(-time.Hour),
		Report: &fleet.Report{At: noon, State: s, Health: fleet.Health{DiskTotal: ptr(uint64(100 << 30)), DiskFree: ptr(uint64(50 << 30))}}}
	for _, c := range change {
		c(&f)
	}
	return f
}

func gone(f *state.Facts) { f.Connected, f.Since = false, f.Now.Add(-time.Minute) }

func says(codes ...fleet.Code) func(*state.Facts) {
	return func(f *state.Facts) { f.Report.Faults = codes }
}

func fullDisk(f *state.Facts) { f.Report.Health.DiskFree = ptr(uint64(1 << 30)) }

func proofAt(seq uint64, clean bool) func(*state.Facts) {
	return func(f *state.Facts) { f.Proof.Newest = &fleet.ProofSummary{Seq: seq, At: noon, Clean: clean} }
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		facts  state.Facts
		status fleet.Status
		shown  []fleet.Code
	}{
		"free":           {facts(fleet.Ready), fleet.StatusFree, nil},
		"in use":         {facts(fleet.InUse), fleet.StatusInUse, nil},
		"warning":        {facts(fleet.Warning), fleet.StatusInUse, nil},
		"erasing":        {facts(fleet.Erasing), fleet.StatusCleaning, nil},
		"starting":       {facts(fleet.Starting), fleet.StatusCleaning, nil},
		"closed":         {facts(fleet.Closed), fleet.StatusClosed, nil},
		"out of service": {facts(fleet.OutOfService), fleet.StatusOutOfService, nil},
		"out of order":   {facts(fleet.OutOfOrder), fleet.StatusOutOfOrder, nil},
		"out of order, just now, and why": {facts(fleet.OutOfOrder, says(fleet.BrowserFailing)), fleet.StatusOutOfOrder,
			[]fleet.Code{fleet.BrowserFailing}},
		"never connected": {state.Facts{Now: noon, Since: noon.Add(-time.Hour)}, fleet.StatusNoConnection,
			[]fleet.Code{fleet.NoConnection}},
		"connected, nothing said yet": {state.Facts{Now: noon, Connected: true}, fleet.StatusNoConnection, nil},
		"gone":                        {facts(fleet.Ready, gone), fleet.StatusNoConnection, []fleet.Code{fleet.NoConnection}},
		"gone, with an old fault": {facts(fleet.Ready, gone, fullDisk, says(fleet.ShellNotPainting)), fleet.StatusNoConnection,
			[]fleet.Code{fleet.NoConnection}},
		"gone while out of service": {facts(fleet.OutOfService, gone), fleet.StatusOutOfService, []fleet.Code{fleet.NoConnection}},
		"gone with a failed wipe": {facts(fleet.OutOfOrder, gone, says(fleet.WipeUnverified)), fleet.StatusOutOfOrder,
			[]fleet.Code{fleet.WipeUnverified, fleet.NoConnection}},
		"failed wipe, known by the proof alone": {facts(fleet.Ready, proofAt(4, false)), fleet.StatusOutOfOrder,
			[]fleet.Code{fleet.WipeUnverified}},
		"failed wipe, a newer clean proof on its way": {facts(fleet.Ready, proofAt(4, false), func(f *state.Facts) {
			f.Report.Proof = &fleet.ProofSummary{Seq: 5, Clean: true}
		}), fleet.StatusFree, nil},
		"disk":         {facts(fleet.Ready, fullDisk), fleet.StatusNeedsAttention, []fleet.Code{fleet.DiskFull}},
		"disk, in use": {facts(fleet.InUse, fullDisk), fleet.StatusInUse, []fleet.Code{fleet.DiskFull}},
		"state not kept because of the disk": {facts(fleet.Ready, fullDisk, says(fleet.StateNotKept)), fleet.StatusNeedsAttention,
			[]fleet.Code{fleet.DiskFull}},
		"state not kept by itself":    {facts(fleet.Ready, says(fleet.StateNotKept)), fleet.StatusNeedsAttention, []fleet.Code{fleet.StateNotKept}},
		"a notice only":               {facts(fleet.Ready, says(fleet.KioskRestarted)), fleet.StatusFree, []fleet.Code{fleet.KioskRestarted}},
		"clock an hour off, just now": {facts(fleet.Ready, func(f *state.Facts) { f.ClockOff = -time.Hour }), fleet.StatusFree, nil}, // it may be the agent's
		"clock a little off":          {facts(fleet.Ready, func(f *state.Facts) { f.ClockOff = 4 * time.Minute }), fleet.StatusFree, nil},
		"proof in doubt": {facts(fleet.Ready, proofAt(3, true), func(f *state.Facts) { f.Proof.Invalid = noon.Add(-time.Second) }),
			fleet.StatusNeedsAttention, []fleet.Code{fleet.ProofInvalid}},
		"help, fresh": {facts(fleet.InUse, help(noon.Add(-time.Minute), fleet.NoAnswer)), fleet.StatusInUse, nil},
		"help, unheard": {facts(fleet.InUse, help(noon.Add(-3*time.Minute), fleet.NoAnswer)), fleet.StatusInUse,
			[]fleet.Code{fleet.HelpUnanswered}},
		"help, answered":         {facts(fleet.InUse, help(noon.Add(-3*time.Minute), fleet.ComingSoon)), fleet.StatusInUse, nil},
		"help, unheard and gone": {facts(fleet.InUse, gone, help(noon.Add(-3*time.Minute), fleet.NoAnswer)), fleet.StatusNoConnection, []fleet.Code{fleet.HelpUnanswered, fleet.NoConnection}},
		"a fault of tomorrow":    {facts(fleet.Ready, says("printer_on_fire")), fleet.StatusNeedsAttention, []fleet.Code{"printer_on_fire"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := watch.Judge(c.facts, nil)
			if v.Status != c.status {
				t.Errorf("status %q, want %q", v.Status, c.status)
			}
			var shown []fleet.Code
			for _, f := range v.Shown {
				shown = append(shown, f.Code)
			}
			if !slices.Equal(shown, c.shown) {
				t.Errorf("shown %v, want %v", shown, c.shown)
			}
		})
	}
}

func help(at time.Time, a fleet.HelpAnswer) func(*state.Facts) {
	return func(f *state.Facts) { f.Help = &fleet.HelpCall{ID: "0123456789abcdef", At: at, Answer: a} }
}

// A blip is not shown; what lasts is, and the verdict says when to look again.
func TestPatience(t *testing.T) {
	f := facts(fleet.Ready, says(fleet.ShellNotPainting))
	first := watch.Judge(f, nil)
	if len(first.Shown) != 0 || first.Status != fleet.StatusFree || len(first.Open) != 1 {
		t.Fatalf("at once: %+v", first)
	}
	if want := noon.Add(20 * time.Second); !first.Next.Equal(want) {
		t.Errorf("to be judged again at %v, want %v", first.Next, want)
	}
	f.Now = first.Next
	second := watch.Judge(f, first.Open)
	if len(second.Shown) != 1 || second.Status != fleet.StatusOutOfOrder || !second.Shown[0].Since.Equal(noon) {
		t.Errorf("later: %+v", second)
	}
	f.Report.Faults = nil
	third := watch.Judge(f, second.Open)
	if len(third.Shown) != 0 || third.Status != fleet.StatusFree {
		t.Errorf("when it is over: %+v", third)
	}
}

// An error is never hidden behind a milder cause.
func TestWorseIsNotHidden(t *testing.T) {
	f := facts(fleet.InUse, says(fleet.BrowserFailing, fleet.BrowserMisplaced))
	f.Now = noon.Add(time.Minute)
	v := watch.Judge(f, []state.Fault{{Code: fleet.BrowserFailing, Since: noon}, {Code: fleet.BrowserMisplaced, Since: noon}})
	if len(v.Shown) != 1 || v.Shown[0].Code != fleet.BrowserFailing || v.Status != fleet.StatusOutOfOrder {
		t.Errorf("%+v", v)
	}
}

// But what a silent kiosk once said is not true for ever, however bad it was.
func TestSilenceHidesTheOld(t *testing.T) {
	f := facts(fleet.Ready, says(fleet.ShellNotPainting), gone)
	v := watch.Judge(f, []state.Fault{{Code: fleet.ShellNotPainting, Since: noon.Add(-time.Hour)}})
	if v.Status != fleet.StatusNoConnection || len(v.Shown) != 1 || v.Shown[0].Code != fleet.NoConnection {
		t.Errorf("%+v", v)
	}
}

// BenchmarkJudge is what one report of a healthy machine costs: with 10,000
// kiosks there are 667 of them a second.
func BenchmarkJudge(b *testing.B) {
	f := facts(fleet.InUse)
	healthy(&f.Report.Health)
	b.ReportAllocs()
	for b.Loop() {
		watch.Judge(f, nil)
	}
}
