package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// shelf is a Releases in memory.
type shelf struct {
	mu     sync.Mutex
	all    []Release
	offers map[fleet.KioskID]Offer
	given  []string // who, version, whether also an older one, to whom
}

// Releases implements Releases.
func (s *shelf) Releases() ([]Release, error) { return s.all, nil }

// Offers implements Releases.
func (s *shelf) Offers() (map[fleet.KioskID]Offer, error) { return s.offers, nil }

// Offer implements Releases.
func (s *shelf) Offer(_ context.Context, who staff.Person, version string, older bool, kiosks []fleet.KioskID) error {
	if !slices.ContainsFunc(s.all, func(r Release) bool { return r.Version == version }) {
		return ErrNoRelease
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := who.Name + " " + version
	if older {
		text += " older"
	}
	for _, id := range kiosks {
		text += " " + string(id)
	}
	s.given = append(s.given, text)
	return nil
}

// shelve brings in two versions: machines of Illusia are at every stage of the
// newer one.
func (h *house) shelve() {
	now := h.board.Now()
	h.shelf.all = []Release{{"1.10.0", "1.9.0", 812_000_000, "kettu saari kivi meri lumi"}, {"1.9.0", "", 790_000_000, "sampo ilves"}}
	new := func(o Offer) Offer {
		o.Version, o.At, o.Until = "1.10.0", now.Add(-time.Hour), now.Add(23*time.Hour)
		return o
	}
	h.shelf.offers = map[fleet.KioskID]Offer{kioskID(0): new(Offer{Done: now}), kioskID(1): new(Offer{}), kioskID(2): new(Offer{Done: now, Why: "too_old"}),
		kioskID(3): new(Offer{Done: now}), kioskID(4): new(Offer{Done: now}), kioskID(5): new(Offer{}),
		kioskID(6): {Version: "1.9.0", At: now.Add(-50 * time.Hour), Until: now.Add(-26 * time.Hour)}}
	for i := range 11 {
		h.change(kioskID(i), func(v *state.View) {
			v.Build = "1.9.0"
			v.Connected = i != 5
			switch i {
			case 0:
				v.Build = "1.10.0"
			case 6:
				v.Build = "1.8.0"
			case 3:
				v.Folded = append(v.Folded, state.Fault{Code: fleet.ImageFellBack})
			}
		})
	}
}

func TestReleasesPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("teppo", staff.Technician, "")
	status, html, _ := h.get(c, "/releases")
	if in(t, plain(html), "Täällä ei ole vielä versioita"); status != http.StatusOK || strings.Contains(html, "checkbox") {
		t.Errorf("%d, and something can be chosen of nothing", status)
	}
	h.shelve()
	_, html, _ = h.get(c, "/releases")
	in(t, plain(html), "Versio 1.10.0 Käyttää 1 Hakee 2 Käynnistää pian 1 Ei ottanut 2 Koko 774 Mt Asentuu päälle 1.9.0 Sanat kettu saari kivi meri lumi",
		"Versio 1.9.0 Käyttää 9 Hakee 0 Käynnistää pian 0 Ei ottanut 1 Koko 753 Mt Asentuu päälle kaikki versiot",
		"Illusia", "Kone 1 Käytössä versio 1.10.0 Otti version 1.10.0 käyttöön.",
		"Kone 10", "Kone käynnistää sen, kun kukaan ei ole paikalla",
		"Kone 2 Käytössä versio 1.9.0 Hakee versiota 1.10.0. Se annettiin klo 11.4",
		"Kone 3", "Ei ottanut versiota 1.10.0. Koneen versio on liian vanha",
		"Kone 4", "Versio 1.10.0 ei käynnistynyt hyvin",
		"Mesta", "Kone 1", "Saa version 1.10.0, kun kone on taas päällä", "Kone 2", "Ei ottanut versiota 1.9.0. Aika loppui")
	in(t, plain(html), "Symppis", "Kone 3 Ei ole kertonut versiotaan", "Illusia")
}

// A version goes to the machines that were ticked, or to those of a site or of
// all that neither have it nor are getting it.
func TestOfferRelease(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.shelve()
	c, there := h.person("teppo", staff.Technician, ""), h.person("mesta", staff.Technician, "mesta")
	id := func(n int) string { return string(kioskID(n)) }
	for _, p := range []struct {
		who    *http.Client
		form   url.Values
		status int
		says   string
		given  string
	}{
		{c, url.Values{"version": {"1.10.0"}, "kiosk": {id(6), id(8)}}, 303, "Versio on annettu koneille", "teppo 1.10.0 " + id(6) + " " + id(8)},
		{c, url.Values{"version": {"1.9.0"}, "kiosk": {id(0)}, "older": {"yes"}}, 303, "Versio on annettu koneille", "teppo 1.9.0 older " + id(0)},
		{c, url.Values{"version": {"1.10.0"}, "site": {"illusia"}}, 303, "", "teppo 1.10.0 " + id(2) + " " + id(3)},
		{there, url.Values{"version": {"1.10.0"}, "to": {"all"}}, 303, "", "mesta 1.10.0 " + id(6) + " " + id(7) + " " + id(8)},
		{c, url.Values{"version": {"1.10.0"}}, 400, "Et valinnut yhtään konetta", ""},
		{c, url.Values{"version": {"1.9.0"}, "site": {"mesta"}}, 303, "", "teppo 1.9.0 " + id(6)},
		{c, url.Values{"version": {"9<b>"}, "kiosk": {id(6)}}, 400, "Tätä versiota ei ole enää täällä", ""},
		{c, url.Values{"version": {"1.10.0"}, "kiosk": {"kzzzzzzzzzzzz"}}, 404, "", ""},
		{there, url.Values{"version": {"1.10.0"}, "kiosk": {id(6), id(0)}}, 404, "", ""},
		{there, url.Values{"version": {"1.10.0"}, "site": {"illusia"}}, 404, "", ""},
		{h.person("satu", staff.Staff, ""), url.Values{"version": {"1.10.0"}, "kiosk": {id(6)}}, 403, "", ""},
	} {
		h.shelf.given = nil
		status, html, _ := h.post(p.who, "/releases", p.form)
		var want []string
		if p.given != "" {
			want = []string{p.given}
			_, html, _ = h.get(p.who, "/releases")
		}
		if status != p.status || !reflect.DeepEqual(h.shelf.given, want) {
			t.Errorf("%v: %d, gave %q, want %q", p.form, status, h.shelf.given, want)
		}
		in(t, plain(html), p.says)
	}
	_, html, _ := h.get(there, "/releases")
	if strings.Contains(html, "Illusia") || !strings.Contains(html, "Mesta") {
		t.Error("a technician of Mesta sees other machines")
	}
	h.change(kioskID(6), func(v *state.View) { v.Build = "1.9.0" })
	status, html, _ := h.post(c, "/releases", url.Values{"version": {"1.9.0"}, "site": {"mesta"}, "older": {"yes"}})
	if in(t, plain(html), "Kaikissa on jo versio 1.9.0"); status != http.StatusBadRequest {
		t.Errorf("offered to nobody: %d", status)
	}
	if !strings.Contains(html, "<option selected>1.9.0") || !strings.Contains(html, `value="yes" checked`) {
		t.Error("the form forgets what was chosen")
	}
}
