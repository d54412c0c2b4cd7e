package dashboard

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// plain is what somebody reads of a page.
func plain(html string) string {
	html = regexp.MustCompile(`(?s)<(script|style|svg|title).*?</(script|style|svg|title)>`).ReplaceAllString(html, " ")
	html = regexp.MustCompile(`(?s)<.*?>`).ReplaceAllString(html, " ")
	html = strings.NewReplacer("&#39;", "'", "&amp;", "&", "\u00a0", " ").Replace(html)
	return strings.Join(strings.Fields(html), " ")
}

// in checks that the text holds the words in this order.
func in(t *testing.T, text string, words ...string) {
	t.Helper()
	rest := text
	for _, w := range words {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Errorf("%q is missing, or not in this order, in:\n%s", w, text)
			return
		}
		rest = after
	}
}

func TestFirstPageSaysWhichMachinesWork(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("Satu V.", staff.Staff, "")
	status, html, _ := h.get(c, "/")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	in(t, plain(html), "Koneista 8 / 11 toimii",
		"5 vapaana, 2 käytössä, 1 tyhjennetään, 1 otettu pois käytöstä, 1 suljettu.", "Kolme konetta tarvitsee sinua.",
		"Ensi- ja turvakotien päiväkeskus Symppis", "Otettu pois käytöstä", "Ota käyttöön", "Vapaa", "Suljettu",
		"Illusia", "4 / 5 toimii",
		"Kone 4", "Ei käytössä", "klo 10.12 alkaen", "Koneen tyhjennystä ei voitu varmistaa.", "Käynnistä kone uudelleen virtanapista.", "Käynnistä uudelleen",
		"Kone 1", "Vaatii huomiota", "Kerro teknikolle.", "Ja 1 muu asia",
		"Kone 2", "Käytössä", "Kone 3", "Vapaa", "Tyhjennetty ja tarkistettu klo 12.41", "Kone 10",
		"Mesta", "Kone 1", "Ei yhteyttä", "Tarkista, että kone on päällä", "Kone 3", "Tyhjennetään", "Valmis hetken päästä")
	if !strings.Contains(html, `title="21.11.2026 klo 12.41.00"`) {
		t.Error("no exact time beside what is said")
	}
}

// TestRank: who needs somebody comes first, and the others stay in their
// places when clients come and go.
func TestRank(t *testing.T) {
	with := func(name string, status fleet.Status, calls bool) state.View {
		v := kiosk(0, "a", "A", name, "")
		v.Status = status
		if calls {
			v.Help = &fleet.HelpCall{}
		}
		return v
	}
	order := []state.View{
		with("Kone 9", fleet.StatusOutOfOrder, false), with("Kone 8", fleet.StatusNoConnection, false),
		with("Kone 3", fleet.StatusNeedsAttention, false), with("Kone 7", fleet.StatusInUse, true), with("Kone 6", fleet.StatusOutOfService, false),
		with("Kone 1", fleet.StatusFree, false), with("kone 2", fleet.StatusInUse, false), with("Kone 10", fleet.StatusCleaning, false), with("Kone 11", fleet.StatusInUse, false),
	}
	for i := range order[1:] {
		if a, b := rank(order[i]), rank(order[i+1]); a >= b {
			t.Errorf("%q does not come before %q", a, b)
		}
	}
}

func TestSummary(t *testing.T) {
	with := func(statuses ...fleet.Status) []state.View {
		var all []state.View
		for i, s := range statuses {
			v := kiosk(i, "a", "A", "Kone", "")
			v.Status = s
			all = append(all, v)
		}
		return all
	}
	h := newHouse(t)
	v := visit{tell: h.board.teller("fi")}
	for _, c := range []struct {
		views       []state.View
		title, need string
		calm        bool
	}{
		{nil, "Koneita ei ole vielä", "Teknikko lisää koneen. Sen jälkeen kone näkyy tässä.", true},
		{with(fleet.StatusFree), "Koneista 1 / 1 toimii", "Kaikki on kunnossa.", true},
		{with(fleet.StatusClosed, fleet.StatusClosed), "Koneet on suljettu", "", false},
		{with(fleet.StatusNoConnection, fleet.StatusFree), "Koneista 1 / 2 toimii", "Yksi kone tarvitsee sinua.", false},
	} {
		s := h.board.summary(v, c.views)
		if string(s.Title) != c.title || string(s.Need) != c.need || s.Calm != c.calm {
			t.Errorf("%d machines: %+v, want %q, %q, %v", len(c.views), s, c.title, c.need, c.calm)
		}
	}
	calling := with(fleet.StatusInUse)
	calling[0].Help = &fleet.HelpCall{}
	if s := h.board.summary(v, calling); string(s.Need) != "Yksi kone tarvitsee sinua." {
		t.Errorf("with a call: %q", s.Need)
	}
}

func TestEveryStatusHasIconWordAndColour(t *testing.T) {
	h := newHouse(t)
	css := string(h.board.assets.files["dashboard.css"])
	icons := loadIcons()
	seen := map[string]bool{}
	for _, s := range fleet.Statuses() {
		l := lookOf(s)
		if icons[l.Icon] == "" || seen[l.Icon] {
			t.Errorf("%s has no icon of its own: %q", s, l.Icon)
		}
		seen[l.Icon] = true
		if !strings.Contains(css, "."+l.Class+" ") && !strings.Contains(css, "."+l.Class+",") {
			t.Errorf("%s has no colour", s)
		}
		for _, lang := range languages() {
			if !h.board.texts[lang].has(l.Word) {
				t.Errorf("%s has no word in %s", s, lang)
			}
		}
	}
}

func TestHelpCallIsAnsweredWithoutJavaScript(t *testing.T) {
	h := newHouse(t)
	h.town()
	satu := h.person("Satu V.", staff.Staff, "")
	viewer := h.person("Katsoja", staff.Viewer, "")
	h.call(kioskID(1), 2)
	_, html, _ := h.get(satu, "/")
	in(t, plain(html), "Apua pyydetään: Illusia, Kone 2", "2 minuuttia sitten", "Tulen heti", "5 min päästä", "10 min päästä", "20 min päästä", "En pääse nyt", "Koneista")
	_, html, _ = h.get(viewer, "/")
	in(t, plain(html), "Apua pyydetään: Illusia, Kone 2")
	if strings.Contains(html, "Tulen heti") {
		t.Error("a viewer sees the buttons")
	}
	form := url.Values{"call": {callID(kioskID(1))}, "answer": {"coming"}, "back": {"/help"}}
	status, _, head := h.post(satu, "/kiosks/"+string(kioskID(1))+"/help", form)
	if status != http.StatusSeeOther || head.Get("Location") != "/help" {
		t.Fatalf("%d to %s", status, head.Get("Location"))
	}
	_, html, _ = h.get(satu, "/help")
	in(t, plain(html), "Satu V. tulee heti: Illusia, Kone 2", "Hoidettu", "Vastauksesi näkyy asiakkaalle.", "Vastatut", "Satu V.", "Vastasi apupyyntöön: Tulen heti", "Kone 2, Illusia")
	if strings.Contains(html, "data-ring") {
		t.Error("an answered call still rings")
	}
	form.Set("answer", "done")
	h.post(satu, "/kiosks/"+string(kioskID(1))+"/help", form)
	h.post(satu, "/kiosks/"+string(kioskID(1))+"/help", form)
	_, html, _ = h.get(satu, "/help")
	in(t, plain(html), "Apupyyntö on jo päättynyt.", "Kukaan ei pyydä apua nyt.")
	want := []string{"satu v. answers kaaaaaaaaaaab 00000000000000ab coming as Satu V.", "satu v. answers kaaaaaaaaaaab 00000000000000ab done as Satu V."}
	if got := h.done(); !slices.Equal(got, want) {
		t.Errorf("did %q, want %q", got, want)
	}
}

func TestOrders(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "")
	base := "/kiosks/" + string(kioskID(1)) + "/"
	for _, p := range []struct{ path, text, flash string }{
		{"end_session", "", "Käsky lähetettiin"}, {"out_of_service", "", "Käsky lähetettiin"}, {"in_service", "", "Käsky lähetettiin"},
		{"identify", "", "Käsky lähetettiin"}, {"restart_kiosk", "", "Käsky lähetettiin"}, {"reboot", "", "Käsky lähetettiin"},
		{"message", " Suljemme\r\n\x1b[2Jkohta. ", "Käsky lähetettiin"}, {"message", " \n ", "Kirjoita ensin viesti."},
		{"message", strings.Repeat("ä", 201), "Viesti on liian pitkä."},
	} {
		status, _, head := h.post(c, base+p.path, url.Values{"text": {p.text}, "back": {"/kiosks/" + string(kioskID(1))}})
		if status != http.StatusSeeOther || head.Get("Location") != "/kiosks/"+string(kioskID(1)) {
			t.Fatalf("%s: %d to %s", p.path, status, head.Get("Location"))
		}
		_, html, _ := h.get(c, "/kiosks/"+string(kioskID(1)))
		in(t, plain(html), p.flash)
	}
	var want []string
	for _, s := range []string{"end_session now=true", "out_of_service now=false", "in_service now=false", "identify now=false",
		"restart_kiosk now=false", "reboot now=false", "message now=false Suljemme [2Jkohta."} {
		want = append(want, "satu orders kaaaaaaaaaaab "+s)
	}
	if got := h.done(); !slices.Equal(got, want) {
		t.Errorf("did\n%q, want\n%q", got, want)
	}
	_, html, _ := h.get(c, "/audit")
	in(t, plain(html), "Viesti koneen ruudulle", "Lopeta istunto", "Otti salasanan käyttöön", "palvelin", "Lisäsi tunnuksen satu")
}

func TestKioskPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	staffer, technician := h.person("satu", staff.Staff, ""), h.person("teppo", staff.Technician, "")
	_, html, _ := h.get(staffer, "/kiosks/"+string(kioskID(0)))
	in(t, plain(html), "Kone 1", "Illusia, aula", "Vaatii huomiota", "Mikä on vialla", "Koneen levy on melkein täynnä.", "Kerro teknikolle.",
		"Koneessa on vika too_hot.", "Yhteydessä viimeksi", "Ota pois käytöstä", "Viesti koneen ruudulle", "Verkko Toimii", "Muisti 5,0 Gt vapaana, yhteensä 8,0 Gt",
		"Lämpötila 51 °C", "Ollut päällä 3 tuntia", "Tyhjennetty ja tarkistettu klo 12.41 . Todistus numero 42.")
	for _, absent := range []string{"Lopeta istunto", "Dell", "Ota käyttöön"} {
		if strings.Contains(html, absent) {
			t.Errorf("%s is on the page", absent)
		}
	}
	_, html, _ = h.get(technician, "/kiosks/"+string(kioskID(0)))
	in(t, plain(html), "Dell OptiPlex")
	_, html, _ = h.get(staffer, "/kiosks/"+string(kioskID(1)))
	in(t, plain(html), "Lopeta istunto", "Asiakkaan työ katkeaa", "Lopeta ja tyhjennä")
	_, html, _ = h.get(staffer, "/kiosks/"+string(kioskID(10)))
	in(t, plain(html), "Ota käyttöön")
	_, html, _ = h.get(h.person("katsoja", staff.Viewer, ""), "/kiosks/"+string(kioskID(1)))
	in(t, plain(html), "Sinulla on oikeus katsoa.")
	if strings.Contains(html, "<form method=\"post\" action=\"/kiosks") {
		t.Error("a viewer has buttons")
	}
	h.change(kioskID(2), func(v *state.View) { v.Report, v.Proof, v.LastSeen = nil, nil, time.Time{} })
	_, html, _ = h.get(staffer, "/kiosks/"+string(kioskID(2)))
	in(t, plain(html), "Kone ei ole vielä ottanut yhteyttä.", "Kone ei ole kertonut kunnostaan", "ei ole vielä tyhjennetty")
	h.change(kioskID(2), func(v *state.View) { v.Proof = &fleet.ProofSummary{Seq: 3, At: time.Now()} })
	_, html, _ = h.get(staffer, "/kiosks/"+string(kioskID(2)))
	in(t, plain(html), "Tyhjennystä ei voitu varmistaa")
}

func TestPagesAreSmallAndSelfContained(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.call(kioskID(1), 2)
	h.paper(kioskID(3), "x", nil)
	c := h.person("pomo", staff.Admin, "")
	bad := regexp.MustCompile(`(?i)\sstyle=|<style|<script(?:[^>]*)>[^<]|\son[a-z]+="|https?://|//cdn`)
	for _, path := range []string{"/", "/help", "/audit", "/staff", "/agent", "/sites/illusia/settings", "/kiosks/" + string(kioskID(3)) + "/sign", "/kiosks/" + string(kioskID(3)) + "/sheet", "/kiosks/" + string(kioskID(4)) + "/sheet", "/reports", "/tally", "/tally?site=illusia", "/walls", "/releases", "/kiosks/" + string(kioskID(3)), "/none", "/sign-in"} {
		_, html, head := h.get(c, path)
		if path == "/sign-in" {
			_, html, head = h.get(h.client(), path)
		}
		if m := bad.FindString(strings.ReplaceAll(html, "http://www.w3.org/2000/svg", "")); m != "" {
			t.Errorf("%s holds %q", path, m)
		}
		for k, want := range map[string]string{"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin"} {
			if !strings.HasPrefix(head.Get(k), want) {
				t.Errorf("%s: %s is %q", path, k, head.Get(k))
			}
		}
	}
	for name := range h.board.assets.files {
		status, _, head := h.get(http.DefaultClient, h.board.assets.address(name))
		if status != 200 || !strings.Contains(head.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", name, status, head.Get("Cache-Control"))
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	h := newHouse(t)
	v := kiosk(0, "a", `<b>site</b>`, `<img src=x onerror=alert(1)>`, `"><script>`)
	v.Help = &fleet.HelpCall{ID: "0000000000000000"}
	h.put(v)
	h.paper(v.Kiosk.ID, "<b>value", map[string]fleet.Mark{"sound": fleet.Failed})
	c := h.person("<i>Satu</i>", staff.Admin, "")
	h.mem.AppendAudit(staff.Entry{Who: "<u>x", Action: "<s>", Kiosk: v.Kiosk.ID, Site: "a", Detail: "<em>"})
	for _, path := range []string{"/", "/audit", "/staff", "/help", "/reports", "/tally?site=a", "/walls", "/releases", h.hang("a"), "/kiosks/" + string(v.Kiosk.ID), "/kiosks/" + string(v.Kiosk.ID) + "/sheet"} {
		_, html, _ := h.get(c, path)
		for _, tag := range []string{"<b>", "<img", "<i>", "<u>", "<s>", "<em>", `"><script>`} {
			if strings.Contains(html, tag) {
				t.Errorf("%s: %s is not escaped", path, tag)
			}
		}
	}
}

func TestSignInPages(t *testing.T) {
	h := newHouse(t)
	h.person("satu", staff.Staff, "")
	c := h.client()
	status, _, head := h.get(c, "/kiosks/kaaaaaaaaaaaa")
	if status != http.StatusSeeOther || head.Get("Location") != "/sign-in?next=%2Fkiosks%2Fkaaaaaaaaaaaa" {
		t.Fatalf("%d to %s", status, head.Get("Location"))
	}
	_, html, _ := h.get(c, head.Get("Location"))
	in(t, html, `name="next" value="/kiosks/kaaaaaaaaaaaa"`)
	for _, p := range []struct {
		form   url.Values
		status int
		says   string
	}{
		{url.Values{"name": {"satu"}, "password": {"no"}}, 401, "Nimi tai salasana on väärä."},
		{url.Values{"way": {"code"}, "name": {"satu"}, "code": {"x"}, "new": {password}, "again": {password}}, 401, "Nimi tai kertakoodi on väärä"},
		{url.Values{"way": {"code"}, "name": {"satu"}, "code": {"x"}, "new": {password}, "again": {"other"}}, 422, "Salasanat eivät ole samat."},
		{url.Values{"way": {"code"}, "name": {"satu"}, "code": {"x"}, "new": {"a"}, "again": {"a"}}, 422, "Salasana on liian lyhyt."},
		{url.Values{"way": {"code"}, "name": {"satu"}, "code": {"x"}, "new": {"salasana1234567"}, "again": {"salasana1234567"}}, 422, "helppo arvata"},
	} {
		status, html, _ := h.post(c, "/sign-in", p.form)
		if status != p.status {
			t.Errorf("%v: %d", p.form, status)
		}
		in(t, plain(html), p.says)
		in(t, html, `value="satu"`)
	}
	for range 20 {
		status, html, _ = h.post(c, "/sign-in", url.Values{"name": {"satu"}, "password": {"no"}})
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("the twentieth try: %d", status)
	}
	in(t, plain(html), "Liian monta yritystä. Odota minuutti")
}

func TestChangePassword(t *testing.T) {
	h := newHouse(t)
	here := h.person("satu", staff.Staff, "")
	there := h.client()
	if status, _, _ := h.post(there, "/sign-in", url.Values{"name": {"satu"}, "password": {password}}); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	status, html, _ := h.post(here, "/account/password", url.Values{"old": {"no"}, "new": {"ihan uusi salasana"}, "again": {"ihan uusi salasana"}})
	if status != 401 {
		t.Errorf("with the wrong password: %d", status)
	}
	in(t, plain(html), "Salasana on väärä.")
	if status, _, _ := h.post(here, "/account/password", url.Values{"old": {password}, "new": {"ihan uusi salasana"}, "again": {"ihan uusi salasana"}}); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	_, html, _ = h.get(here, "/account")
	in(t, plain(html), "Salasana on vaihdettu.")
	if status, _, _ := h.get(there, "/"); status != http.StatusSeeOther {
		t.Errorf("the other device is still signed in: %d", status)
	}
}

func TestHomeStaysHere(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/help": "/help", "/kiosks/kab?x=1": "/kiosks/kab", "": "/", "//evil.test": "/", "https://evil.test/": "/",
		"/\\evil.test": "/", "javascript:alert(1)": "/", "/%2F/evil": "/", "\thttps://evil.test": "/", "/ok\r\nX: y": "/", "help": "/",
	} {
		if got := home(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Pages are parsed when somebody looks: so that nobody meets one that does not
// parse, all of them are here.
func TestEveryPageParses(t *testing.T) {
	h := newHouse(t)
	for _, lang := range languages() {
		for _, name := range pageNames() {
			if p := h.board.pages.get(lang, name); p.Lookup("base.html") == nil || p != h.board.pages.get(lang, name) {
				t.Errorf("%s in %s is not there, or twice", name, lang)
			}
		}
	}
}
