package dashboard

import (
	"bufio"
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"yhteiskone/agent/staff"
)

// found is what the group of a regular expression finds on a page.
func found(t *testing.T, page, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("%s is not on the page:\n%s", pattern, plain(page))
	}
	return html.UnescapeString(m[1])
}

// TestPeopleWithoutJavaScript goes the whole way of a person with nothing but
// requests: invited, in, a second factor, out, in again with it.
func TestPeopleWithoutJavaScript(t *testing.T) {
	h := newHouse(t)
	h.town()
	boss := h.person("pomo", staff.Admin, "")
	_, page, _ := h.get(boss, "/staff")
	in(t, plain(page), "Henkilöt", "pomo", "ylläpitäjä: kaikki paikat", "Illusia", "Mesta")
	status, page, head := h.post(boss, "/staff", url.Values{"name": {"Satu V."}, "mail": {"satu@example.fi"}, "role": {"staff"}, "site": {"illusia", "mesta"}})
	if status != http.StatusOK || head.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", status, head.Get("Cache-Control"))
	}
	link, code := found(t, page, `id="link">([^<]*)<`), found(t, page, `id="code">([^<]*)<`)
	if link != "https://agent.test:8443/invite#"+code+"/Satu%20V." {
		t.Errorf("the link is %s", link)
	}
	for _, c := range []struct {
		form url.Values
		says string
	}{
		{url.Values{"name": {"satu  v."}, "role": {"staff"}, "site": {"mesta"}}, "Tämän niminen henkilö on jo olemassa."},
		{url.Values{"name": {"b"}, "mail": {"SATU@example.fi"}, "role": {"staff"}, "site": {"mesta"}}, "jo tämä sähköpostiosoite"},
		{url.Values{"name": {"b"}, "mail": {"x"}, "role": {"staff"}, "site": {"mesta"}}, "väärin kirjoitettu"},
		{url.Values{"name": {"b"}, "role": {"staff"}}, "Valitse ainakin yksi paikka."},
		{url.Values{"name": {"b"}, "role": {"king"}, "site": {"all"}}, "Valitse rooli"},
		{url.Values{"name": {"!?"}, "role": {"staff"}, "site": {"all"}}, "Tätä nimeä ei voi käyttää."},
	} {
		status, page, _ := h.post(boss, "/staff", c.form)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", c.form, status)
		}
		in(t, plain(page), c.says)
		in(t, page, `value="`+html.EscapeString(c.form.Get("name"))+`"`)
	}

	// In, by the page where the link leads.
	c := h.client()
	_, page, _ = h.get(c, "/invite")
	in(t, page, "/static/invite.js")
	form := url.Values{"name": {"Satu V."}, "code": {code}, "new": {password}, "again": {"other"}}
	if status, page, _ = h.post(c, "/invite", form); status != http.StatusUnprocessableEntity || !strings.Contains(page, `value="Satu V."`) {
		t.Errorf("two passwords: %d", status)
	}
	form.Set("again", password)
	if status, _, head = h.post(c, "/invite", form); status != http.StatusSeeOther || head.Get("Location") != "/" {
		t.Fatalf("accept: %d to %s", status, head.Get("Location"))
	}
	if status, _, _ = h.post(h.client(), "/invite", form); status != http.StatusUnauthorized {
		t.Errorf("the code again: %d", status)
	}

	// A second factor.
	if status, page, _ = h.post(c, "/account/factor/begin", url.Values{"password": {"no"}}); status != http.StatusUnauthorized {
		t.Errorf("begin with the wrong password: %d", status)
	}
	in(t, plain(page), "Salasana on väärä.")
	h.post(c, "/account/factor/begin", url.Values{"password": {password}})
	_, page, _ = h.get(c, "/account/factor")
	in(t, page, `<svg class="qr" role="img"`)
	secret := strings.ReplaceAll(found(t, page, `<code>([A-Z2-7 ]{20,})</code>`), " ", "")
	now := func(ahead time.Duration) string { return must(totp.GenerateCode(secret, h.board.Now().Add(ahead))) }
	if status, page, _ = h.post(c, "/account/factor", url.Values{"code": {"000000"}}); status != http.StatusUnauthorized || !strings.Contains(page, "qr") {
		t.Errorf("a wrong code: %d", status)
	}
	if status, page, _ = h.post(c, "/account/factor", url.Values{"code": {now(0)}}); status != http.StatusOK {
		t.Fatalf("confirm: %d %s", status, plain(page))
	}
	backup := regexp.MustCompile(`<li><code>([0-9A-Z-]{14})</code>`).FindAllStringSubmatch(page, -1)
	if len(backup) != 10 {
		t.Fatalf("%d backup codes", len(backup))
	}
	_, page, _ = h.get(c, "/account")
	in(t, plain(page), "Toinen vaihe on käytössä. Varakoodeja on jäljellä 10.")

	// Out, and in again.
	h.post(c, "/sign-out", nil)
	enter := func(next string) (int, http.Header) {
		status, _, head := h.post(c, "/sign-in", url.Values{"name": {"satu v."}, "password": {password}, "next": {next}})
		return status, head
	}
	if status, head = enter("/help"); head.Get("Location") != "/sign-in/second" {
		t.Fatalf("%d to %s", status, head.Get("Location"))
	}
	if status, _, _ = h.get(c, "/"); status != http.StatusSeeOther {
		t.Errorf("in half way: %d", status)
	}
	if status, page, _ = h.post(c, "/sign-in/second", url.Values{"code": {"111111"}}); status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
	in(t, plain(page), "Koodi on väärä tai jo käytetty.")
	if status, _, head = h.post(c, "/sign-in/second", url.Values{"code": {now(30 * time.Second)}}); status != http.StatusSeeOther || head.Get("Location") != "/help" {
		t.Errorf("second: %d to %s", status, head.Get("Location"))
	}
	h.post(c, "/sign-out", nil)
	enter("/")
	if status, _, _ = h.post(c, "/sign-in/second", url.Values{"code": {backup[0][1]}}); status != http.StatusSeeOther {
		t.Errorf("a backup code: %d", status)
	}
	h.post(c, "/account/language", url.Values{"language": {"sv"}})
	h.post(c, "/sign-out", nil)
	other := h.client() // another browser speaks the person's language after the sign-in
	h.post(other, "/sign-in", url.Values{"name": {"satu v."}, "password": {password}})
	h.post(other, "/sign-in/second", url.Values{"code": {backup[1][1]}})
	_, page, _ = h.get(other, "/account")
	in(t, plain(page), "Mitt konto")

	_, page, _ = h.get(boss, "/audit")
	in(t, plain(page), "Kirjautui sisään varakoodilla", "Otti toisen vaiheen käyttöön", "Lisäsi tunnuksen satu v.")
}

// An admin of one site looks after the people of that site and no further.
func TestSiteAdmin(t *testing.T) {
	h := newHouse(t)
	h.put(kiosk(0, "here", "Täällä", "Kone 1", ""))
	h.put(kiosk(1, "there", "Muualla", "Kone 2", ""))
	admin := h.person("paikan pomo", staff.Admin, "here")
	h.granted("kahden talon", staff.Grant{Role: staff.Staff, Site: "here"}, staff.Grant{Role: staff.Technician, Site: "there"})
	h.granted("muu", staff.Grant{Role: staff.Staff, Site: "there"})
	h.granted("kaikkien", staff.Grant{Role: staff.Admin})
	h.granted("oma", staff.Grant{Role: staff.Viewer, Site: "here"})
	_, page, _ := h.get(admin, "/staff")
	in(t, plain(page), "kahden talon", "oma")
	for _, hidden := range []string{"muu", "kaikkien", "Muualla", "Vaadi toinen vaihe", `value="all"`} {
		if strings.Contains(page, `">`+hidden) || strings.Contains(page, hidden) && strings.HasPrefix(hidden, "value") {
			t.Errorf("%s is seen", hidden)
		}
	}
	_, page, _ = h.get(admin, "/staff/kahden%20talon")
	in(t, plain(page), "Rooleja on myös paikoissa, joita et hoida.")
	for _, hidden := range []string{"Muualla", "there", "/disable", "/remove", "/code", "/sessions"} {
		if strings.Contains(page, hidden) {
			t.Errorf("%s is on the page of somebody who belongs elsewhere too", hidden)
		}
	}
	form := url.Values{"mail": {""}}
	for path, want := range map[string]int{
		"/staff/muu/role": 404, "/staff/muu/code": 404, "/staff/kaikkien/disable": 404, "/staff/nobody/remove": 404,
		"/staff/kahden%20talon/code": 403, "/staff/kahden%20talon/disable": 403, "/staff/kahden%20talon/remove": 403, "/staff/kahden%20talon/enable": 403,
		"/staff/kahden%20talon/factor": 403, "/staff/kahden%20talon/sessions": 403, "/staff/kahden%20talon/mail": 403,
		"/staff/paikan%20pomo/disable": 422, "/staff/paikan%20pomo/role": 422, "/staff/paikan%20pomo/remove": 422, "/staff/rules": 403,
	} {
		if status, _, _ := h.post(admin, path, form); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	for site, want := range map[string]int{"all": 403, "there": 403, "": 403, "Ei": 403, "here": 303} {
		if status, _, _ := h.post(admin, "/staff/kahden%20talon/role", url.Values{"site": {site}, "role": {"viewer"}}); status != want {
			t.Errorf("a role at %q: %d, want %d", site, status, want)
		}
		status, _, _ := h.post(admin, "/staff", url.Values{"name": {"uusi " + site}, "site": {site}, "role": {"admin"}})
		if status == 200 != (site == "here") {
			t.Errorf("an invitation to %q: %d", site, status)
		}
	}
	m, err := h.staff.Member("kahden talon")
	if err != nil || len(m.Grants) != 2 || m.Grants[0].Role != staff.Viewer || m.Grants[1].Role != staff.Technician {
		t.Errorf("%+v %v", m.Grants, err)
	}
	if status, page, _ := h.post(admin, "/staff/oma/role", url.Values{"site": {"here"}, "role": {""}}); status != 422 || !strings.Contains(plain(page), "ainoa rooli") {
		t.Errorf("the last role: %d", status)
	}
	// What an admin may do to somebody of their own site, from end to end.
	own := h.client()
	h.post(own, "/sign-in", url.Values{"name": {"oma"}, "password": {password}})
	_, page, _ = h.get(admin, "/staff/oma")
	h.post(admin, "/staff/oma/sessions", url.Values{"id": {found(t, page, `name="id" value="([A-Z2-7]+)"`)}})
	for path, flash := range map[string]string{"/staff/oma/disable": "Tunnus on suljettu."} {
		h.post(admin, path, nil)
		_, page, _ = h.get(admin, "/staff/oma")
		in(t, plain(page), flash)
	}
	if status, _, _ := h.get(own, "/"); status != http.StatusSeeOther {
		t.Errorf("a closed account is still in: %d", status)
	}
	h.post(admin, "/staff/oma/enable", nil)
	if status, page, _ := h.post(admin, "/staff/oma/code", nil); status != 200 || !strings.Contains(page, `id="code"`) {
		t.Errorf("a new code: %d", status)
	}
	h.post(admin, "/staff/oma/remove", nil)
	if _, err := h.staff.Member("oma"); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
}

// A live stream of a session that somebody ends is cut at once, over a real
// connection with TLS and HTTP/2.
func TestEndedSessionCutsItsStream(t *testing.T) {
	h := openHouse(t, true)
	h.town()
	boss := h.person("pomo", staff.Admin, "")
	for _, way := range []struct {
		name string
		end  func(name, id string)
	}{
		{"own page", nil},
		{"an admin, one session", func(name, id string) { h.post(boss, "/staff/"+name+"/sessions", url.Values{"id": {id}}) }},
		{"an admin, all", func(name, _ string) { h.post(boss, "/staff/"+name+"/sessions", nil) }},
		{"closed", func(name, _ string) { h.post(boss, "/staff/"+name+"/disable", nil) }},
		{"removed", func(name, _ string) { h.post(boss, "/staff/"+name+"/remove", nil) }},
		{"another role", func(name, _ string) {
			h.post(boss, "/staff/"+name+"/role", url.Values{"site": {"mesta"}, "role": {"viewer"}})
		}},
		{"the rules", func(string, string) { h.post(boss, "/staff/rules", url.Values{"factor": {"viewer"}}) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			name := strings.ReplaceAll(way.name, " ", "")
			here := h.person(name, staff.Staff, "")
			there := h.client()
			h.post(there, "/sign-in", url.Values{"name": {name}, "password": {password}})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			resp, err := there.Do(must(http.NewRequestWithContext(ctx, "GET", h.url+"/events?page=fleet", nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			lines := bufio.NewReader(resp.Body)
			if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry:") {
				t.Fatalf("%q %v", line, err)
			}
			_, page, _ := h.get(here, "/account")
			id := found(t, page, `name="id" value="([A-Z2-7]+)"`)
			if way.end == nil {
				h.post(here, "/account/sessions/end", url.Values{"id": {id}})
			} else {
				way.end(name, id)
			}
			began, bye := time.Now(), false
			for {
				line, err := lines.ReadString('\n')
				bye = bye || line == "event: bye\n"
				if err != nil {
					break
				}
			}
			if took := time.Since(began); !bye || took > 5*time.Second {
				t.Errorf("cut after %v, bye %v", took, bye)
			}
			if way.end == nil {
				if status, _, _ := h.get(here, "/account"); status != http.StatusOK {
					t.Errorf("the session that asked is over too: %d", status)
				}
			}
		})
	}
}

func TestFirstPage(t *testing.T) {
	h := newHouse(t)
	c := h.client()
	if status, _, _ := h.get(c, "/first"); status != http.StatusNotFound {
		t.Errorf("without a code: %d", status)
	}
	code, err := h.staff.OpenFirst()
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := h.get(c, "/sign-in")
	in(t, plain(page), "Kenelläkään ei ole vielä tunnusta. Tee ensimmäinen tunnus")
	status, page, _ := h.post(c, "/first", url.Values{"name": {"Satu"}, "code": {"0000-0000-0000"}, "new": {password}, "again": {password}})
	if status != http.StatusUnauthorized {
		t.Errorf("a wrong code: %d", status)
	}
	in(t, plain(page), "Koodi on väärä tai vanha.")
	in(t, page, `value="Satu"`)
	if status, _, head := h.post(c, "/first", url.Values{"name": {"Satu"}, "code": {code}, "new": {password}, "again": {password}}); status != http.StatusSeeOther || head.Get("Location") != "/" {
		t.Errorf("%d", status)
	}
	if status, _, _ := h.get(c, "/staff"); status != http.StatusOK {
		t.Errorf("the first one is no admin: %d", status)
	}
	for _, method := range []string{"GET", "POST"} {
		if status, _, _ := h.send(h.client(), must(http.NewRequest(method, h.url+"/first", nil))); status != http.StatusNotFound {
			t.Errorf("%s afterwards: %d", method, status)
		}
	}
	if _, page, _ := h.get(h.client(), "/sign-in"); strings.Contains(page, "/first") {
		t.Error("the sign-in page still leads there")
	}
}
