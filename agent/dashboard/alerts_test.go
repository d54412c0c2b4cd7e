package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/staff"
)

// desk is Alerts in memory.
type desk struct {
	mu       sync.Mutex
	targets  []notify.Target
	troubles []notify.Trouble
	tried    []string
	why      notify.Why
	noMail   bool
}

func (d *desk) Targets() ([]notify.Target, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.targets), nil
}

func (d *desk) Troubles() ([]notify.Trouble, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.troubles), nil
}

func (d *desk) Check(t notify.Target) error {
	if t.Channel == notify.ByMail && d.noMail {
		return notify.ErrNoMail
	}
	return t.Check(nil)
}

func (d *desk) HasMail() bool { return !d.noMail }

func (d *desk) PutTarget(_ string, t notify.Target) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.targets = append(slices.DeleteFunc(d.targets, func(o notify.Target) bool { return o.ID == t.ID }), t)
	return nil
}

func (d *desk) DropTarget(_ string, t notify.Target) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.targets = slices.DeleteFunc(d.targets, func(o notify.Target) bool { return o.ID == t.ID })
	return nil
}

func (d *desk) Try(_ context.Context, t notify.Target) (notify.Why, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried = append(d.tried, t.ID)
	return d.why, nil
}

// A person sets their own alerts; what is wrong is said in one sentence and
// nothing that was written is lost.
func TestOwnAlerts(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Viewer, "illusia")
	form := url.Values{"address": {"satu@example.fi"}, "faults": {"yes"}, "only": {"staff"}, "help": {"yes"}, "from": {"20"}, "to": {"7.30"}, "digest": {"8:00"}, "lang": {"sv"}}
	for field, c2 := range map[string]struct{ value, says string }{
		"address": {"satu", "Sähköpostiosoite on väärin."}, "from": {"25:00", "Hiljaiset tunnit ovat väärin."}, "to": {"", "Hiljaiset tunnit ovat väärin."},
		"digest": {"kahdeksan", "Kellonaika on väärin."}, "lang": {"de", "Valitse kieli luettelosta."}, "only": {"siivoojat", "Valitse, mist"},
	} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(field, c2.value)
		status, html, _ := h.post(c, "/alerts/own", bad)
		if status != http.StatusBadRequest || !strings.Contains(plain(html), c2.says) || !strings.Contains(html, `value="`+bad.Get("address")+`"`) {
			t.Errorf("%s: %d, %s", field, status, plain(html))
		}
	}
	if len(h.alerts.targets) != 0 {
		t.Fatalf("%+v", h.alerts.targets)
	}
	h.post(c, "/alerts/own", form)
	h.post(c, "/alerts/own", form) // changes, does not add
	if len(h.alerts.targets) != 1 {
		t.Fatalf("%+v", h.alerts.targets)
	}
	got := h.alerts.targets[0]
	if got.Owner != "satu" || got.Site != "illusia" || got.Quiet.From != 1200 || got.Quiet.To != 450 || got.Digest != 480 || !got.Help || got.Notices || got.Lang != "sv" {
		t.Errorf("%+v", got)
	}
	_, html, _ := h.get(c, "/alerts")
	in(t, html, "Ilmoitus on tallennettu", `value="20:00"`, `value="7:30"`, `value="8:00"`)
	if strings.Contains(html, "Muut, joille ilmoitetaan") {
		t.Error("a viewer is shown who else is told")
	}
	h.alerts.why = notify.WhyRefused
	h.post(c, "/alerts/test", url.Values{"id": {got.ID}})
	_, html, _ = h.get(c, "/alerts")
	in(t, html, "Koeviesti ei lähtenyt. Toinen pää ei ottanut viestiä vastaan.")
	h.alerts.troubles = []notify.Trouble{{Target: got.ID, At: h.board.Now(), Lost: 3, Why: notify.WhyTime}}
	_, html, _ = h.get(c, "/")
	in(t, html, "Ilmoituksia ei ole saatu perille.")
	_, html, _ = h.get(c, "/alerts")
	in(t, plain(html), "Ilmoituksia ei saatu perille: 3.", "Toinen pää ei vastannut ajoissa.")
	other := h.person("muu", staff.Staff, "illusia")
	if _, html, _ = h.get(other, "/"); strings.Contains(html, "perille") {
		t.Error("somebody else's trouble is shown")
	}
	for _, path := range []string{"/alerts/test", "/alerts/remove"} {
		h.post(other, path, url.Values{"id": {got.ID}})
		if len(h.alerts.targets) != 1 || len(h.alerts.tried) != 1 {
			t.Errorf("%s of somebody else's is done", path)
		}
	}
	h.post(c, "/alerts/remove", url.Values{"id": {got.ID}})
	if len(h.alerts.targets) != 0 || len(h.alerts.tried) != 1 {
		t.Errorf("%+v, %v", h.alerts.targets, h.alerts.tried)
	}
}

// Webhooks are set by technicians, for their site; what stands behind the host
// is not shown.
func TestSiteAlerts(t *testing.T) {
	h := newHouse(t)
	h.town()
	tech, admin := h.person("teknikko", staff.Technician, "illusia"), h.person("pomo", staff.Admin, "")
	form := url.Values{"channel": {"ntfy"}, "address": {"https://ntfy.example.fi/salainen-aihe"}, "site": {"illusia"}, "help": {"yes"}, "lang": {"fi"}}
	for site, want := range map[string]int{"": http.StatusNotFound, "mesta": http.StatusNotFound, "illusia": http.StatusSeeOther} {
		form.Set("site", site)
		if status, _, _ := h.post(tech, "/alerts/site", form); status != want {
			t.Errorf("at %q: %d", site, status)
		}
	}
	form.Set("site", "")
	if status, _, _ := h.post(admin, "/alerts/site", form); status != http.StatusSeeOther {
		t.Errorf("everywhere, as admin: %d", status)
	}
	for address, says := range map[string]string{"http://ntfy.example.fi/x": "pitää alkaa https://", "https://127.0.0.1/x": "palvelimen omaan verkkoon",
		"https://ntfy.example.fi/": "puuttuu aihe", "x": "Verkko-osoite on väärin"} {
		form.Set("address", address)
		status, html, _ := h.post(admin, "/alerts/site", form)
		if status != http.StatusBadRequest || !strings.Contains(plain(html), says) || !strings.Contains(html, `value="`+address+`"`) {
			t.Errorf("%s: %d", address, status)
		}
	}
	_, html, _ := h.get(tech, "/alerts")
	in(t, html, "ntfy.example.fi")
	if strings.Contains(html, "salainen") {
		t.Error("the secret part of an address is shown")
	}
	if strings.Count(html, "Lähetä koe") != 1 {
		t.Error("the technician of one site sees what is told of every site")
	}
	for _, x := range slices.Clone(h.alerts.targets) {
		h.post(tech, "/alerts/remove", url.Values{"id": {x.ID}})
	}
	if len(h.alerts.targets) != 1 || h.alerts.targets[0].Site != "" {
		t.Errorf("removed what is not theirs: %+v", h.alerts.targets)
	}
	h.alerts.noMail = true
	_, html, _ = h.get(tech, "/alerts")
	in(t, html, "Palvelin ei voi lähettää sähköpostia.")
}

// Whose roles differ by site says who else is told only where they may, and is
// told themselves of all that they see.
func TestAlertsByGrants(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.granted("kahdessa", staff.Grant{Role: staff.Technician, Site: "illusia"}, staff.Grant{Role: staff.Viewer, Site: "mesta"})
	_, html, _ := h.get(c, "/alerts")
	in(t, html, `<option value="illusia" selected>`)
	if strings.Contains(html, `<option value="mesta"`) || strings.Contains(html, `<option value=""`) {
		t.Error("offered where they may not")
	}
	form := url.Values{"channel": {"ntfy"}, "address": {"https://ntfy.example.fi/aihe"}, "help": {"yes"}, "lang": {"fi"}}
	for _, site := range []string{"mesta", "symppis", "", "none", "*"} {
		form.Set("site", site)
		if status, _, _ := h.post(c, "/alerts/site", form); status != http.StatusNotFound {
			t.Errorf("at %q: %d", site, status)
		}
	}
	form.Del("site")
	h.post(c, "/alerts/site", form)
	if len(h.alerts.targets) != 1 || h.alerts.targets[0].Site != "illusia" {
		t.Fatalf("%+v", h.alerts.targets)
	}
	h.alerts.targets[0].Site = "mesta"
	h.post(c, "/alerts/remove", url.Values{"id": {h.alerts.targets[0].ID}})
	h.post(c, "/alerts/test", url.Values{"id": {h.alerts.targets[0].ID}})
	if len(h.alerts.targets) != 1 || len(h.alerts.tried) != 0 {
		t.Error("a viewer's site: removed or tried")
	}
	h.post(c, "/alerts/own", url.Values{"address": {"a@example.fi"}, "faults": {"yes"}, "lang": {"fi"}})
	own := h.alerts.targets[len(h.alerts.targets)-1]
	if own.Owner != "kahdessa" || own.Site != "" {
		t.Errorf("%+v", own)
	}
	_, html, _ = h.get(c, "/alerts")
	in(t, plain(html), "Illusia, Mesta")
}

// A call may be sent on to a site that one does not see by an admin of the own
// one only: elsewhere's admin is nobody special here.
func TestCallGoesWhereOneMaySend(t *testing.T) {
	h := newHouse(t)
	h.town()
	f := placeForm()
	f.Set("help_to", "mesta")
	for name, c := range map[string]struct {
		grants []staff.Grant
		want   int
	}{
		"paikan":  {staff.At(staff.Admin, "illusia"), http.StatusSeeOther},
		"toisen":  {[]staff.Grant{{Role: staff.Staff, Site: "illusia"}, {Role: staff.Admin, Site: "symppis"}}, http.StatusBadRequest},
		"molempi": {[]staff.Grant{{Role: staff.Staff, Site: "illusia"}, {Role: staff.Viewer, Site: "mesta"}}, http.StatusSeeOther},
	} {
		if status, _, _ := h.post(h.granted(name, c.grants...), "/sites/illusia/settings", f); status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
	}
}
