package dashboard

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// TestEveryRouteAsEverybody walks every route as every role, at the own site
// and from another one, and signed out. What is expected stands here once
// more, so that a route that somebody opens by mistake is noticed.
func TestEveryRouteAsEverybody(t *testing.T) {
	least := map[string]staff.Role{
		"GET /{$}": staff.Viewer, "GET /kiosks/{id}": staff.Viewer, "GET /sites/{id}": staff.Viewer, "GET /help": staff.Viewer, "GET /events": staff.Viewer,
		"GET /staff": staff.Viewer, "POST /staff/password": staff.Viewer, "POST /sign-out": staff.Viewer,
		"GET /reports": staff.Viewer, "GET /reports.csv": staff.Viewer,
		"GET /walls": staff.Technician, "POST /walls": staff.Technician, "POST /walls/{wall}/remove": staff.Technician,
		"GET /tally": staff.Staff, "POST /tally": staff.Staff, "POST /tally/undo": staff.Staff, "GET /audit": staff.Staff, "POST /kiosks/{id}/help": staff.Staff, "POST /kiosks/{id}/end_session": staff.Staff,
		"POST /kiosks/{id}/out_of_service": staff.Staff, "POST /kiosks/{id}/in_service": staff.Staff,
		"POST /kiosks/{id}/identify": staff.Staff, "POST /kiosks/{id}/message": staff.Staff, "POST /kiosks/{id}/restart_kiosk": staff.Staff,
		"POST /kiosks/{id}/someone_waits": staff.Staff, "POST /kiosks/{id}/nobody_waits": staff.Staff, "POST /kiosks/{id}/open_web": staff.Staff,
	}
	public := []string{"GET /wall/{token}", "GET /wall/{token}/events", "GET /static/{file}", "GET /sign-in", "POST /sign-in"}

	h := newHouse(t)
	h.put(kiosk(0, "here", "Here", "Kone 1", ""))
	h.call(kioskID(0), 1)
	type walker struct {
		client *http.Client
		role   staff.Role
		site   fleet.SiteID
	}
	walkers := []walker{{client: h.client()}}
	for _, role := range staff.Roles() {
		for _, site := range []fleet.SiteID{"", "here", "there"} {
			walkers = append(walkers, walker{h.person(string(role)+" "+string(site), role, site), role, site})
		}
	}
	routes := h.board.routes()
	slices.SortStableFunc(routes, func(a, b route) int { // signing out comes last
		return strings.Compare(strings.Replace(a.pattern, "POST /sign-out", "~", 1), strings.Replace(b.pattern, "POST /sign-out", "~", 1))
	})
	if len(routes) != len(least)+len(public) {
		t.Errorf("%d routes; this test knows %d", len(routes), len(least)+len(public))
	}
	for _, r := range routes {
		h.hall.walls = nil // one place has room for some only
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.Replace(path, "/sites/{id}", "/sites/here", 1)
		path = strings.NewReplacer("{$}", "", "{id}", string(kioskID(0)), "{file}", "live.js", "{token}", strings.TrimPrefix(h.hang("here"), "/wall/")).Replace(path)
		need, known := least[r.pattern]
		if !known && !slices.Contains(public, r.pattern) {
			t.Errorf("%s is not known to this test", r.pattern)
		}
		if strings.HasSuffix(r.pattern, "{token}/events") {
			continue // it does not end; TestWallStream looks at it
		}
		for _, w := range walkers {
			before := len(h.done())
			h.hang("here")
			path := strings.Replace(path, "{wall}", h.hall.walls[len(h.hall.walls)-1].ID(), 1)
			want := "in"
			switch {
			case !known:
			case w.role == "":
				want = "sign in"
			case strings.Contains(r.pattern, "{id}") && w.site == "there":
				want = "none"
			case strings.HasPrefix(r.pattern, "POST /tally") && w.site == "there" && w.role != staff.Viewer:
				want = "none" // the form is of another site
			case strings.HasPrefix(r.pattern, "POST /walls") && w.site == "there" && slices.Index(staff.Roles(), w.role) >= slices.Index(staff.Roles(), staff.Technician):
				want = "none"
			case slices.Index(staff.Roles(), w.role) < slices.Index(staff.Roles(), need):
				want = "no"
			}
			req := must(http.NewRequest(method, h.url+path, strings.NewReader(url.Values{"answer": {"coming"}, "call": {callID(kioskID(0))}, "text": {"x"}, "back": {"/back"}, "site": {"here"}}.Encode())))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			got := "in"
			switch {
			case resp.StatusCode == http.StatusSeeOther && strings.HasPrefix(resp.Header.Get("Location"), "/sign-in") && r.pattern != "POST /sign-out",
				resp.StatusCode == http.StatusUnauthorized && path == "/events",
				w.role == "" && r.pattern == "POST /sign-out" && resp.StatusCode == http.StatusSeeOther:
				got = "sign in"
			case resp.StatusCode == http.StatusNotFound:
				got = "none"
			case resp.StatusCode == http.StatusForbidden:
				got = "no"
			}
			if got != want {
				t.Errorf("%s as %s of %q: %s (%d), want %s", r.pattern, w.role, w.site, got, resp.StatusCode, want)
			}
			if want != "in" && len(h.done()) != before {
				t.Errorf("%s as %s of %q did something", r.pattern, w.role, w.site)
			}
		}
	}
}

// TestOtherSitesAreNotSeen looks for the name of another site's machine on
// every page and in the stream.
func TestOtherSitesAreNotSeen(t *testing.T) {
	h := newHouse(t)
	h.put(kiosk(0, "here", "Here", "Kone 1", ""))
	h.put(kiosk(1, "there", "Salainen", "Piilo", "Nurkka"))
	h.change(kioskID(1), func(v *state.View) { v.Help = &fleet.HelpCall{ID: callID(kioskID(1))} })
	boss := h.person("pomo", staff.Admin, "")
	h.post(boss, "/kiosks/"+string(kioskID(1))+"/identify", nil)
	h.post(boss, "/kiosks/"+string(kioskID(1))+"/help", url.Values{"call": {callID(kioskID(1))}, "answer": {"coming"}})
	for _, role := range staff.Roles() {
		c := h.person(string(role), role, "here")
		for _, path := range []string{"/", "/help", "/audit", "/staff", "/reports", "/reports.csv", "/tally", "/walls", "/kiosks/" + string(kioskID(0)), "/kiosks/" + string(kioskID(1)), "/sites/here", "/sites/there"} {
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
