// Package watch decides what is wrong with a kiosk and what staff are told of
// it. It is a table of faults and pure functions: everything they know is in
// their arguments.
//
// It never reads a clock, never remembers anything and does no I/O; agent/state
// calls it and keeps what it concludes.
//
// Caveat: a fault that only follows from another one is not shown (a machine
// without a connection does not also report an old lack of memory), but a
// worse fault is never hidden behind a milder one, except that nothing which a
// silent kiosk once reported counts as true now.
package watch

import (
	"cmp"
	"slices"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Limits of readings, beyond which they are faults.
const (
	clockSlack  = 5 * time.Minute
	diskShare   = 0.05
	diskLeast   = 100 << 20
	memoryShare = 0.06
	memoryLeast = 150 << 20
	cpuMost     = 95
	hottest     = 90
	callUnheard = 2 * time.Minute
)

// How long what is no trouble for a while may last.
const (
	plugTime   = 10 * time.Second // a device that is plugged in comes in parts
	chargeTime = 20 * time.Minute // clients charge their phones
	unsetTime  = 30 * time.Minute // a time server is asked now and then
	updateTime = 24 * time.Hour   // updates come every day and go in at night
)

// rule is one fault as data.
type rule struct {
	code     fleet.Code
	severity fleet.Severity
	under    []fleet.Code  // explained by any of these
	patience time.Duration // how long it must last before people see it
	present  func(state.Facts) bool
	since    func(state.Facts) time.Time // nil: since it was first noticed
}

// stale marks the rules that rest on the newest report: they say nothing once
// the kiosk is silent.
var stale = []fleet.Code{fleet.NoConnection}

// rules lists every fault; a cause comes before what it explains, and within
// a severity the more urgent one first.
func rules() []rule {
	with := func(causes ...fleet.Code) []fleet.Code { return append(causes, stale...) }
	return []rule{
		{fleet.WipeUnverified, fleet.SeverityError, nil, 0, wipeUnverified, nil},
		{fleet.HelpUnanswered, fleet.SeverityWarning, nil, callUnheard, helpUnanswered,
			func(f state.Facts) time.Time { return f.Help.At }},
		{fleet.ProofInvalid, fleet.SeverityWarning, nil, 0, func(f state.Facts) bool { return !f.Proof.Invalid.IsZero() },
			func(f state.Facts) time.Time { return f.Proof.Invalid }},
		{fleet.NoConnection, fleet.SeverityWarning, nil, 0, func(f state.Facts) bool { return !f.Connected },
			func(f state.Facts) time.Time { return f.Since }},
		{fleet.ShellNotPainting, fleet.SeverityError, stale, 20 * time.Second, shellNotPainting, nil},
		{fleet.BrowserFailing, fleet.SeverityError, stale, 20 * time.Second, browserFailing, nil},
		{fleet.DiskFull, fleet.SeverityWarning, stale, 0, diskFull, nil},
		{fleet.StateNotKept, fleet.SeverityWarning, with(fleet.DiskFull), 0, reported(fleet.StateNotKept), nil},
		{fleet.NetworkDown, fleet.SeverityWarning, stale, 30 * time.Second,
			func(f state.Facts) bool { return is(health(f).NetworkUp, false) }, nil},
		{fleet.NoScreen, fleet.SeverityWarning, stale, time.Minute, none(func(h fleet.Health) *int { return h.Screens }), nil},
		{fleet.NewKeyboard, fleet.SeverityWarning, stale, plugTime, newKeyboard, nil},
		{fleet.NoKeyboard, fleet.SeverityWarning, stale, time.Minute, withoutTouch(func(h fleet.Health) *int { return h.Keyboards }), nil},
		{fleet.NoMouse, fleet.SeverityWarning, stale, time.Minute, withoutTouch(func(h fleet.Health) *int { return h.Pointers }), nil},
		{fleet.BrowserMisplaced, fleet.SeverityWarning, with(fleet.BrowserFailing, fleet.ShellNotPainting), 15 * time.Second, browserMisplaced, nil},
		{fleet.TooHot, fleet.SeverityWarning, stale, 2 * time.Minute,
			func(f state.Facts) bool { t := health(f).TemperatureC; return t != nil && *t >= hottest }, nil},
		{fleet.MemoryLow, fleet.SeverityWarning, stale, 2 * time.Minute, memoryLow, nil},
		{fleet.ClockWrong, fleet.SeverityWarning, stale, 0, clockWrong, nil},
		{fleet.DiskFailing, fleet.SeverityWarning, stale, 0, says(func(h fleet.Health) *bool { return h.DiskHealthy }, false), nil},
		{fleet.OnBattery, fleet.SeverityWarning, stale, 2 * time.Minute, says(func(h fleet.Health) *bool { return h.OnMains }, false), nil},
		{fleet.CPUBusy, fleet.SeverityNotice, with(fleet.TooHot), 5 * time.Minute,
			func(f state.Facts) bool { c := health(f).CPUPercent; return c != nil && *c >= cpuMost }, nil},
		{fleet.ServicesDown, fleet.SeverityNotice, with(fleet.NetworkDown), 0, servicesDown, nil},
		{fleet.SwapOn, fleet.SeverityNotice, stale, time.Minute, says(func(h fleet.Health) *bool { return h.Swap }, true), nil},
		{fleet.ClockUnset, fleet.SeverityNotice, with(fleet.ClockWrong, fleet.NetworkDown), unsetTime, says(func(h fleet.Health) *bool { return h.ClockSet }, false), nil},
		{fleet.USBChanged, fleet.SeverityNotice, with(fleet.NewKeyboard, fleet.NoKeyboard, fleet.NoMouse), chargeTime, usbChanged, nil},
		{fleet.NoSound, fleet.SeverityNotice, stale, 5 * time.Minute, says(func(h fleet.Health) *bool { return h.Sound }, false), nil},
		{fleet.UpdatesWaiting, fleet.SeverityNotice, stale, updateTime, updatesWaiting, nil},
		{fleet.ScreenFailing, fleet.SeverityNotice, stale, 0, reported(fleet.ScreenFailing), nil},
		{fleet.KioskRestarted, fleet.SeverityNotice, stale, 0, reported(fleet.KioskRestarted), nil},
	}
}

func health(f state.Facts) fleet.Health {
	if f.Report == nil {
		return fleet.Health{}
	}
	return f.Report.Health
}

func is(v *bool, want bool) bool { return v != nil && *v == want }

// says is a reading that is as it should not be.
func says(reading func(fleet.Health) *bool, bad bool) func(state.Facts) bool {
	return func(f state.Facts) bool { return is(reading(health(f)), bad) }
}

// none is a count of what must be there and is not.
func none(reading func(fleet.Health) *int) func(state.Facts) bool {
	return func(f state.Facts) bool { n := reading(health(f)); return n != nil && *n == 0 }
}

// withoutTouch is what is missing on a machine whose screen cannot be touched;
// one with a touch screen shows a keyboard of its own.
func withoutTouch(reading func(fleet.Health) *int) func(state.Facts) bool {
	return func(f state.Facts) bool { return none(reading)(f) && !is(health(f).Touch, true) }
}

func newKeyboard(f state.Facts) bool {
	n := health(f).NewKeyboards
	return n != nil && *n > 0
}

func usbChanged(f state.Facts) bool {
	n := health(f).USBChanges
	return n != nil && *n > 0
}

func updatesWaiting(f state.Facts) bool {
	n := health(f).Updates
	return n != nil && *n > 0
}

// servicesDown is what the kiosk's probe found. It waits for nothing: the
// probe asked twice.
func servicesDown(f state.Facts) bool { return f.Report != nil && len(f.Report.Serves.Down) > 0 }

func reported(code fleet.Code) func(state.Facts) bool {
	return func(f state.Facts) bool { return f.Report != nil && slices.Contains(f.Report.Faults, code) }
}

// wipeUnverified rests on the kiosk's own word and on its newest proof: either
// is enough, and neither is forgiven because the kiosk fell silent.
func wipeUnverified(f state.Facts) bool {
	return reported(fleet.WipeUnverified)(f) ||
		f.Proof.Newest != nil && !f.Proof.Newest.Clean && !newerCleanClaim(f)
}

// newerCleanClaim reports whether the kiosk says that it has a newer, clean
// proof; the proof itself is on its way.
func newerCleanClaim(f state.Facts) bool {
	return f.Report != nil && f.Report.Proof != nil && f.Report.Proof.Clean && f.Report.Proof.Seq > f.Proof.Newest.Seq
}

func shellNotPainting(f state.Facts) bool {
	return reported(fleet.ShellNotPainting)(f) || is(health(f).ShellPaints, false)
}

func browserFailing(f state.Facts) bool {
	return reported(fleet.BrowserFailing)(f) ||
		f.Report != nil && f.Report.State.InSession() && is(health(f).BrowserAlive, false)
}

func browserMisplaced(f state.Facts) bool {
	return reported(fleet.BrowserMisplaced)(f) ||
		f.Report != nil && f.Report.State.InSession() && is(health(f).BrowserInPlace, false)
}

func diskFull(f state.Facts) bool {
	h := health(f)
	return reported(fleet.DiskFull)(f) || h.DiskFree != nil && short(*h.DiskFree, h.DiskTotal, diskShare, diskLeast)
}

func memoryLow(f state.Facts) bool {
	h := health(f)
	return h.MemoryFree != nil && short(*h.MemoryFree, h.MemoryTotal, memoryShare, memoryLeast)
}

func short(free uint64, total *uint64, share float64, least uint64) bool {
	return free < least || total != nil && float64(free) < share*float64(*total)
}

func clockWrong(f state.Facts) bool {
	return f.Report != nil && f.ClockOff.Abs() > clockSlack
}

func helpUnanswered(f state.Facts) bool {
	return f.Help != nil && f.Help.Answer == fleet.NoAnswer
}

// Judge decides what the facts mean. It is a state.Judge.
func Judge(f state.Facts, before []state.Fault) state.Verdict {
	var v state.Verdict
	var shown []rule
	for _, r := range all(f) {
		if !r.present(f) {
			continue
		}
		fault := state.Fault{Code: r.code, Severity: r.severity, Since: f.Now}
		if r.since != nil {
			fault.Since = r.since(f)
		} else if i := slices.IndexFunc(before, func(o state.Fault) bool { return o.Code == r.code }); i >= 0 {
			fault.Since = before[i].Since
		}
		v.Open = append(v.Open, fault)
		patience := r.patience
		if f.Report != nil && f.Report.State == fleet.OutOfOrder && r.severity == fleet.SeverityError {
			patience = 0 // the machine has given up already: whoever sees that must see why
		}
		if due := fault.Since.Add(patience); f.Now.Before(due) {
			if v.Next.IsZero() || due.Before(v.Next) {
				v.Next = due
			}
			continue
		}
		if explained(r, shown) {
			continue
		}
		shown = append(shown, r)
		v.Shown = append(v.Shown, fault)
	}
	if f.Report == nil { // after a restart of the agent: when the kiosk is back, what is still wrong is not new
		for _, o := range before {
			if !slices.ContainsFunc(v.Open, func(n state.Fault) bool { return n.Code == o.Code }) && o.Code != fleet.NoConnection {
				v.Open = append(v.Open, o)
			}
		}
	}
	slices.SortStableFunc(v.Shown, func(x, y state.Fault) int { return cmp.Compare(weight(y.Severity), weight(x.Severity)) })
	v.Status = status(f, v.Shown)
	return v
}

// all returns the rules and, for what a newer kiosk reports and we do not
// know, one of its own.
func all(f state.Facts) []rule {
	rs := rules()
	if f.Report == nil {
		return rs
	}
	for _, code := range f.Report.Faults {
		if !slices.ContainsFunc(rs, func(r rule) bool { return r.code == code }) {
			rs = append(rs, rule{code, fleet.SeverityWarning, stale, 0, reported(code), nil})
		}
	}
	return rs
}

// explained reports whether a shown fault is the cause of this one and at
// least as bad. Silence explains everything that rests on an old report.
func explained(r rule, shown []rule) bool {
	return slices.ContainsFunc(shown, func(c rule) bool {
		return slices.Contains(r.under, c.code) &&
			(c.code == fleet.NoConnection || weight(c.severity) >= weight(r.severity))
	})
}

func weight(s fleet.Severity) int {
	return slices.Index([]fleet.Severity{fleet.SeverityNotice, fleet.SeverityWarning, fleet.SeverityError}, s)
}

// status says it in staff's words. What staff must not trust comes first, then
// what they did themselves, then silence.
func status(f state.Facts, shown []state.Fault) fleet.Status {
	worst := -1
	for _, s := range shown {
		worst = max(worst, weight(s.Severity))
	}
	switch {
	case worst == weight(fleet.SeverityError), f.Report != nil && f.Report.State == fleet.OutOfOrder:
		return fleet.StatusOutOfOrder
	case f.Report != nil && f.Report.State == fleet.OutOfService:
		return fleet.StatusOutOfService
	case !f.Connected || f.Report == nil:
		return fleet.StatusNoConnection
	}
	switch f.Report.State {
	case fleet.InUse, fleet.Warning:
		return fleet.StatusInUse
	case fleet.Starting, fleet.Erasing:
		return fleet.StatusCleaning
	case fleet.Closed:
		return fleet.StatusClosed
	}
	if worst == weight(fleet.SeverityWarning) {
		return fleet.StatusNeedsAttention
	}
	return fleet.StatusFree
}
