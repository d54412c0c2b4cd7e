package dashboard

import (
	"cmp"
	"net/http"
	"slices"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// asked is which month of which sites is asked for.
type asked struct {
	span   figures.Span
	site   fleet.SiteID // empty: all that the person may see
	sites  []fleet.Site
	months []figures.Span // the newest first
	waits  []figures.Span // months that are over and not shown yet
}

// late reports whether a machine that the person's reports are about has not
// sent all its numbers of the month.
func (b *board) late(v visit, m figures.Span) bool {
	through, _ := m.Complete(b.machines(func(site fleet.SiteID) bool { return v.may(staff.SeeReports, site) }), b.Now())
	return through != m.Last()
}

// machines are those of some sites, and when they were heard of.
func (b *board) machines(of func(fleet.SiteID) bool) (all []figures.Machine) {
	for _, s := range b.Fleet.Views() {
		if of(s.Kiosk.Site) {
			all = append(all, figures.Machine{Kiosk: s.Kiosk, Seen: s.LastSeen})
		}
	}
	return all
}

// mySites are the sites where the person may do something, by name.
func (b *board) mySites(v visit, what staff.Action) ([]fleet.Site, error) {
	all, err := b.Numbers.Sites()
	if err != nil {
		return nil, err
	}
	for _, s := range b.Fleet.Views() { // a site may have machines and no name
		if !slices.ContainsFunc(all, func(have fleet.Site) bool { return have.ID == s.Kiosk.Site }) {
			all = append(all, fleet.Site{ID: s.Kiosk.Site, Name: s.SiteName})
		}
	}
	all = slices.DeleteFunc(all, func(s fleet.Site) bool { return !v.may(what, s.ID) })
	slices.SortFunc(all, func(a, b fleet.Site) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// reportMonths is how many months the list holds.
const reportMonths = 36

// ask reads which report is asked for. status is 200, or why there is none.
//
// A month to which numbers may still be added is for people who keep the desk:
// they see everybody who sits down. Whoever else looked at it every day would
// learn by subtraction how many came on each.
func (b *board) ask(r *http.Request, v visit) (a asked, status int, err error) {
	first, err := b.Numbers.FirstDay()
	if err != nil {
		return a, http.StatusInternalServerError, err
	}
	now := b.Now().In(b.Location)
	desk := v.may(staff.KeepTally, staff.Somewhere)
	for m := figures.SpanOf(now); len(a.months) == 0 || m.Last() >= first && first != "" && len(a.months) < reportMonths; m = m.Before() {
		a.months = append(a.months, m)
	}
	grows := func(m figures.Span) bool { return !m.Ended(now) || !m.Closed(now) && b.late(v, m) }
	a.span = a.months[0]
	if len(a.months) > 1 {
		a.span = a.months[1] // the last one that is over
	}
	for !desk && len(a.months) > 1 && grows(a.months[0]) {
		a.months = a.months[1:]
		a.span = a.months[0]
	}
	for m := figures.SpanOf(now).Before(); !desk && m.String() >= a.span.String() && m.Last() >= first && grows(m); m = m.Before() {
		a.waits = append(a.waits, m)
	}
	if want := r.FormValue("month"); want != "" {
		i := slices.IndexFunc(a.months, func(m figures.Span) bool { return m.String() == want })
		if i < 0 {
			return a, http.StatusBadRequest, nil
		}
		a.span = a.months[i]
	}
	may := staff.SeeReports
	if grows(a.span) {
		may = staff.KeepTally
	}
	if a.sites, err = b.mySites(v, may); err != nil {
		return a, http.StatusInternalServerError, err
	}
	if len(a.sites) == 1 {
		a.site = a.sites[0].ID
	}
	if want := fleet.SiteID(r.FormValue("site")); want != "" {
		if !slices.ContainsFunc(a.sites, func(s fleet.Site) bool { return s.ID == want }) {
			return a, http.StatusNotFound, nil
		}
		a.site = want
	}
	return a, http.StatusOK, nil
}
