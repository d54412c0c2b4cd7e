package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// Numbers are the sums of days. Implemented by agent/store.
type Numbers interface {
	// Sites returns every site that has a name.
	Sites() ([]fleet.Site, error)
	// FirstDay returns the first day of which anything is kept, or "".
	FirstDay() (string, error)
	// Counts and Marks call f with what is kept of the days from first to last;
	// came is the day on which it came, "" if that is not known.
	Counts(first, last string, f func(site fleet.SiteID, c fleet.Counts, came string)) error
	Marks(first, last string, f func(figures.Mark, uint64)) error
	// AddMark adds one to the desk's tally, or takes one back.
	AddMark(m figures.Mark, back bool) error
}

// choice is one line of a list to choose from.
type choice struct {
	Value  string
	Word   template.HTML
	Chosen bool
}

// reportContent is a month's numbers, as far as they may be said.
type reportContent struct {
	Months, Sites []choice
	Month, Site   template.HTML
	Value         string          // of the month, for addresses
	State         []template.HTML // how far the numbers are complete
	Totals        []reportLine
	Tables        []reportTable
	Places        []reportPlace // with more than one site
	Weeks         []weekRow     // how fast calls were answered
	File          string
}

type reportTable struct {
	Name  figures.Group
	Lines []reportLine
}

type reportLine struct {
	Key  string
	Word template.HTML
	Cell figures.Cell
}

type reportPlace struct {
	ID    fleet.SiteID
	Name  string
	Month figures.Month
}

// report makes the report that is asked for, or answers why there is none.
func (b *board) report(w http.ResponseWriter, r *http.Request, v visit) (c reportContent, a asked, ok bool) {
	a, status, err := b.ask(r, v)
	if err == nil && status == http.StatusOK {
		c, err = b.reportOf(v, a)
	}
	switch {
	case err != nil:
		b.Log.Error("make a report", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
	case status == http.StatusNotFound:
		b.fail(w, r, v, status, "not_found")
	case status != http.StatusOK:
		b.fail(w, r, v, status, "month")
	default:
		return c, a, true
	}
	return c, a, false
}

func (b *board) reportsPage(w http.ResponseWriter, r *http.Request, v visit) {
	if c, _, ok := b.report(w, r, v); ok {
		b.show(w, r, v, http.StatusOK, frame{Page: "reports", Title: v.tell.say("reports.title", "month", c.Month, "site", c.Site), Content: c})
	}
}

func (b *board) reportOf(v visit, a asked) (reportContent, error) {
	t := v.tell
	c := reportContent{Site: t.say("reports.all"), Month: monthName(t, a.span), Value: a.span.String()}
	for _, m := range a.months {
		c.Months = append(c.Months, choice{m.String(), monthName(t, m), m == a.span})
	}
	if len(a.sites) > 1 {
		c.Sites = append(c.Sites, choice{"", t.say("reports.all"), a.site == ""})
	}
	for _, s := range a.sites {
		name := template.HTML(template.HTMLEscapeString(s.Name))
		c.Sites = append(c.Sites, choice{string(s.ID), name, s.ID == a.site})
		if s.ID == a.site {
			c.Site = name
		}
	}
	c.File = "/reports.csv?month=" + a.span.String()
	if a.site != "" {
		c.File += "&site=" + string(a.site) // of the narrow alphabet of sites
	}
	places, came, err := b.reportPlaces(v, a)
	if err != nil {
		return c, err
	}
	var months []figures.Month
	for _, p := range places {
		months = append(months, p.Month)
	}
	if a.site == "" {
		c.Places = places
	}
	m := figures.Together(months)
	c.Totals = []reportLine{{"sessions", t.say("reports.sessions"), m.Sessions}, {"help_calls", t.say("reports.help_calls"), m.HelpCalls},
		{"marks", t.say("reports.marks"), m.Marks}}
	c.Tables = reportTables(t, m)
	if c.Weeks, err = b.reportWeeks(v, a.span, places); err != nil {
		return c, err
	}
	c.State = b.reportState(t, a, came)
	return c, nil
}

// leftOut is what of a month's numbers is not in a report: what came after the
// month was closed, and what came today for the first time.
type leftOut struct{ late, today bool }

// reportPlaces adds up the sites' months. A site without machines has no
// numbers, unless some are left from when it had; then those that may be said
// count.
func (b *board) reportPlaces(v visit, a asked) (places []reportPlace, left leftOut, err error) {
	sums := map[fleet.SiteID]*figures.Sums{}
	for _, s := range a.sites {
		if a.site == "" || a.site == s.ID {
			sums[s.ID] = figures.NewSums()
		}
	}
	type arrival struct {
		site   fleet.SiteID
		counts fleet.Counts
		came   string
	}
	var all []arrival
	began := map[fleet.SiteID]string{}
	err = b.Numbers.Counts(a.span.First(), a.span.Last(), func(site fleet.SiteID, c fleet.Counts, came string) {
		all = append(all, arrival{site, c, came})
		if day, ok := began[site]; !ok || came < day {
			began[site] = came
		}
	})
	if err != nil {
		return nil, left, err
	}
	today := b.Now().UTC().Format(time.DateOnly)
	for _, one := range all {
		closes := a.span.ClosesFor(began[one.site])
		switch s := sums[one.site]; {
		case s == nil:
		case one.came > closes:
			left.late = true
		case closes > a.span.Closes() && closes == today && !v.may(staff.KeepTally, one.site): // until the day is over it grows
			left.today = true
		default:
			s.Add(one.counts)
		}
	}
	err = b.Numbers.Marks(a.span.First(), a.span.Last(), func(m figures.Mark, n uint64) {
		if s := sums[m.Site]; s != nil {
			s.Tally(m, n)
		}
	})
	if err != nil {
		return nil, left, err
	}
	has := map[fleet.SiteID]bool{}
	for _, v := range b.Fleet.Views() {
		has[v.Kiosk.Site] = has[v.Kiosk.Site] || v.Kiosk.Enrolled.In(b.Location).Format(time.DateOnly) <= a.span.Last()
	}
	for _, s := range a.sites {
		if sums[s.ID] == nil {
			continue
		}
		m := sums[s.ID].Publish()
		said := m.Sessions.How == figures.Exact || m.HelpCalls.How == figures.Exact || m.Marks.How == figures.Exact
		if a.site == s.ID || has[s.ID] || said {
			places = append(places, reportPlace{s.ID, s.Name, m})
		}
	}
	return places, left, nil
}

func reportTables(t teller, m figures.Month) (all []reportTable) {
	for _, g := range figures.Groups() {
		table := reportTable{Name: g}
		for _, k := range g.Keys() {
			table.Lines = append(table.Lines, reportLine{k, lineWord(t, g, k), m.Tables[g][k]})
		}
		all = append(all, table)
	}
	return all
}

// lineWord says what a line of a table counts.
func lineWord(t teller, g figures.Group, key string) template.HTML {
	if g == figures.Tiles && key == "other" {
		return t.say("reports.tile_other")
	}
	switch g {
	case figures.Tiles, figures.What:
		return t.say("errand." + key)
	case figures.Why:
		return t.say("reason." + key)
	}
	return t.say("reports.line." + string(g) + "." + key)
}

func monthName(t teller, m figures.Span) template.HTML {
	return t.say("reports.month", "month", t.say(fmt.Sprint("month.", int(m.Month()))), "year", m.Year())
}

// reportState says how far the numbers are complete.
func (b *board) reportState(t teller, a asked, left leftOut) (all []template.HTML) {
	site := map[fleet.SiteID]string{} // those of the report
	for _, s := range a.sites {
		if a.site == "" || a.site == s.ID {
			site[s.ID] = s.Name
		}
	}
	machines := b.machines(func(of fleet.SiteID) bool { _, mine := site[of]; return mine })
	day := func(text string) string {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return text
		}
		return d.Format(t.words["when.day_year"])
	}
	through, late := a.span.Complete(machines, b.Now())
	for _, m := range a.waits {
		all = append(all, t.say("reports.waits", "month", monthName(t, m), "day", day(m.Closes())))
	}
	ended, closed := a.span.Ended(b.Now().In(b.Location)), a.span.Closed(b.Now())
	if !ended {
		all = append(all, t.say("reports.runs"))
	}
	if len(a.sites) == 0 { // nothing is shown of it
		return all
	}
	switch {
	case left.today:
		return append(all, t.say("reports.waits", "month", monthName(t, a.span), "day", day(b.Now().UTC().Format(time.DateOnly))))
	case closed && (left.late || len(late) > 0):
		return append(all, t.say("reports.closed", "day", day(a.span.Closes())))
	case ended && len(late) == 0 && through == a.span.Last():
		all = append(all, t.say("reports.complete"))
	case through == "":
		all = append(all, t.say("reports.none_complete"))
	default:
		all = append(all, t.say("reports.through", "day", day(through)))
	}
	if len(late) > 0 {
		const most = 4
		var names []string
		for _, l := range late[:min(most, len(late))] {
			name := l.Kiosk.Name
			if a.site == "" {
				name += ", " + site[l.Kiosk.Site]
			}
			if l.Through != "" {
				names = append(names, string(t.say("reports.late_from", "kiosk", name, "day", day(l.Through))))
				continue
			}
			names = append(names, template.HTMLEscapeString(name))
		}
		all = append(all, t.count("reports.late", len(late), "names", template.HTML(strings.Join(names, "; "))))
		if len(late) > most {
			all = append(all, t.count("reports.late_more", len(late)-most))
		}
	}
	return all
}
