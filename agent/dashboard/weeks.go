package dashboard

import (
	"html/template"
	"strings"
	"time"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// weekRow is how fast the calls of one site were answered in one week, as far
// as it may be said. Rows are never added up: from a sum and a row of one site
// another's would follow.
type weekRow struct {
	ID    fleet.SiteID
	Week  string // "48/2026"
	Site  string
	Cells []weekCell
}

// weekCell is one number of a week.
type weekCell struct {
	Key  string
	Cell figures.Cell
	Said template.HTML
}

func weekColumns() []string { return []string{"calls", "share", "median", "longest"} }

// helpWeeks are the weeks since then at the sites where the person may do
// what, newest first; only says which of them are asked for, nil for all.
func (b *board) helpWeeks(v visit, what staff.Action, since time.Time, only func(HelpWeek) bool) (rows []weekRow, err error) {
	all, err := b.Actions.HelpWeeks(since)
	if err != nil {
		return nil, err
	}
	names := map[fleet.SiteID]string{}
	for _, s := range b.Fleet.Views() {
		names[s.Kiosk.Site] = s.SiteName
	}
	for _, w := range all {
		if !v.may(what, w.Site) || only != nil && !only(w) {
			continue
		}
		year, week, _ := strings.Cut(w.Week, "-")
		r := weekRow{ID: w.Site, Week: strings.TrimPrefix(week, "0") + "/" + year, Site: names[w.Site]}
		if r.Site == "" {
			r.Site = string(w.Site)
		}
		m := w.Calls.Publish()
		for i, c := range []figures.Cell{m.Calls, m.Share, m.Median, m.Longest} {
			r.Cells = append(r.Cells, weekCell{weekColumns()[i], c, weekWord(v.tell, weekColumns()[i], c)})
		}
		rows = append(rows, r)
	}
	return rows, nil
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
