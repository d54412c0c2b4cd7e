package dashboard

import (
	"bytes"
	"html"
	"html/template"
	"net/http"
	"slices"

	"yhteiskone/agent/figures"
)

// reportsFile is the same as a file for a spreadsheet: a line for each number,
// of each site and of all together.
func (b *board) reportsFile(w http.ResponseWriter, r *http.Request, v visit) {
	c, a, ok := b.report(w, r, v)
	if !ok {
		return
	}
	t := v.tell
	plain := func(h template.HTML) string { return html.UnescapeString(string(h)) }
	lines := [][]string{{plain(t.say("reports.file.month")), plain(t.say("reports.file.site")), plain(t.say("reports.file.place")),
		plain(t.say("reports.file.code")), plain(t.say("reports.file.table")), plain(t.say("reports.file.line")), plain(t.say("reports.file.number"))}}
	put := func(site, name, code, table, line, number string) {
		lines = append(lines, []string{a.span.String(), site, name, code, table, line, number})
	}
	block := func(site, name string, totals []reportLine, tables []reportTable) {
		for _, l := range totals {
			put(site, name, l.Key, plain(t.say("reports.totals")), plain(l.Word), l.Cell.String())
		}
		for _, table := range tables {
			for _, l := range table.Lines {
				put(site, name, string(table.Name)+"."+l.Key, plain(t.say("reports.table."+string(table.Name))), plain(l.Word), l.Cell.String())
			}
		}
	}
	for _, p := range c.Places {
		totals := slices.Clone(c.Totals)
		for i, cell := range []figures.Cell{p.Month.Sessions, p.Month.HelpCalls, p.Month.Marks} {
			totals[i].Cell = cell
		}
		block(string(p.ID), p.Name, totals, reportTables(t, p.Month))
	}
	block(string(a.site), plain(c.Site), c.Totals, c.Tables)
	for _, w := range c.Weeks {
		for _, cell := range w.Cells {
			put(string(w.ID), w.Site, "weeks."+cell.Key, plain(t.say("weeks.title")), w.Week+" "+plain(t.say("weeks.column."+cell.Key)), cell.Cell.String())
		}
	}
	for _, note := range slices.Concat(c.State, []template.HTML{t.say("reports.visits"), t.say("reports.small")}) {
		put(string(a.site), plain(c.Site), "note", plain(t.say("reports.file.note")), plain(note), "")
	}
	var out bytes.Buffer
	if err := figures.WriteCSV(&out, lines); err != nil {
		b.Log.Error("write a report", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	name := "yhteiskone-" + a.span.String()
	if a.site != "" {
		name += "-" + string(a.site)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	w.Header().Set("Content-Language", t.lang)
	w.Write(out.Bytes())
}
