package dashboard

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// access says who gets in at an address. It stands here once more, so that a
// route that somebody opens by mistake is noticed.
type access struct {
	least staff.Role // empty: everybody, signed in or not
	where string     // what the address is about, see the constants
}

const (
	anywhere   = ""           // no site: whoever has the role somewhere
	atKiosk    = "kiosk"      // the kiosk's site
	atPerson   = "person"     // one of the person's sites
	inForm     = "form"       // the site that the form names
	everywhere = "everywhere" // the whole agent
	gone       = "gone"       // not there in this house: no provider, and somebody has an account
)

func accesses() map[string]access {
	all := map[string]access{
		"GET /static/{file}": {}, "GET /sign-in": {}, "POST /sign-in": {}, "GET /sign-in/second": {}, "POST /sign-in/second": {},
		"GET /sign-in/provider": {"", gone}, "GET /sign-in/provider/back": {"", gone},
		"GET /invite": {}, "POST /invite": {}, "GET /first": {"", gone}, "POST /first": {"", gone},

		"GET /{$}": {staff.Viewer, anywhere}, "GET /help": {staff.Viewer, anywhere}, "GET /events": {staff.Viewer, anywhere},
		"GET /audit": {staff.Staff, anywhere}, "GET /agent": {staff.Technician, anywhere}, "GET /kiosks/{id}": {staff.Viewer, atKiosk},

		"GET /staff": {staff.Admin, anywhere}, "POST /staff": {staff.Admin, atKiosk}, "POST /staff/rules": {staff.Admin, everywhere},
		"GET /staff/{name}": {staff.Admin, atPerson},

		"GET /alerts": {staff.Viewer, anywhere}, "POST /alerts/own": {staff.Viewer, anywhere}, "POST /alerts/test": {staff.Viewer, anywhere},
		"POST /alerts/remove": {staff.Viewer, anywhere}, "POST /alerts/site": {staff.Technician, inForm},
		"GET /sites/{id}/settings": {staff.Staff, atKiosk}, "POST /sites/{id}/settings": {staff.Staff, atKiosk},
		"POST /sites/{id}/settings/back": {staff.Staff, atKiosk}, "GET /kiosks/{id}/sign": {staff.Staff, atKiosk},
		"GET /kiosks/{id}/sheet": {staff.Staff, atKiosk}, "POST /kiosks/{id}/sheet": {staff.Technician, atKiosk},

		"GET /sites/{id}": {staff.Viewer, atKiosk}, "GET /reports": {staff.Viewer, anywhere}, "GET /reports.csv": {staff.Viewer, anywhere},
		"GET /tally": {staff.Staff, anywhere}, "POST /tally": {staff.Staff, inForm}, "POST /tally/undo": {staff.Staff, inForm},
		"GET /walls": {staff.Technician, anywhere}, "POST /walls": {staff.Technician, inForm}, "POST /walls/{wall}/remove": {staff.Technician, inForm},
		"GET /releases": {staff.Technician, anywhere}, "POST /releases": {staff.Technician, inForm},
		"GET /wall/{token}": {}, "GET /wall/{token}/events": {},
	}
	for _, own := range []string{"GET /account", "POST /account/password", "POST /account/language", "POST /account/factor/begin",
		"GET /account/factor", "POST /account/factor", "POST /account/factor/remove", "POST /account/recovery",
		"POST /account/sessions/end", "POST /account/sessions/others", "POST /sign-out"} {
		all[own] = access{staff.Viewer, anywhere}
	}
	for _, what := range []string{"role", "mail", "disable", "enable", "code", "factor", "sessions", "remove"} {
		all["POST /staff/{name}/"+what] = access{staff.Admin, atPerson}
	}
	for _, what := range []string{"help", "end_session", "out_of_service", "in_service", "identify", "message", "restart_kiosk",
		"someone_waits", "nobody_waits", "open_web", "reboot", "wake"} {
		all["POST /kiosks/{id}/"+what] = access{staff.Staff, atKiosk}
	}
	all["POST /kiosks/{id}/update_config"] = access{staff.Technician, atKiosk}
	all["POST /kiosks/{id}/check"] = access{staff.Technician, atKiosk}
	return all
}

// walker is somebody who tries every address.
type walker struct {
	name   string
	client *http.Client
	grants []staff.Grant
	header string // Authorization
}

func (h *house) walkers() []walker {
	all := []walker{{name: "nobody", client: h.client()}}
	for _, role := range staff.Roles() {
		for _, grants := range [][]staff.Grant{staff.At(role), staff.At(role, "here"), staff.At(role, "there"),
			{{Role: role, Site: "there"}, {Role: staff.Viewer, Site: "here"}}, staff.At(role, "here", "there")} {
			name := fmt.Sprint(role, " ", len(all))
			all = append(all, walker{name: fmt.Sprint(grants), client: h.granted(name, grants...), grants: grants})
		}
		// A bearer token is for /api: on a page it is nobody's.
		token, err := h.staff.AddToken(staff.Console, string(role), staff.At(role))
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, walker{name: "token of " + string(role), client: h.client(), header: "Bearer " + token})
	}
	return all
}

// want is what a walker meets: "in", "sign in", "no" or "none".
func (a access) want(w walker) string {
	at := func(sites ...fleet.SiteID) staff.Role { // the greatest role that counts at one of them
		var counts []staff.Grant
		for _, g := range w.grants {
			if g.Site == "" || slices.Contains(sites, g.Site) {
				counts = append(counts, g)
			}
		}
		return staff.Greatest(counts)
	}
	enough := func(role staff.Role) bool {
		return slices.Index(staff.Roles(), role) >= slices.Index(staff.Roles(), a.least)
	}
	switch {
	case a.where == gone:
		return "none"
	case a.least == "":
		return "in"
	case len(w.grants) == 0:
		return "sign in"
	case a.where == atKiosk && at("here") == "":
		return "none"
	case (a.where == atPerson || a.where == inForm) && enough(at("here", "there")) && !enough(at("here")):
		return "none" // the role, but not there
	}
	where := map[string][]fleet.SiteID{anywhere: {"here", "there"}, atKiosk: {"here"}, atPerson: {"here"}, inForm: {"here"}, everywhere: nil}[a.where]
	if enough(at(where...)) {
		return "in"
	}
	return "no"
}

// TestEveryRouteAsEverybody walks every registered route as every role, at the
// own site, at another, at both and at all, with a bearer token, and as nobody.
func TestEveryRouteAsEverybody(t *testing.T) {
	h := newHouse(t)
	h.put(kiosk(0, "here", "Here", "Kone 1", ""))
	h.call(kioskID(0), 1)
	known := accesses()
	walkers := h.walkers()
	routes := h.board.routes()
	slices.SortStableFunc(routes, func(a, b route) int { // signing out comes last
		return strings.Compare(strings.Replace(a.pattern, "POST /sign-out", "~", 1), strings.Replace(b.pattern, "POST /sign-out", "~", 1))
	})
	for pattern := range known {
		if !slices.ContainsFunc(routes, func(r route) bool { return r.pattern == pattern }) {
			t.Errorf("%s is expected and not there", pattern)
		}
	}
	for _, r := range routes {
		a, ok := known[r.pattern]
		if !ok {
			t.Errorf("%s is not known to this test: say who may", r.pattern)
			continue
		}
		if strings.HasSuffix(r.pattern, "{token}/events") {
			continue // it does not end; TestWallStream looks at it
		}
		h.hall.walls = nil // one place has room for some only
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.Replace(path, "/sites/{id}", "/sites/here", 1)
		path = strings.NewReplacer("{$}", "", "{id}", string(kioskID(0)), "{file}", "live.js", "{name}", "kohde",
			"{token}", strings.TrimPrefix(h.hang("here"), "/wall/")).Replace(path)
		for i, w := range walkers {
			h.hall.walls = nil
			h.hang("here")
			path := strings.Replace(path, "{wall}", h.hall.walls[0].ID(), 1)
			if strings.HasPrefix(r.pattern, "GET /wall/") {
				path = h.hang("here")
			}
			h.staff.Invite(staff.Console, staff.Newcomer{Name: "kohde", Grants: staff.At(staff.Staff, "here")}) // there already, or removed
			before, audit := len(h.done()), h.changes()
			want := a.want(w)
			if r.pattern == "POST /staff" && want == "none" { // it is about a site, but names it in the form
				want = "no"
			}
			req := must(http.NewRequest(method, h.url+path, strings.NewReader(url.Values{"answer": {"coming"}, "call": {callID(kioskID(0))}, "text": {"x"}, "back": {"/back"},
				"site": {"here"}, "role": {"viewer"}, "name": {fmt.Sprint("uusi ", i)}, "language": {"fi"}}.Encode())))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if w.header != "" {
				req.Header.Set("Authorization", w.header)
			}
			resp, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			got, to := "in", resp.Header.Get("Location")
			switch {
			case resp.StatusCode == http.StatusSeeOther && strings.HasPrefix(to, "/sign-in") && r.pattern != "POST /sign-out" && a.least != "",
				resp.StatusCode == http.StatusUnauthorized && path == "/events",
				len(w.grants) == 0 && r.pattern == "POST /sign-out" && resp.StatusCode == http.StatusSeeOther:
				got = "sign in"
			case resp.StatusCode == http.StatusNotFound:
				got = "none"
			case resp.StatusCode == http.StatusForbidden:
				got = "no"
			}
			if got != want {
				t.Errorf("%s as %s: %s (%d), want %s", r.pattern, w.name, got, resp.StatusCode, want)
			}
			if want != "in" && (len(h.done()) != before || h.changes() != audit) {
				t.Errorf("%s as %s did something", r.pattern, w.name)
			}
		}
	}
}

// changes counts what is in the audit but for the invitations of the test.
func (h *house) changes() int {
	all, _ := h.mem.Entries("", 1<<20)
	n := 0
	for _, e := range all {
		if e.Who != staff.Console {
			n++
		}
	}
	return n
}

// Who has a role that needs a second factor, and none yet, gets no further
// than their own account; with one, everything is open.
func TestEveryRouteWithoutTheSecondFactor(t *testing.T) {
	h := newHouse(t)
	h.put(kiosk(0, "here", "Here", "Kone 1", ""))
	c := h.person("pomo", staff.Admin, "")
	if err := h.staff.SetRules(staff.Console, staff.Rules{Factor: []staff.Role{staff.Admin}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.board.routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.Replace(path, "/sites/{id}", "/sites/here", 1)
		path = strings.NewReplacer("{$}", "", "{id}", string(kioskID(0)), "{file}", "live.js", "{name}", "pomo", "{wall}", "x").Replace(path)
		if r.action == "" || r.action == staff.ChangeOwn {
			continue
		}
		status, _, head := h.send(c, must(http.NewRequest(method, h.url+path, nil)))
		if (status != http.StatusSeeOther || head.Get("Location") != "/account") && status != http.StatusForbidden && status != http.StatusNotFound {
			t.Errorf("%s: %d", r.pattern, status)
		}
	}
	if len(h.done()) != 0 {
		t.Errorf("did %q", h.done())
	}
	status, html, _ := h.get(c, "/account")
	if status != http.StatusOK {
		t.Errorf("the own account: %d", status)
	}
	in(t, plain(html), "Roolisi vaatii toisen vaiheen")
	if strings.Contains(html, `href="/staff"`) || strings.Contains(html, "data-events") {
		t.Error("the page leads to what is closed")
	}
}

// TestOtherSitesAreNotSeen looks for the name of another site's machine on
// every page and in the stream.
func TestOtherSitesAreNotSeen(t *testing.T) {
	h := newHouse(t)
	h.put(kiosk(0, "here", "Here", "Kone 1", ""))
	h.put(kiosk(1, "there", "Salainen", "Piilo", "Nurkka"))
	h.paper(kioskID(1), "Nurkka", nil)
	h.change(kioskID(1), func(v *state.View) { v.Help = &fleet.HelpCall{ID: callID(kioskID(1))} })
	boss := h.person("pomo", staff.Admin, "")
	h.post(boss, "/kiosks/"+string(kioskID(1))+"/identify", nil)
	h.post(boss, "/kiosks/"+string(kioskID(1))+"/help", url.Values{"call": {callID(kioskID(1))}, "answer": {"coming"}})
	for _, role := range staff.Roles() {
		c := h.person(string(role), role, "here")
		for _, path := range []string{"/", "/help", "/audit", "/staff", "/reports", "/reports.csv", "/tally", "/walls", "/releases", "/kiosks/" + string(kioskID(0)), "/kiosks/" + string(kioskID(1)), "/kiosks/" + string(kioskID(0)) + "/sheet", "/kiosks/" + string(kioskID(1)) + "/sheet", "/sites/here", "/sites/there"} {
			_, html, _ := h.get(c, path)
			html = strings.ReplaceAll(html, "/sites/there", "") // the address itself
			for _, word := range []string{"Salainen", "Piilo", "Nurkka", "there", "pomo"} {
				if strings.Contains(html, word) {
					t.Errorf("%s on %s sees %s", role, path, word)
				}
			}
		}
		status, _, _ := h.get(c, "/events?page=kiosk&kiosk="+string(kioskID(1)))
		if status != http.StatusNotFound {
			t.Errorf("%s may listen to the other site's machine: %d", role, status)
		}
	}
}

func TestCrossOriginIsRefused(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "")
	for _, r := range h.board.routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != "POST" {
			continue
		}
		for k, v := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"} {
			req := must(http.NewRequest(method, h.url+strings.Replace(path, "{id}", string(kioskID(0)), 1), nil))
			req.Header.Set(k, v)
			if status, html, _ := h.send(c, req); status != http.StatusForbidden || !strings.Contains(html, "Pyyntö tuli toiselta sivustolta") {
				t.Errorf("%s with %s: %d", r.pattern, k, status)
			}
		}
	}
	if status, _, _ := h.get(c, "/"); status != http.StatusOK || len(h.done()) != 0 {
		t.Errorf("signed out by another site (%d), or did %q", status, h.done())
	}
	req := must(http.NewRequest("POST", h.url+"/kiosks/"+string(kioskID(0))+"/identify", nil))
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if h.send(c, req); len(h.done()) != 1 {
		t.Error("our own form was refused")
	}
}

func TestBodyIsBounded(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "")
	r := must(http.NewRequest("POST", h.url+"/kiosks/"+string(kioskID(0))+"/message", bytes.NewReader(bytes.Repeat([]byte("text=a&"), 1<<20))))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, _, _ := h.send(c, r); status >= 500 || len(h.done()) != 0 {
		t.Errorf("%d, did %q", status, h.done())
	}
}
