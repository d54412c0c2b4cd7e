package dashboard

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

func TestReport(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	c := h.person("satu", staff.Staff, "illusia")
	_, html, _ := h.get(c, "/reports") // of the last month that is over
	in(t, plain(html), "Raportti: lokakuu 2026, Illusia", "Käynnit eivät ole ihmisiä.", "Kaikki kuukauden luvut ovat tulleet.",
		"Käyntejä 220", "Apupyyntöjä 22", "Merkintöjä tiskillä 7", "Mitä tultiin tekemään", "Kela ja etuudet 88", "Pankki 66", "Terveys 11", "Asuminen 22", "Kuinka kauan käynti kesti",
		"Alle 5 minuuttia tai ei tiedossa 44", "Yli tunnin 11", "Asiakas lopetti 132", "Henkilökunta lopetti 11", "Onnistui 66", "Ei pankkitunnuksia 22",
		"Miksi asia ei onnistunut", "Ei pankkitunnuksia", "Ei puhelinta –")
	if strings.Contains(html, "Mesta") {
		t.Error("another site is on the page")
	}
	_, html, _ = h.get(c, "/reports?month=2026-11")
	in(t, plain(html), "Raportti: marraskuu 2026, Illusia", "Kuukausi on kesken.", "Luvuissa on mukana kaikki 20.11.2026 asti.", "30")
	for path, want := range map[string]int{"/reports?site=mesta": 404, "/reports?site=nowhere": 404, "/reports.csv?site=mesta": 404, "/reports?month=2026-12": 400,
		"/reports?month=2026-09": 400, "/reports?month=x": 400, "/reports.csv?month=-1": 400, "/reports?site=illusia&month=2026-10": 200} {
		if status, _, _ := h.get(c, path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	h.ledger.fails = errors.New("the disk is gone")
	if status, _, _ := h.get(c, "/reports"); status != 500 {
		t.Errorf("with a broken disk: %d", status)
	}
}

// TestReportOfAllSites: sums are made of what each site shows.
func TestReportOfAllSites(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	c := h.person("satu", staff.Viewer, "")
	_, html, _ := h.get(c, "/reports?month=2026-10")
	in(t, plain(html), "lokakuu 2026, Kaikki paikat", "Käyntejä 272", "Apupyyntöjä ≥22", "Merkintöjä tiskillä ≥7",
		"Paikat", "Symppis 12 &lt;5 &lt;5", "Illusia 220 22 7", "Mesta 40 &lt;5 &lt;5", "on paikkojen näkyvien lukujen summa")
	h.change(kioskID(5), func(v *state.View) { v.LastSeen = v.LastSeen.AddDate(0, 0, -35) })
	h.change(kioskID(6), func(v *state.View) { v.Kiosk.Name, v.LastSeen = "<b>", v.LastSeen.AddDate(-1, 0, 0) })
	_, html, _ = h.get(c, "/reports?month=2026-10")
	in(t, plain(html), "Kaikkien koneiden luvut eivät tulleet ajoissa. Luvut suljettiin 14.11.2026.")
	d := h.person("tiskillä", staff.Staff, "")
	_, html, _ = h.get(d, "/reports?month=2026-11")
	in(t, plain(html), "Kaikki luvut eivät ole vielä tulleet.", "2 koneen lukuja puuttuu: &lt;b&gt;, Mesta; Kone 1, Mesta.")
}

// TestMonthWaitsAndCloses: somebody who may see reports and does not keep the
// desk never has two looks at a month of which the second holds more.
func TestMonthWaitsAndCloses(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	var day atomic.Int64
	h.board.Now = func() time.Time { return time.Date(2026, 11, int(day.Load()), 12, 0, 0, 0, helsinki()) }
	viewer, desk := h.person("pomo", staff.Viewer, ""), h.person("satu", staff.Staff, "")
	late := func(n int) {
		h.change(kioskID(5), func(v *state.View) { v.LastSeen = time.Date(2026, 10, n, 12, 0, 0, 0, helsinki()) })
	}
	for _, id := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10} {
		h.change(kioskID(id), func(v *state.View) { v.LastSeen = time.Date(2026, 11, 30, 12, 0, 0, 0, helsinki()) })
	}
	looks := func(what string, n int, shown bool, said ...string) {
		t.Helper()
		day.Store(int64(n))
		for _, path := range []string{"/reports", "/reports.csv"} {
			if _, html, _ := h.get(viewer, path+"?month=2026-10"); strings.Contains(html, "220") != shown {
				t.Errorf("%s, %s: shown %v", what, path, !shown)
			}
			if _, html, _ := h.get(desk, path+"?month=2026-10"); !strings.Contains(html, "220") {
				t.Errorf("%s, %s: not shown at the desk", what, path)
			}
		}
		_, html, _ := h.get(viewer, "/reports")
		in(t, plain(html), said...)
		if !shown && strings.Contains(plain(html), "ovat tulleet") {
			t.Errorf("%s: says that all is there", what)
		}
	}
	looks("all have sent theirs", 3, true, "Kaikki kuukauden luvut ovat tulleet.", "Käyntejä 272")
	late(17)
	looks("one is silent", 3, false, "Kuukausi lokakuu 2026 näkyy, kun kaikki koneet ovat lähettäneet lukunsa. Viimeistään se näkyy päivän 14.11.2026 jälkeen.")
	looks("one is silent on the last day", 14, false)
	looks("one is silent and the month is closed", 15, true, "Luvut suljettiin 14.11.2026.", "Käyntejä 272")
	h.ledger.days = append(h.ledger.days, siteDay{"mesta", fleet.Counts{Day: "2026-10-20", Sessions: 50}, "2026-11-15"})
	late(31)
	h.change(kioskID(5), func(v *state.View) { v.LastSeen = time.Date(2026, 11, 16, 12, 0, 0, 0, helsinki()) })
	looks("it came back", 20, true, "Luvut suljettiin 14.11.2026.", "Käyntejä 272")
	h.ledger.days[len(h.ledger.days)-1].came = "2026-11-14"
	looks("it came back in time", 20, true, "Kaikki kuukauden luvut ovat tulleet.", "Käyntejä 322")

	// Of a site whose first numbers came after the close nobody was shown any: its
	// month closes with that day, and until the day is over only the desk sees it.
	for i := range h.ledger.days {
		if d := &h.ledger.days[i]; d.site == "illusia" && d.Day < "2026-11" {
			d.came = "2026-11-20"
		}
	}
	looks("a past came today", 20, false)
	looks("a past came yesterday", 21, true, "Kaikki kuukauden luvut ovat tulleet.", "Käyntejä 322")
	h.ledger.days = append(h.ledger.days, siteDay{"illusia", fleet.Counts{Day: "2026-10-21", Sessions: 50}, "2026-11-21"})
	looks("more of it came a day later", 21, true, "Luvut suljettiin 14.11.2026.", "Käyntejä 322")
}

// TestReportLeaksNothing prints every page and file of a report, and looks
// that numbers below 5 that only this test knows are nowhere.
func TestReportLeaksNothing(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.ledger.sites = []fleet.Site{{ID: "illusia", Name: "Illusia"}, {ID: "mesta", Name: "Mesta"}}
	draw := func(small uint32) (all string) {
		h.ledger.days = nil
		for _, s := range h.ledger.sites {
			h.ledger.days = append(h.ledger.days, siteDay{s.ID, fleet.Counts{Day: "2026-10-10", Sessions: 100, HelpCalls: small,
				Tiles: map[string]uint32{"bank": 60, "housing": small}, Lengths: map[string]uint32{"over_60": small, "5_15": 100 - small},
				Ends: map[fleet.End]uint32{fleet.EndCommand: small, fleet.EndIdle: 100 - small}, Outcomes: map[fleet.Outcome]uint32{fleet.NoPhone: small}}, ""})
		}
		c := h.person(fmt.Sprint("satu", small), staff.Viewer, "")
		for _, path := range []string{"/reports", "/reports.csv"} {
			for _, q := range []string{"", "&site=illusia", "&site=mesta"} {
				_, body, _ := h.get(c, path+"?month=2026-10"+q)
				all += strings.ReplaceAll(body, fmt.Sprint("satu", small), "satu")
			}
		}
		return all
	}
	first := draw(0)
	for small := uint32(1); small < 4; small++ { // from 4 on the small ones hide each other, see figures
		if draw(small) != first {
			t.Errorf("the pages tell %d from 0", small)
		}
	}
	if draw(5) == first {
		t.Error("a five cannot be told from 0: this test looks at nothing")
	}
}

func TestReportFile(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	h.ledger.sites[1].Name = `=HYPERLINK("https://evil.test")`
	c := h.person("satu", staff.Viewer, "")
	status, body, head := h.get(c, "/reports.csv?month=2026-10&lang=en")
	if status != 200 || head.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(head.Get("Content-Disposition"), "yhteiskone-2026-10.csv") {
		t.Fatalf("%d %v", status, head)
	}
	text, bom := strings.CutPrefix(body, "\ufeff")
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !bom || strings.Count(text, "\r\n") != len(lines) {
		t.Fatalf("not as RFC 4180 says, or without its mark: %v", err)
	}
	has := func(want ...string) {
		t.Helper()
		if !slices.ContainsFunc(lines, func(l []string) bool { return slices.Equal(l, want) }) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	has("Month", "Place code", "Place", "Code", "Table", "Line", "Number")
	has("2026-10", "illusia", "Illusia", "sessions", "In all", "Visits", "220")
	has("2026-10", "illusia", "Illusia", "tiles.bank", "What people came to do", "Bank", "66")
	has("2026-10", "mesta", `'=HYPERLINK("https://evil.test")`, "help_calls", "In all", "Help calls", "<5")
	has("2026-10", "", "All places", "help_calls", "In all", "Help calls", "≥22")
	in(t, text, "Visits are not people.")
	for _, l := range lines {
		if n := l[6]; regexp.MustCompile(`^[0-4]$`).MatchString(n) {
			t.Errorf("a small number: %q", l)
		}
	}
}

// TestReportIsOnePage prints reports on A4, of the longest kind.
func TestReportIsOnePage(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Admin)
	for _, path := range []string{"/reports?month=2026-10&lang=fi", "/reports?month=2026-10&lang=sv", "/reports?month=2026-11&lang=en", "/reports?month=2026-10&site=illusia&lang=fi"} {
		do(t, ctx, chromedp.Navigate(h.url+path))
		wait(t, ctx, 5*time.Second, `!document.querySelector("[data-print]").hidden`)
		pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); n != 1 {
			t.Errorf("%s prints on %d pages", path, n)
		}
	}
}

// A month that still runs is for who keeps the desk, there: whoever else looked
// every day would learn by subtraction how many came on each.
func TestRunningMonthIsForTheDesk(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	viewer, desk := h.person("pomo", staff.Viewer, ""), h.granted("satu", staff.Grant{Role: staff.Staff, Site: "illusia"}, staff.Grant{Role: staff.Viewer, Site: "mesta"})
	for _, path := range []string{"/reports", "/reports.csv"} {
		if status, _, _ := h.get(viewer, path+"?month=2026-11"); status != http.StatusBadRequest {
			t.Errorf("%s of the running month to who only looks: %d", path, status)
		}
		if status, html, _ := h.get(viewer, path); status != http.StatusOK || strings.Contains(html, "2026-11") {
			t.Errorf("%s offers the running month to who only looks (%d)", path, status)
		}
		status, html, _ := h.get(desk, path+"?month=2026-11")
		if status != http.StatusOK || !strings.Contains(html, "Illusia") || strings.Contains(html, "Mesta") || strings.Contains(html, "Kaikki paikat") {
			t.Errorf("%s of the running month at the desk: %d, or another site's", path, status)
		}
		if status, _, _ := h.get(desk, path+"?month=2026-11&site=mesta"); status != http.StatusNotFound {
			t.Errorf("%s of the running month at another's desk: %d", path, status)
		}
		if status, html, _ := h.get(desk, path+"?month=2026-10&site=mesta"); status != http.StatusOK || !strings.Contains(html, "Mesta") {
			t.Errorf("%s of a month that is over: %d", path, status)
		}
	}
	h.ledger.days = nil // the first month of all
	status, html, _ := h.get(viewer, "/reports")
	in(t, plain(html), "Käyntejä –", "Apupyyntöjä –")
	if status != http.StatusOK {
		t.Errorf("the first month: %d", status)
	}
}
