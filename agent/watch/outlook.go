package watch

import (
	"slices"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Outlook decides what concerns more than one kiosk. It is a state.Outlook, and
// its zero value is ready.
//
// A site is lost as a whole when at least two of its machines were lost within
// together of one another and they are more than half of those that were there
// until then; machines that were lost earlier do not count, on either side. So
// a site with one machine never is: that machine says it all. A site with two
// is when both go, one with three when two go, one with ten when six go. Being
// off at the opening counts as lost at the opening. It stays lost until fewer
// than two machines are; the last one then stands for itself.
//
// The agent cannot see when every machine there was is lost, the losses began
// within together of one another, and its own way to the network is cut.
type Outlook struct{}

// together is how far apart the losses of one trouble may be noticed: a line
// that is held open is found out at different moments.
const together = 2 * time.Minute

// Hours is state.Outlook's. Holidays count.
func (Outlook) Hours(p state.Place, now time.Time) (closed bool, turned, next time.Time) {
	if p.Hours == nil {
		return false, time.Time{}, time.Time{}
	}
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	closed = !WithHolidays(p.Hours, local).Open(local)
	// The days before now matter as well, so that Monday knows when Sunday's
	// holiday began.
	for _, back := range []int{4, 14} {
		from := local.AddDate(0, 0, -back)
		hours := WithHolidays(p.Hours, from)
		for at, ok := hours.Next(from); ok; at, ok = hours.Next(at) {
			if at.After(now) {
				next = at
				break
			}
			turned = at
		}
		if !turned.IsZero() {
			break
		}
	}
	return closed, turned, next
}

// Silent is state.Outlook's.
func (Outlook) Silent(_ time.Time, lost []time.Time, here int, before time.Time) time.Time {
	if !before.IsZero() {
		n := 0
		for _, t := range lost {
			if !t.Before(before) {
				n++
			}
		}
		if n >= 2 {
			return before
		}
	}
	since, n := largest(lost)
	if n < 2 || 2*n <= n+here {
		return time.Time{}
	}
	return since
}

// Blind is state.Outlook's.
func (Outlook) Blind(_ time.Time, lost []time.Time, here int, cut bool, before time.Time) time.Time {
	if here > 0 || len(lost) == 0 || !cut {
		return time.Time{}
	}
	if !before.IsZero() {
		return before
	}
	since, _ := largest(lost)
	return since
}

// largest finds the largest group of losses within together of its first, the
// newest of several, and when it began.
func largest(lost []time.Time) (since time.Time, n int) {
	slices.SortFunc(lost, time.Time.Compare)
	for i, j := 0, 0; j < len(lost); j++ {
		for lost[j].Sub(lost[i]) > together {
			i++
		}
		if j-i+1 >= n {
			since, n = lost[i], j-i+1
		}
	}
	return since, n
}

// siteRow is what a site as a whole may have. Unlike at a machine, it may come
// and go.
func siteRow() Row {
	r := RowOf(fleet.SiteSilent)
	r.Steady = false
	return r
}

// Site is state.Outlook's.
func (Outlook) Site(now time.Time, around state.Around, open []state.Fault) state.Verdict {
	j := judgement{facts: &state.Facts{Now: now, Around: around}, before: open}
	blind := RowOf(fleet.CannotSee)
	j.look(&blind)
	r := siteRow()
	j.look(&r)
	return j.Verdict
}
