package dashboard

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// weekRow is how fast the calls of one site were answered in one week, as far
// as it may be said. Rows are never added up: from a sum and a row of one site
// another's would follow. For the same reason only people who answer calls are
// told how many there were in a week: a report has the month's sum.
type weekRow struct {
	ID    fleet.SiteID
	Week  string // "48/2026"
	Site  string
	Cells []weekCell

	week string // for the order
}

// weekCell is one number of a week.
type weekCell struct {
	Key  string
	Cell figures.Cell
	Said template.HTML
}

// helpWeeks are the newest weeks at the sites where the person answers calls,
// newest first.
func (b *board) helpWeeks(v visit) (rows []weekRow, err error) {
	all, err := b.Actions.HelpWeeks(b.Now().AddDate(0, 0, -7*7))
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if !v.may(staff.AnswerHelp, w.Site) {
			continue
		}
		m := w.Calls.Publish()
		rows = append(rows, b.weekRow(v, w, weekCell{Key: "calls", Cell: m.Calls}, weekCell{Key: "share", Cell: m.Share},
			weekCell{Key: "median", Cell: m.Median}, weekCell{Key: "longest", Cell: m.Longest}))
	}
	return rows, nil
}

// reportWeeks are the weeks that have a day in the month, of the sites of its
// report, as far as they may be told beside its sums.
func (b *board) reportWeeks(v visit, span figures.Span, places []reportPlace) (rows []weekRow, err error) {
	all, err := b.Actions.HelpWeeks(span.Begin())
	if err != nil {
		return nil, err
	}
	inside, whole := span.Weeks(), 0
	for _, all := range inside {
		if all {
			whole++
		}
	}
	for _, p := range places {
		var here []HelpWeek
		var calls []figures.Calls
		for _, w := range all {
			if _, has := inside[w.Week]; has && w.Site == p.ID {
				here, calls = append(here, w), append(calls, w.Calls)
			}
		}
		for i, m := range figures.Times(p.Month.HelpCalls, len(inside), whole, calls) {
			if m.Median.How != figures.Hidden {
				rows = append(rows, b.weekRow(v, here[i], weekCell{Key: "median", Cell: m.Median}, weekCell{Key: "longest", Cell: m.Longest}))
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b weekRow) int { return cmp.Compare(b.week, a.week) })
	return rows, nil
}

// weekRow words a week.
func (b *board) weekRow(v visit, w HelpWeek, cells ...weekCell) weekRow {
	year, week, _ := strings.Cut(w.Week, "-")
	r := weekRow{ID: w.Site, Week: strings.TrimPrefix(week, "0") + "/" + year, Site: string(w.Site), Cells: cells, week: w.Week}
	if s, ok := b.Fleet.Site(w.Site); ok && s.Name != "" {
		r.Site = s.Name
	}
	for i, c := range r.Cells {
		r.Cells[i].Said = weekWord(v.tell, c.Key, c.Cell)
	}
	return r
}

// weekWord is a number with what it counts.
func weekWord(t teller, column string, c figures.Cell) template.HTML {
	switch {
	case c.How == figures.Hidden || column == "calls":
		return template.HTML(template.HTMLEscapeString(c.String()))
	case column == "share":
		return t.say("weeks.percent", "n", c.String())
	case c == figures.Cell{How: figures.Exact}:
		return t.say("weeks.under_minute")
	}
	return t.say("weeks.minutes", "n", c.String())
}
