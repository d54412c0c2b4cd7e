package watch

import (
	"cmp"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// DefaultGrace is how long a fault lasts before people are told, where a site
// says nothing else.
const DefaultGrace = 5 * time.Minute

// aloneTime is how long a machine is lost before it is known that its site is
// not.
const aloneTime = time.Minute

// leaving is how long before the closing machines are switched off.
const leaving = 15 * time.Minute

// Matter is one thing that people may be told of: a fault of a machine, of a
// site as a whole, or of the agent itself.
type Matter struct {
	Site  fleet.SiteID  // empty: of the agent itself
	Kiosk fleet.KioskID // empty: of the site as a whole
	Fault state.Fault
}

// ID is the same as long as the matter is, also when it comes and goes and when
// the agent starts anew. That a machine cannot be heard is one matter, whether
// it was lost or never came on.
func (m Matter) ID() string {
	code := m.Fault.Code
	if m.Kiosk != "" && silent(code) {
		code = fleet.NoConnection
	}
	return cmp.Or(string(m.Kiosk), string(m.Site)) + "/" + string(code)
}

// began is since when the matter counts: what comes and goes, from its first
// time on.
func (m Matter) began() time.Time {
	if m.Fault.Flaps() && !m.Fault.First.IsZero() {
		return m.Fault.First
	}
	return m.Fault.Since
}

// Matters lists what is the matter now. What is folded under something wider
// is not: a site that is lost is one matter, and so is an agent that cannot
// see.
func Matters(views []state.View, sites []state.Site) (all []Matter) {
	blind := Matter{}
	for _, s := range sites {
		for _, f := range s.Faults {
			if f.Code != fleet.CannotSee {
				all = append(all, Matter{Site: s.ID, Fault: f})
			} else if blind.Fault.Code == "" || f.Since.Before(blind.Fault.Since) {
				blind.Fault = f
			}
		}
	}
	for _, v := range views {
		for _, f := range v.Faults {
			if f.Code != fleet.SiteSilent && f.Code != fleet.CannotSee {
				all = append(all, Matter{Site: v.Kiosk.Site, Kiosk: v.Kiosk.ID, Fault: f})
			}
		}
	}
	if blind.Fault.Code != "" {
		all = append(all, blind)
	}
	return all
}

// Due says when people are to be told of a matter that lasts, and who; ok is
// false if they are not. It may be asked again and again: the answer changes
// with the hours only. Whoever has been told of a matter's ID is not told
// again until they were told that it is over; see Known. Of a matter that
// belongs to no site the zero Around holds.
//
// What can wait until somebody is there is not told while the site is closed,
// nor at once when it opens; a machine that goes away shortly before the
// closing was switched off.
func Due(m Matter, p state.Place, a state.Around) (at time.Time, to Audience, ok bool) {
	r := RowOf(m.Fault.Code)
	if r.Told == Never {
		return time.Time{}, 0, false
	}
	if r.Told == AtOnce {
		return m.began().Add(r.After), r.To, true
	}
	wait := max(r.After, p.Grace)
	if m.Kiosk != "" && silent(m.Fault.Code) {
		wait = max(wait, aloneTime)
	}
	at = m.began().Add(wait)
	switch {
	case a.Closed && a.Next.IsZero():
		return time.Time{}, 0, false // it never opens
	case a.Closed:
		at = a.Next.Add(max(lateTime, wait))
	case silent(m.Fault.Code) && !a.Next.IsZero() && a.Next.Sub(m.began()) <= leaving:
		return time.Time{}, 0, false
	case m.began().Before(a.Turned):
		if morning := a.Turned.Add(max(lateTime, wait)); at.Before(morning) {
			at = morning
		}
	}
	return at, r.To, true
}

// Known reports whether it can be known how a machine is, a site as a whole (no
// kiosk) or the agent itself (no site either). Of what is not heard nothing is
// over: it was switched off for the night as it was. What there is no more is
// known.
func Known(site fleet.SiteID, kiosk fleet.KioskID, views []state.View, sites []state.Site) bool {
	for _, s := range sites {
		if s.ID == site && kiosk == "" && s.Around.Closed {
			return false
		}
	}
	some := false
	for _, v := range views {
		if kiosk != "" && v.Kiosk.ID != kiosk || kiosk == "" && site != "" && v.Kiosk.Site != site {
			continue
		}
		if v.Connected && v.Report != nil {
			return true
		}
		some = true
	}
	return !some
}

// Order compares two matters: what matters more comes first.
func Order(x, y Matter) int {
	return cmp.Or(cmp.Compare(weight(y.Fault.Severity), weight(x.Fault.Severity)), x.began().Compare(y.began()),
		cmp.Compare(x.Site, y.Site), cmp.Compare(x.Kiosk, y.Kiosk), cmp.Compare(x.Fault.Code, y.Fault.Code))
}
