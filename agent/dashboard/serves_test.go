package dashboard

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// errand makes Kone 2 of Illusia, in use, a machine for errands that finds
// Kela dead, and lets it say all that a machine can.
func (h *house) errand() {
	h.change(kioskID(1), func(v *state.View) {
		r := *v.Report
		r.Serves = fleet.Serves{Mode: fleet.Errands, Probed: 20, Down: []string{"Kela", "Työ"}}
		r.Health.Keyboards, r.Health.Pointers, r.Health.Touch = new(1), new(1), new(false)
		r.Health.Screens, r.Health.Resolution = new(1), new("1366x768")
		r.Health.Sound, r.Health.CardReader, r.Health.DiskHealthy, r.Health.ClockSet = new(true), new(true), new(true), new(true)
		r.Health.Updates, r.Health.OnMains, r.Health.Battery, r.Health.Swap = new(0), new(true), new(88), new(false)
		r.Health.USBChanges, r.Health.NewKeyboards = new(0), new(0)
		v.Report = &r
		v.Faults = append(slices.Clone(v.Faults), state.Fault{Code: fleet.ServicesDown, Severity: fleet.SeverityNotice, Since: h.board.Now()})
	})
}

// serves changes how Kone 2 serves.
func (h *house) serves(change func(*fleet.Serves)) {
	h.change(kioskID(1), func(v *state.View) {
		r := *v.Report
		change(&r.Serves)
		v.Report = &r
	})
}

func TestErrandsPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.errand()
	c, base := h.person("satu", staff.Staff, ""), "/kiosks/"+string(kioskID(1))
	page := func() string {
		_, html, _ := h.get(c, base)
		return plain(html)
	}
	in(t, page(), "Koneella pääsee vain asiointipalveluihin.", "Palvelut eivät vastaa: Kela, Työ. Vika ei ole koneissa.",
		"Joku odottaa", "Asiakas saa viestin", "Avaa koko verkko tälle asiakkaalle", "kunnes hän lopettaa",
		"Näppäimistö ja hiiri Näppäimistö, hiiri", "Näytön koko 1366x768", "Ääni Toimii", "Kortinlukija On", "Levyn kunto Hyvä",
		"Kello Saa ajan verkosta", "Päivitykset Ajan tasalla", "Virta Pistorasiasta, akku 88 %")
	if strings.Contains(page(), "Mikä on vialla") {
		t.Error("a service that is down is shown as a fault of the machine")
	}
	h.serves(func(s *fleet.Serves) { s.Waiting, s.Web = true, true })
	html := page()
	in(t, html, "Koko verkko on auki tälle asiakkaalle.", "Joku odottaa konetta.", "Kukaan ei enää odota")
	for _, gone := range []string{"Avaa koko verkko", "Asiakas saa viestin"} {
		if strings.Contains(html, gone) {
			t.Errorf("%q is still there", gone)
		}
	}
	h.serves(func(s *fleet.Serves) { *s = fleet.Serves{Mode: fleet.Open, Probed: 20} })
	if html := page(); strings.Contains(html, "Avaa koko verkko") || strings.Contains(html, "asiointipalveluihin") || !strings.Contains(html, "Joku odottaa") {
		t.Errorf("in open mode: %s", html)
	}
	h.serves(func(s *fleet.Serves) { *s = fleet.Serves{Mode: fleet.Errands, Waiting: true} })
	h.change(kioskID(1), func(v *state.View) {
		r := *v.Report
		r.State, v.Status, v.Report = fleet.Ready, fleet.StatusFree, &r
	})
	if html := page(); strings.Contains(html, "Avaa koko verkko") || strings.Contains(html, "odotta") {
		t.Errorf("without a client: %s", html)
	}
	h.change(kioskID(1), func(v *state.View) { v.Report, v.Status = nil, fleet.StatusNoConnection })
	page() // must not fail
}

// A service that is down is said once, in words, and makes no machine broken.
func TestServicesDownOnTheFirstPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "")
	_, html, _ := h.get(c, "/")
	before := plain(html)
	h.errand()
	_, html, _ = h.get(c, "/")
	in(t, plain(html), "Koneista 8 / 11 toimii", "Kolme konetta tarvitsee sinua.", "Palvelut eivät vastaa: Kela, Työ. Vika ei ole koneissa.")
	if plain(html) != strings.Replace(before, "sinua.", "sinua. Palvelut eivät vastaa: Kela, Työ. Vika ei ole koneissa.", 1) {
		t.Errorf("more than that changed:\n%s\n%s", before, plain(html))
	}
	h.serves(func(s *fleet.Serves) { s.Down = []string{"Kela"} })
	_, html, _ = h.get(c, "/")
	in(t, plain(html), "Palvelu ei vastaa: Kela. Vika ei ole koneissa.")
	h.serves(func(s *fleet.Serves) { s.Down = []string{"A", "B", "C", "D", "E", "F", "G"} })
	_, html, _ = h.get(c, "/")
	in(t, plain(html), "Palvelut eivät vastaa: A, B, C, D, E ja 2 muuta.")
	h.serves(func(s *fleet.Serves) { s.Down = []string{"<b>Kela</b>"} })
	_, html, _ = h.get(c, "/")
	if strings.Contains(html, "<b>Kela") {
		t.Error("a name is not escaped")
	}
	elsewhere := h.person("muu", staff.Staff, "mesta")
	if _, html, _ = h.get(elsewhere, "/"); strings.Contains(html, "Kela") {
		t.Error("another site's machine is heard")
	}
	h.change(kioskID(1), func(v *state.View) { v.Connected = false })
	if _, html, _ = h.get(c, "/"); strings.Contains(html, "Kela") {
		t.Error("a silent machine is believed")
	}
}

// Answers say in how many minutes, and who; a number that no button has is
// refused.
func TestAnswerWithMinutes(t *testing.T) {
	h := newHouse(t)
	h.town()
	c, path := h.person("Satu V.", staff.Staff, ""), "/kiosks/"+string(kioskID(1))+"/help"
	h.call(kioskID(1), 2)
	send := func(answer string) int {
		status, _, _ := h.post(c, path, url.Values{"call": {callID(kioskID(1))}, "answer": {answer}, "back": {"/"}})
		return status
	}
	for _, bad := range []string{"coming_soon_7", "coming_soon_", "coming_soon_5x", "coming_5", "", "coming_soon_-5"} {
		if status := send(bad); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
	for _, p := range []struct{ answer, did, says string }{
		{"coming_soon_5", "coming_soon as Satu V. in 5", "Satu V. tulee 5 minuutin päästä: Illusia, Kone 2"},
		{"coming_soon_20", "coming_soon as Satu V. in 20", "Satu V. tulee 20 minuutin päästä: Illusia, Kone 2"},
		{"coming_soon", "coming_soon as Satu V. in 10", "Satu V. tulee 10 minuutin päästä: Illusia, Kone 2"},
		{"cannot_come", "cannot_come as Satu V.", "Satu V. ei pääse nyt."},
	} {
		if status := send(p.answer); status != http.StatusSeeOther {
			t.Fatalf("%s: %d", p.answer, status)
		}
		if did := h.done(); !strings.HasSuffix(did[len(did)-1], p.did) {
			t.Errorf("%s: did %q", p.answer, did[len(did)-1])
		}
		_, html, _ := h.get(c, "/help")
		in(t, plain(html), p.says)
	}
	_, html, _ := h.get(c, "/help")
	in(t, plain(html), "Vastasi apupyyntöön: Tulen vähän ajan päästä")
}

// TestBrowserShots leaves pictures of the pages in the folder that PICTURES
// names, for somebody to look at; without one it does nothing.
func TestBrowserShots(t *testing.T) {
	folder := os.Getenv("PICTURES")
	if folder == "" {
		t.Skip("PICTURES names no folder")
	}
	h := newHouse(t)
	h.town()
	h.errand()
	h.call(kioskID(1), 2)
	h.shelve()
	ctx := browser(t)
	h.enter(ctx, "Satu", staff.Technician)
	for name, p := range map[string]struct {
		path string
		wide int64
	}{"fleet": {"/", 1366}, "fleet-phone": {"/", 390}, "kiosk": {"/kiosks/" + string(kioskID(1)), 1366}, "kiosk-phone": {"/kiosks/" + string(kioskID(1)), 390},
		"place": {"/sites/illusia/settings", 1366}, "place-phone": {"/sites/illusia/settings", 390}, "alerts": {"/alerts", 1366}, "alerts-phone": {"/alerts", 390}, "releases": {"/releases", 1366}, "releases-phone": {"/releases", 390}} {
		do(t, ctx, chromedp.EmulateViewport(p.wide, 900), chromedp.Navigate(h.url+p.path))
		wait(t, ctx, 20*time.Second, `document.readyState === "complete" && (document.querySelectorAll("main details").forEach((d) => { d.open = true }), true)`)
		raw, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".png"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
