package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/premises"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// council is Places in memory.
type council struct {
	mu       sync.Mutex
	versions map[fleet.SiteID][]premises.Version // newest first
	tooLong  bool
}

func (c *council) Base(fleet.SiteID) (premises.Values, error) {
	return premises.Values{Settings: fleet.DefaultSettings(), Call: premises.Call{After: 2 * time.Minute}}, nil
}

func (c *council) Versions(site fleet.SiteID) ([]premises.Version, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions[site], nil
}

func (c *council) Decide(who string, site fleet.SiteID, e premises.Edit, back uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tooLong {
		return ErrTooLong
	}
	n := uint64(len(c.versions[site]) + 1)
	if c.versions == nil {
		c.versions = map[fleet.SiteID][]premises.Version{}
	}
	c.versions[site] = append([]premises.Version{{N: n, At: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), Who: who, Back: back, Settings: 10 * n, Edit: e}}, c.versions[site]...)
	return nil
}

func (c *council) Call(site fleet.SiteID) premises.Call {
	base, _ := c.Base(site)
	versions, _ := c.Versions(site)
	if len(versions) == 0 {
		return base.Call
	}
	return versions[0].Edit.Over(base).Call
}

// placeForm is what the page of a fresh site sends.
func placeForm() url.Values {
	return url.Values{"at_kela": {"1"}, "at_bank": {"2"}, "at_suomifi": {"3"}, "at_health": {"4"}, "at_heka": {"5"}, "at_tyomarkkinatori": {"6"}, "at_email": {"7"}, "at_other": {"8"},
		"always": {"yes"}, "idle": {"12"}, "limit": {""}, "notice": {"15"}, "help_after": {"2"}, "mode": {"open"},
		"languages": {"fi", "sv", "en", "et", "ru", "uk", "so", "ar", "fa"}}
}

// Staff change how a site serves; every version stays, and one can go back.
func TestPlacePage(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "illusia")
	const path = "/sites/illusia/settings"
	_, html, _ := h.get(c, "/")
	in(t, html, `href="/sites/illusia/settings"`)
	f := placeForm()
	f.Del("always")
	f["day1"], f["days"], f["support"], f["phone"] = []string{"9-15"}, []string{"24.12.2026 kiinni\r\n"}, []string{"1.12.2026 10-12"}, []string{"09 123"}
	f["blocked"], f["languages"], f["help_to"] = []string{"kasino.fi"}, []string{"sv", "fi"}, []string{""}
	if status, _, _ := h.post(c, path, f); status != http.StatusSeeOther {
		t.Fatalf("%d", status)
	}
	e := h.council.versions["illusia"][0].Edit
	if len(e.Fields) != 5 || e.Values.Hours.Week[1][0] != (fleet.Span{From: 540, To: 900}) || strings.Join(e.Values.Languages, " ") != "fi sv" {
		t.Fatalf("%+v", e)
	}
	h.change(kioskID(0), func(v *state.View) { r := *v.Report; r.Serves.Settings = 10; v.Report = &r })
	_, html, _ = h.get(c, path)
	in(t, plain(html), "Asetukset on tallennettu", "Uusin asetus on käytössä: 1 / 5 koneessa.", "Odottaa vielä: Kone 10, Kone 2, Kone 3, Kone 4.",
		"Versio 1: Aukiolo, Digituen ajat, Digituen puhelin, Kielet asiakkaalle, Estetyt sivustot", "Käytössä nyt")
	in(t, html, `value="9-15"`, "24.12.2026 -", "1.12.2026 10-12", `value="09 123"`, "kasino.fi")
	h.post(c, path, placeForm())
	if e := h.council.versions["illusia"][0].Edit; len(e.Fields) != 0 {
		t.Errorf("the defaults differ from the defaults: %+v", e)
	}
	h.post(c, path+"/back", url.Values{"n": {"1"}})
	_, html, _ = h.get(c, path)
	in(t, plain(html), "Versio 3: palasi versioon 1", "Palaa versioon 2", "Palaa versioon 1")
	if e := h.council.versions["illusia"][0]; e.Back != 1 || len(e.Edit.Fields) != 5 {
		t.Errorf("%+v", e)
	}
	if status, _, _ := h.post(c, path+"/back", url.Values{"n": {"99"}}); status != http.StatusBadRequest {
		t.Errorf("back to what never was: %d", status)
	}
}

// What is wrong is one sentence; what was written stays, nothing is kept.
func TestPlaceProblems(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "illusia")
	for _, x := range []struct{ field, value, says string }{
		{"days", "joulu kiinni", "Poikkeava päivä on väärin. Kirjoita se näin: 24.12.2026 kiinni tai 31.12.2026 9-11. Tarkista tämä: joulu kiinni"},
		{"day3", "9-99", "Aukioloaika on väärin."}, {"support", "huomenna", "Digituen aika on väärin."}, {"phone", "<b>", "Puhelinnumero on väärin."}, {"welcome_sv", "Hej", "Tervehdys on väärin."},
		{"languages", "xx", "Valitse ainakin yksi kieli."}, {"mode", "", "Valitse, mihin koneella pääsee."}, {"blocked", "https://x.fi/", "Estetty sivusto on väärin."},
		{"idle", "1", "Aika on väärin."}, {"limit", "x", "Pisin käyttöaika on väärin."}, {"notice", "0", "Aika lopettaa on väärin."},
		{"at_kela", "9", "Kela: paikka aloitussivulla on väärin."}, {"at_own-1", "x", "Oma palvelu 1: nimi on väärin."},
		{"help_after", "x", "Apupyynnön aika tai paikka on väärin."}, {"help_to", "mesta", "Apupyynnön aika tai paikka on väärin."},
	} {
		f := placeForm()
		if x.field == "days" || x.field == "day3" {
			f.Del("always")
		}
		f.Set(x.field, x.value)
		status, html, _ := h.post(c, "/sites/illusia/settings", f)
		if status != http.StatusBadRequest || !strings.Contains(plain(html), x.says) {
			t.Errorf("%s: %d, %s", x.field, status, plain(html))
		}
		if x.field != "languages" && x.field != "mode" && x.field != "help_to" && strings.Contains(x.value, "<") == strings.Contains(html, x.value) {
			t.Errorf("%s: what was written is lost, or not escaped", x.field)
		}
	}
	h.council.tooLong = true
	if status, html, _ := h.post(c, "/sites/illusia/settings", placeForm()); status != http.StatusBadRequest || !strings.Contains(plain(html), "liian pitkät") {
		t.Errorf("too long: %d", status)
	}
	if len(h.council.versions) != 0 {
		t.Errorf("kept: %+v", h.council.versions)
	}
}

// Staff say which services a site's machines show, and add their own.
func TestPlaceOffer(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "illusia")
	const path = "/sites/illusia/settings"
	f := placeForm()
	for k, v := range map[string]string{"at_kela": "2", "at_bank": "", "at_suomifi": "", "at_health": "", "at_heka": "", "at_tyomarkkinatori": "", "at_email": "", "at_other": "8",
		"at_own-1": "1", "own-1_fi": "Ruokajono", "own-1_sv": "Matkö", "own-1_en": "Food <aid>", "own-1_address": "https://ruoka.example/jono", "own-1_hosts": "*.ruoka.example"} {
		f.Set(k, v)
	}
	if status, html, _ := h.post(c, path, f); status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, plain(html))
	}
	e := h.council.versions["illusia"][0].Edit
	if o := e.Values.Offer; len(e.Fields) != 1 || strings.Join(o.Shown, " ") != "own-1 kela other" || o.Own[0].Name.EN != "Food <aid>" || o.Own[0].Hosts[0] != "*.ruoka.example" {
		t.Fatalf("%+v", e)
	}
	_, html, _ := h.get(c, path)
	in(t, html, `id="at_kela" name="at_kela" value="2"`, `id="at_bank" name="at_bank" value=""`, `value="Food &lt;aid&gt;"`, `value="https://ruoka.example/jono"`, `id="at_own-1" name="at_own-1" value="1"`, `for="own-3_address"`)
	in(t, plain(html), "Versio 1: Palvelut aloitussivulla")
	if strings.Contains(html, "own-4_address") || len(html) > 50_000 {
		t.Errorf("the page has %d bytes", len(html))
	}
	// What is wrong is said of one input, which is marked, and nothing is lost.
	for field, x := range map[string]struct{ value, says string }{
		"own-1_address": {"http://192.168.1.1/", "Oma palvelu 1: osoite on väärin."},
		"own-1_hosts":   {"https://a.example/", "Oma palvelu 1: muu sivusto on väärin."},
		"own-1_sv":      {"", "Oma palvelu 1: nimi on väärin."},
		"at_own-1":      {"2", "Oma palvelu 1: paikka aloitussivulla on väärin."},
	} {
		g := url.Values{}
		for k, v := range f {
			g[k] = v
		}
		g.Set(field, x.value)
		status, html, _ := h.post(c, path, g)
		if status != http.StatusBadRequest || !strings.Contains(plain(html), x.says) || strings.Count(html, `role="alert"`) < 1 || !strings.Contains(html, `aria-invalid="true"`) || !strings.Contains(html, `<details open>`) {
			t.Errorf("%s: %d, %s", field, status, plain(html))
		}
		if field != "own-1_sv" && !strings.Contains(html, x.value) {
			t.Errorf("%s: what was written is lost", field)
		}
	}
	if len(h.council.versions["illusia"]) != 1 {
		t.Error("what is wrong was kept")
	}
	h.post(c, path, placeForm())
	if e := h.council.versions["illusia"][0].Edit; len(e.Fields) != 0 {
		t.Errorf("the machines' own catalogue is a decision: %+v", e)
	}
}

// A call that nobody answers rings at the other site after the time that was
// set; who answers it there may also say that it is done.
func TestEscalation(t *testing.T) {
	h := newHouse(t)
	h.town()
	other, third := h.person("olli", staff.Staff, "mesta"), h.person("kolmas", staff.Staff, "symppis")
	h.council.Decide("satu", "illusia", premises.Edit{Fields: []premises.Field{premises.Help}, Values: premises.Values{Call: premises.Call{After: 3 * time.Minute, To: "mesta"}}}, 0)
	id := kioskID(1)
	path, answer := "/kiosks/"+string(id)+"/help", url.Values{"call": {callID(id)}, "answer": {"coming"}}
	h.call(id, 2)
	if _, html, _ := h.get(other, "/"); strings.Contains(html, "Apua pyydetään") {
		t.Error("it rings before its time")
	}
	if status, _, _ := h.post(other, path, answer); status != http.StatusNotFound {
		t.Errorf("answered before its time: %d", status)
	}
	h.call(id, 4)
	_, html, _ := h.get(other, "/")
	in(t, plain(html), "Apua pyydetään: Illusia, Kone 2")
	if _, html, _ := h.get(third, "/"); strings.Contains(html, "Apua pyydetään") {
		t.Error("it rings at a third site")
	}
	if status, _, _ := h.post(third, path, answer); status != http.StatusNotFound {
		t.Errorf("answered from a third site: %d", status)
	}
	if status, _, _ := h.post(other, "/kiosks/"+string(id)+"/identify", nil); status != http.StatusNotFound {
		t.Errorf("the machine itself: %d", status)
	}
	h.post(other, path, answer)
	_, html, _ = h.get(other, "/")
	in(t, plain(html), "olli tulee heti: Illusia, Kone 2", "Hoidettu")
	answer.Set("answer", "done")
	h.post(other, path, answer)
	if v, _ := h.View(id); v.Help != nil {
		t.Errorf("%+v", v.Help)
	}
}

// Two who change a site at the same time: nobody undoes what they did not see,
// and what both changed is asked about.
func TestPlaceByTwo(t *testing.T) {
	h := newHouse(t)
	h.town()
	satu, teppo := h.person("satu", staff.Staff, "illusia"), h.person("teppo", staff.Staff, "illusia")
	const path = "/sites/illusia/settings"
	form := func(seen string, change ...string) url.Values {
		f := placeForm()
		f.Set("seen", seen)
		for i := 0; i < len(change); i += 2 {
			f.Set(change[i], change[i+1])
		}
		return f
	}
	last := func() premises.Edit { return h.council.versions["illusia"][0].Edit }
	_, html, _ := h.get(satu, path)
	in(t, html, `name="seen" value="0"`)
	if status, _, _ := h.post(satu, path, form("0", "phone", "09 111")); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	// Teppo's page is from before that.
	if status, _, _ := h.post(teppo, path, form("0", "idle", "20")); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	if e := last(); len(e.Fields) != 2 || e.Values.Phone != "09 111" || e.Values.Idle != 20*time.Minute {
		t.Fatalf("what Satu saved is gone: %+v", e)
	}
	status, html, _ := h.post(teppo, path, form("0", "phone", "09 222"))
	if status != http.StatusConflict || len(h.council.versions["illusia"]) != 2 {
		t.Fatalf("%d", status)
	}
	in(t, plain(html), "satu muutti samaa kohtaa sillä välin: Digituen puhelin.") // the newest version is his own, and of another thing
	in(t, html, `name="seen" value="2"`, `value="09 222"`, `value="20"`)          // with what was changed besides
	if status, _, _ := h.post(teppo, path, form("2", "phone", "09 222", "idle", "20")); status != http.StatusSeeOther || last().Values.Phone != "09 222" {
		t.Errorf("%d %+v", status, last())
	}
	// Both wrote the same; a form with something wrong in it stays as old as it was.
	if status, _, _ := h.post(satu, path, form("2", "phone", "09 222", "idle", "20")); status != http.StatusSeeOther {
		t.Errorf("the same as another: %d", status)
	}
	_, html, _ = h.post(satu, path, form("1", "phone", "soita"))
	in(t, html, `name="seen" value="1"`)
}
