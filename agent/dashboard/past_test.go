package dashboard

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// memory is a History that the test holds in its hands.
type memory struct {
	incidents []state.Incident
	served    map[string]map[fleet.KioskID]state.Served
}

// Incidents implements History.
func (m *memory) Incidents(site fleet.SiteID, kiosk fleet.KioskID, from time.Time, n int) (all []state.Incident, _ error) {
	for _, i := range m.incidents {
		if i.Site == site && (kiosk == "" || i.Kiosk == kiosk) && !i.End.Before(from) && len(all) < n {
			all = append(all, i)
		}
	}
	return all, nil
}

// Served implements History.
func (m *memory) Served(from string, kiosks ...fleet.KioskID) (map[string]map[fleet.KioskID]state.Served, error) {
	out := map[string]map[fleet.KioskID]state.Served{}
	for day, all := range m.served {
		for id, did := range all {
			if day >= from && slices.Contains(kiosks, id) {
				if out[day] == nil {
					out[day] = map[fleet.KioskID]state.Served{}
				}
				out[day][id] = did
			}
		}
	}
	return out, nil
}

// Sites implements Fleet.
func (h *house) Sites() (all []state.Site) {
	seen := map[fleet.SiteID]bool{}
	for _, v := range h.Views() {
		if !seen[v.Kiosk.Site] {
			seen[v.Kiosk.Site] = true
			s, ok := h.sites[v.Kiosk.Site]
			if !ok {
				s = state.Site{ID: v.Kiosk.Site, Name: v.SiteName}
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(x, y state.Site) int { return cmp.Compare(x.Name, y.Name) })
	return all
}

// Site implements Fleet.
func (h *house) Site(id fleet.SiteID) (state.Site, bool) {
	for _, s := range h.Sites() {
		if s.ID == id {
			return s, true
		}
	}
	return state.Site{}, false
}

// remember gives Illusia a past: 60 weekdays on which its machines worked more
// or less, and some faults.
func (h *house) remember() {
	now := h.board.Now()
	h.was.served = map[string]map[fleet.KioskID]state.Served{}
	for i := range 85 {
		at := now.AddDate(0, 0, -i)
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			continue
		}
		day := map[fleet.KioskID]state.Served{}
		for k := range 5 {
			did := state.Served{Works: 6 * time.Hour}
			switch {
			case k == 0 && i%9 == 2:
				did = state.Served{Works: 4 * time.Hour, Lost: 90 * time.Minute, Broken: 30 * time.Minute}
			case k == 3 && i > 20 && i < 30:
				did = state.Served{Broken: 2 * time.Hour, Paused: 4 * time.Hour}
			case i == 40:
				did = state.Served{Works: 2 * time.Hour, Lost: 4 * time.Hour}
			}
			day[kioskID(k)] = did
		}
		h.was.served[at.Format(time.DateOnly)] = day
	}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	h.was.incidents = []state.Incident{
		{Site: "illusia", Kiosk: kioskID(0), End: ago(2 * time.Hour), Fault: state.Fault{Code: fleet.NoConnection, Since: ago(4*time.Hour + 5*time.Minute), First: ago(4*time.Hour + 5*time.Minute), Times: 4}},
		{Site: "illusia", End: ago(40 * 24 * time.Hour), Fault: state.Fault{Code: fleet.SiteSilent, Since: ago(40*24*time.Hour + 45*time.Minute), Times: 1}},
		{Site: "illusia", Kiosk: kioskID(3), End: ago(60 * 24 * time.Hour), Fault: state.Fault{Code: fleet.DiskFull, Since: ago(63 * 24 * time.Hour), Times: 1}},
		{Site: "mesta", Kiosk: kioskID(5), End: ago(time.Hour), Fault: state.Fault{Code: fleet.SwapOn, Since: ago(90 * time.Minute)}},
	}
	h.mem.AppendAudit(staff.Entry{At: ago(3 * time.Hour), Who: "satu", Action: "command", Kiosk: kioskID(0), Site: "illusia", Detail: "restart_kiosk"})
	h.mem.AppendAudit(staff.Entry{At: ago(20 * time.Hour), Who: "satu", Action: "command", Kiosk: kioskID(0), Site: "illusia", Detail: "identify"})
}

// A site's page says whether it is open, what is wrong with it as a whole, how
// its machines are and were, and who did something about it.
func TestSitePage(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.remember()
	at := h.board.Now()
	h.sites = map[fleet.SiteID]state.Site{"illusia": {ID: "illusia", Name: "Illusia", Around: state.Around{Next: time.Date(2026, 11, 21, 15, 0, 0, 0, helsinki())},
		Faults: []state.Fault{{Code: fleet.SiteSilent, Since: at.Add(-10 * time.Minute), First: at.Add(-time.Hour), Times: 3}}}}
	c := h.person("satu", staff.Staff, "")
	status, html, _ := h.get(c, "/sites/illusia")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	in(t, plain(html), "Illusia", "Auki, sulkeutuu klo 15.00", "Koneet", "4 / 5 toimii", "Koneessa on vika site_silent.", "Vika tulee ja menee: 3 kertaa, ensin klo 11.4",
		"Kone 4", "Kone 1", "Toiminta 90 päivän ajalta", "Koneet toimivat 9", "Näytä lukuina",
		"20.11.", "100 %", "30 h", "19.11.", "93,3 %", "30 h", "1 h 30 min", "30 min", "12.10.", "33,3 %",
		"Viat ja häiriöt", "Kone 1", "Koneeseen ei saada yhteyttä", "kesti 2 h 5 min", "4 kertaa", "satu: Käski: Käynnistä uudelleen",
		"Koko paikka:", "site_silent", "kesti 45 min", "Kone 4", "kesti 3 päivää")
	if strings.Contains(plain(html), "swap_on") {
		t.Error("another site's past")
	}
	if n := strings.Count(html, "<tr>"); n != 61 {
		t.Errorf("%d rows in the table", n)
	}
	if strings.Contains(html, "style=") {
		t.Error("an inline style, which the browser will not take")
	}
	_, html, _ = h.get(h.person("katsoja", staff.Viewer, ""), "/sites/illusia")
	if strings.Contains(html, "satu:") {
		t.Error("a viewer reads who did what")
	}
	_, html, _ = h.get(c, "/kiosks/"+string(kioskID(0)))
	in(t, plain(html), "Kone 1", "Viat ja häiriöt", "Koneessa on vika too_hot.", "Alkoi", "on kestänyt 2 h 31 min", "Koneeseen ei saada yhteyttä", "kesti 2 h 5 min", "satu: Käski: Käynnistä uudelleen")
	if got := plain(html); strings.Contains(got, "site_silent") || strings.Contains(got, "satu: Käski: Näytä koneen nimi") {
		t.Error("what was not of this machine, or not meanwhile")
	}
	if status, _, _ := h.get(c, "/sites/nowhere"); status != http.StatusNotFound {
		t.Errorf("a site that is not there: %d", status)
	}
	_, html, _ = h.get(c, "/sites/mesta")
	in(t, plain(html), "Mesta", "Auki", "Toiminnasta ei ole vielä tietoja.", "swap_on")
}

// On the first page a site that is lost says so once, and its machines' cards
// are quiet.
func TestLostSiteOnTheFirstPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	at := h.board.Now().Add(-10 * time.Minute)
	h.sites = map[fleet.SiteID]state.Site{"mesta": {ID: "mesta", Name: "Mesta", Faults: []state.Fault{{Code: fleet.SiteSilent, Since: at}}}}
	for i := 5; i < 9; i++ {
		h.change(kioskID(i), func(v *state.View) {
			v.Status, v.Connected = fleet.StatusNoConnection, false
			v.Faults = []state.Fault{{Code: fleet.SiteSilent, Since: at}}
			v.Folded = []state.Fault{{Code: fleet.NoConnection, Since: at, Under: fleet.SiteSilent}}
		})
	}
	c := h.person("satu", staff.Staff, "")
	_, html, _ := h.get(c, "/")
	if n := strings.Count(html, "site_silent"); n != 1 {
		t.Errorf("said %d times", n)
	}
	in(t, plain(html), "Mesta", "0 / 4 toimii", "Koneessa on vika site_silent.", "Kone 1", "Ei yhteyttä")
	_, html, _ = h.get(c, "/kiosks/"+string(kioskID(6)))
	in(t, plain(html), "site_silent", "Tästä johtuu myös:", "Koneeseen ei saada yhteyttä.")
}

// A fault that comes and goes says so, also while it is away.
func TestComesAndGoes(t *testing.T) {
	h := newHouse(t)
	h.town()
	at := h.board.Now()
	h.change(kioskID(2), func(v *state.View) {
		v.Faults = []state.Fault{{Code: fleet.NoConnection, Severity: fleet.SeverityNotice, Since: at.Add(-5 * time.Minute), First: at.Add(-20 * time.Minute), Times: 4, Away: at}}
	})
	c := h.person("satu", staff.Staff, "")
	_, html, _ := h.get(c, "/")
	in(t, plain(html), "Kone 3", "Vapaa", "Koneeseen ei saada yhteyttä. Vika tulee ja menee: 4 kertaa, ensin klo 12.2")
	_, html, _ = h.get(c, "/kiosks/"+string(kioskID(2)))
	in(t, plain(html), "Vapaa", "Koneeseen ei saada yhteyttä.", "Vika tulee ja menee: 4 kertaa")
}

// The bars of a day fill its height, and what is there at all can be seen.
func TestChart(t *testing.T) {
	tell := teller{loadTexts(nil)["fi"], func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, helsinki()) }, helsinki()}
	from := time.Date(2026, 8, 24, 12, 0, 0, 0, helsinki())
	c := chartOf(tell, from, map[string]map[fleet.KioskID]state.Served{
		"2026-08-24": {"a": {Works: 6 * time.Hour}, "b": {Lost: 6 * time.Hour}},
		"2026-08-25": {"a": {Works: 6*time.Hour - time.Second, Broken: time.Second}},
		"2026-11-21": {"a": {Paused: time.Hour}},
		"2026-11-22": {"a": {Works: time.Hour}}, // tomorrow is not shown
	})
	if len(c.Days) != 90 || len(c.Rows) != 3 || c.Share != "63,1" {
		t.Fatalf("%d days, %d rows, %s", len(c.Days), len(c.Rows), c.Share)
	}
	if d := c.Days[0]; d.Share != "50" || d.Works != (stripe{50, 50}) || d.Lost != (stripe{0, 50}) || d.Broken.H != 0 {
		t.Errorf("%+v", d)
	}
	if d := c.Days[1]; d.Share != "99,9" || d.Works != (stripe{1, 99}) || d.Broken != (stripe{0, 1}) {
		t.Errorf("%+v", d)
	}
	if d := c.Days[89]; d.Paused != (stripe{0, 100}) || d.Share != "0" || c.Rows[0].Day != "21.11." {
		t.Errorf("%+v", d)
	}
	if empty := chartOf(tell, from, nil); empty.Share != "" || len(empty.Rows) != 0 {
		t.Errorf("%+v", empty.Share)
	}
}
