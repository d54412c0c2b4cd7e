package dashboard

import (
	"strings"
	"testing"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// How fast calls were answered is told by week and site, of one's own sites:
// with how many there were to people who answer calls, and without in the
// month's report, which has their sum.
func TestHelpWeeks(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	h.weeks = []HelpWeek{
		{"2026-45", "mesta", figures.Calls{Answered: 6, Minutes: map[int]uint64{11: 6}}}, // the first week of November only
		{"2026-44", "illusia", figures.Calls{Answered: 9, Unanswered: 6, Minutes: map[int]uint64{0: 5, 3: 3, 17: 1}}},
		{"2026-44", "mesta", figures.Calls{Answered: 3, Unanswered: 1, Minutes: map[int]uint64{41: 3}}},
		{"2026-40", "mesta", figures.Calls{Answered: 7, Unanswered: 1, Minutes: map[int]uint64{2: 4, 43: 3}}},
		{"2026-39", "mesta", figures.Calls{Answered: 8, Minutes: map[int]uint64{12: 8}}},
	}
	const (
		illusia = `<th scope="row">44/2026</th><td>Illusia</td><td>15</td><td>60 %</td><td>alle 1 min</td><td>17 min</td>`
		small   = `<th scope="row">44/2026</th><td>Mesta</td><td>&lt;5</td><td>–</td><td>–</td><td>–</td>`
		first   = `<th scope="row">40/2026</th><td>Mesta</td><td>8</td><td>≥50 %</td><td>2 min</td><td>43 min</td>`
		times   = `<th scope="row">44/2026</th><td>Illusia</td><td>alle 1 min</td><td>17 min</td>`
	)
	h.ledger.days = append(h.ledger.days, siteDay{"mesta", fleet.Counts{Day: "2026-10-02", HelpCalls: 21}, ""}, siteDay{"illusia", fleet.Counts{Day: "2026-10-02", HelpCalls: 3}, ""})
	all, desk, one := h.person("pomo", staff.Viewer, ""), h.person("aino", staff.Staff, ""), h.person("satu", staff.Staff, "illusia")
	_, html, _ := h.get(desk, "/help")
	in(t, html, "45/2026", illusia, small, first, "39/2026")
	if _, html, _ = h.get(all, "/help"); strings.Contains(html, "2026</th>") {
		t.Error("who sees the month's sum sees how many calls a week had")
	}
	_, html, _ = h.get(all, "/reports?month=2026-10")
	in(t, html, times, `<th scope="row">40/2026</th><td>Mesta</td><td>2 min</td><td>43 min</td>`)
	if strings.Contains(html, `44/2026</th><td>Mesta`) {
		t.Error("a week with few calls is told from one without any")
	}
	for _, path := range []string{"/reports?month=2026-10", "/reports.csv?month=2026-10"} {
		if _, html, _ = h.get(all, path); strings.Contains(html, "45/2026") || strings.Contains(html, "39/2026") {
			t.Errorf("%s has weeks of other months", path)
		}
	}
	in(t, html, "illusia,Illusia,weeks.median,", "mesta,Mesta,weeks.longest,", ",40/2026 Pisin odotus,43")
	if strings.Contains(html, "weeks.share") || strings.Contains(html, "weeks.calls") {
		t.Error("from the month's sum and the weeks of the file another week's number follows")
	}
	if strings.Contains(html, ",41") {
		t.Error("times of few calls are told")
	}
	for _, path := range []string{"/help", "/reports?month=2026-10", "/reports.csv?month=2026-10"} {
		if _, html, _ = h.get(one, path); strings.Contains(html, "40/2026") || !strings.Contains(html, "44/2026") {
			t.Errorf("%s tells another site's numbers, or not one's own", path)
		}
	}
	if _, html, _ = h.get(all, "/reports?month=2026-10&site=mesta"); strings.Contains(html, "<td>Illusia</td>") {
		t.Error("another site than the chosen one")
	}
}
