// Package watch decides what is wrong with a kiosk, with a site and with the
// agent's own view of them, what staff are told of it, and when. It is a table
// of faults and pure functions: everything they know is in their arguments.
//
// It never reads a clock, never remembers anything and does no I/O; agent/state
// calls it and keeps what it concludes.
//
// Caveats: a fault that only follows from another one is folded under it (a
// machine without a connection does not also report an old lack of memory), but
// a worse fault is never hidden behind a milder one, except that nothing which a
// silent kiosk once reported counts as true now. Of a fault that comes and goes
// the dashboard speaks for flapTime after it was there last; the status follows
// what is so now.
package watch

import (
	"cmp"
	"slices"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// flapTime is how long a fault that went away is remembered: when it comes
// back meanwhile, it is the same one.
const flapTime = 30 * time.Minute

// Judge decides what the facts mean. It is a state.Judge.
func Judge(f state.Facts, before []state.Fault) state.Verdict {
	j := judgement{facts: &f, before: before}
	for i := range catalogue() {
		j.look(&catalogue()[i])
	}
	if f.Report != nil {
		for i, code := range f.Report.Faults { // of a newer kiosk: what this agent does not know
			if !slices.ContainsFunc(catalogue(), func(r Row) bool { return r.Code == code }) && !slices.Contains(f.Report.Faults[:i], code) {
				r := unknown(code)
				j.look(&r)
			}
		}
	}
	j.keep()
	slices.SortStableFunc(j.Shown, func(x, y state.Fault) int { return cmp.Compare(weight(y.Severity), weight(x.Severity)) })
	j.Status = j.status()
	return j.Verdict
}

// judgement is one verdict in the making.
type judgement struct {
	state.Verdict
	facts  *state.Facts
	before []state.Fault
}

// look decides about one fault. The rows come causes first.
func (j *judgement) look(r *Row) {
	i := slices.IndexFunc(j.before, func(o state.Fault) bool { return o.Code == r.Code })
	there := r.present(j.facts)
	if !there && i < 0 {
		return
	}
	var fault state.Fault
	switch {
	case there && i < 0:
		fault = state.Fault{Code: r.Code, Since: j.begun(r, nil), Times: 1}
		fault.First = fault.Since
	case there:
		fault = j.again(r, j.past(i))
	default:
		var lives bool
		if fault, lives = j.left(r, j.past(i)); !lives {
			return
		}
	}
	fault.Severity, fault.Under = r.Severity, ""
	j.Open = append(j.Open, fault)
	if under := j.show(r, fault); fault.Away.IsZero() {
		j.Open[len(j.Open)-1].Under = under
	}
}

// begun is when a fault began, never in the future.
func (j *judgement) begun(r *Row, before *state.Fault) time.Time {
	now := j.facts.Now
	if r.since != nil {
		if t := r.since(j.facts); !t.After(now) {
			return t
		}
	}
	if before != nil {
		return before.Since
	}
	return now
}

// past is a fault as it was before. A clock that was set back must not put it
// into the future.
func (j *judgement) past(i int) state.Fault {
	o, now := j.before[i], j.facts.Now
	for _, t := range []*time.Time{&o.Since, &o.First, &o.Away} {
		if t.After(now) {
			*t = now
		}
	}
	return o
}

// again is a fault that is there, and was before.
func (j *judgement) again(r *Row, o state.Fault) state.Fault {
	now := j.facts.Now
	if !o.Away.IsZero() {
		if r.Steady || now.Sub(o.Away) > flapTime {
			o.Times, o.First = 0, time.Time{}
		}
		o.Times++
		o.Away, o.Since = time.Time{}, now
	}
	o.Since = j.begun(r, &o)
	o.Times = max(o.Times, 1)
	if o.Times == 1 || o.First.IsZero() || o.First.After(o.Since) {
		o.First = o.Since
	}
	return o
}

// left is a fault that was there and is not; it is remembered for a while if
// people saw it, and saw it by itself.
func (j *judgement) left(r *Row, o state.Fault) (fault state.Fault, lives bool) {
	now := j.facts.Now
	if r.Steady || o.Under != "" || r.Said && j.facts.Report == nil {
		return o, false
	}
	if o.Away.IsZero() {
		if o.Times <= 1 && now.Sub(o.Since) < r.After {
			return o, false // too short for anybody to see
		}
		o.Away = now
	}
	if !now.Before(o.Away.Add(flapTime)) {
		return o, false
	}
	j.due(o.Away.Add(flapTime))
	return o, true
}

// show decides whether people see a fault, and where. It returns the fault
// that explains it, if one does.
func (j *judgement) show(r *Row, fault state.Fault) (under fleet.Code) {
	f := j.facts
	after := r.After
	if f.Report != nil && f.Report.State == fleet.OutOfOrder && r.Severity == fleet.SeverityError {
		after = 0 // the machine has given up already: whoever sees that must see why
	}
	due := fault.Since.Add(after)
	if fresh := f.Now.Before(due); fresh || !fault.Away.IsZero() {
		if fresh {
			j.due(due)
		}
		if !fault.Flaps() {
			return ""
		}
		fault.Severity = fleet.SeverityNotice // just now it is not there, and the status says what is
	}
	if r.Said && !f.Connected { // what a silent machine said is not known to be so now
		for _, s := range j.Shown {
			if silent(s.Code) {
				fault.Under = s.Code
				j.Folded = append(j.Folded, fault)
				break
			}
		}
		return ""
	}
	if cause, ok := j.cause(r); ok {
		fault.Under = cause
		j.Folded = append(j.Folded, fault)
		return cause
	}
	j.Shown = append(j.Shown, fault)
	return ""
}

// silent reports whether the fault is that a machine cannot be heard.
func silent(code fleet.Code) bool {
	return code == fleet.NoConnection || code == fleet.NotOn || code == fleet.SiteSilent || code == fleet.CannotSee
}

// cause finds a shown fault that explains this one and is at least as bad. One
// that is away just now explains nothing.
func (j *judgement) cause(r *Row) (fleet.Code, bool) {
	for _, s := range j.Shown {
		if s.Away.IsZero() && slices.Contains(r.Under, s.Code) && weight(s.Severity) >= weight(r.Severity) {
			return s.Code, true
		}
	}
	return "", false
}

func (j *judgement) due(at time.Time) {
	if at.After(j.facts.Now) && (j.Next.IsZero() || at.Before(j.Next)) {
		j.Next = at
	}
}

// keep holds on to what was wrong before a restart of the agent: when the
// kiosk is back, what is still wrong is not new.
func (j *judgement) keep() {
	if j.facts.Report != nil {
		return
	}
	for i, o := range j.before {
		r := RowOf(o.Code)
		if r.Said && !slices.ContainsFunc(j.Open, func(n state.Fault) bool { return n.Code == o.Code }) {
			j.Open = append(j.Open, j.past(i))
		}
	}
}

func weight(s fleet.Severity) int {
	switch s {
	case fleet.SeverityNotice:
		return 0
	case fleet.SeverityWarning:
		return 1
	}
	return 2
}

// status says it in staff's words. What staff must not trust comes first, then
// what they did themselves, then silence.
func (j *judgement) status() fleet.Status {
	f, worst := j.facts, -1
	for _, s := range j.Shown {
		worst = max(worst, weight(s.Severity))
	}
	switch {
	case worst == weight(fleet.SeverityError), f.Report != nil && f.Report.State == fleet.OutOfOrder:
		return fleet.StatusOutOfOrder
	case f.Report != nil && f.Report.State == fleet.OutOfService:
		return fleet.StatusOutOfService
	case !f.Connected && (f.Around.Closed || overnight(f) && !j.seen(fleet.NotOn)): // or the site has just opened
		return fleet.StatusClosed
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

// seen reports whether people see a fault, if only as a consequence.
func (j *judgement) seen(code fleet.Code) bool {
	is := func(f state.Fault) bool { return f.Code == code }
	return slices.ContainsFunc(j.Shown, is) || slices.ContainsFunc(j.Folded, is)
}
