package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/front"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// insideAgent is an agent without a listener, with one kiosk at "ranta".
func insideAgent(t *testing.T) (*agent, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	d, err := openData(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	st, id := d.store, d.id
	c, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a := &agent{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), config: c, dir: dir, store: st, id: id, again: make(chan struct{})}
	a.metrics = newMetrics(a)
	a.listener = front.Limit(nil, front.Limits{}, nil)
	a.backup = newBackups(keeperOf(dir, st, c.Backup), c.Backup.Every.Duration, a.log)
	a.board = state.NewBoard(watch.Judge)
	a.gate = gate.New(gate.Config{Store: st, Presence: a.board, Signer: id, Pin: id.Pin(), Log: a.log})
	a.alerts = newAlerts(a)
	if a.people, err = newPeople(a, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := st.SetAddress("https://agent.test"); err != nil {
		t.Fatal(err)
	}
	if _, err := st.PutSites(fleet.Site{ID: "ranta", Name: "Ranta"}, fleet.Site{ID: "tori", Name: "Tori"}); err != nil {
		t.Fatal(err)
	}
	a.board.Put(state.Known{Kiosk: fleet.Kiosk{ID: walkKiosk, Site: "ranta", Name: "Kone 1"}, SiteName: "Ranta"})
	return a, &log
}

const walkKiosk = "kaaaaaaaaaaaa"

// TestEveryAddress walks every registered address of the agent, those of the
// dashboard too, as nobody, with tokens of every role and site, and with the
// cookie of a person; what may be expected of each stands here once more.
func TestEveryAddress(t *testing.T) {
	a, _ := insideAgent(t)
	// The least role of a token; "" lets everybody in; "page" is the
	// dashboard's, whose own test knows more; "device" wants no person at all.
	// Numbers are of all sites: a token of one is not enough.
	least := map[string]string{
		"GET /link": "device", "POST /enrol": "device", "GET /healthz": "", "GET /readyz": "", "/api/": "", "/": "page",
		"GET /api/v1/kiosks": "viewer", "GET /api/v1/kiosks/{id}": "viewer", "GET /api/v1/sites": "viewer", "GET /metrics": "viewer", "POST /api/v1/enrolments": "technician",
		"GET /api/v1/enrolments": "technician", "DELETE /api/v1/enrolments/{id}": "technician",
		"POST /api/v1/kiosks/{id}/check": "technician", "GET /api/v1/kiosks/{id}/sheet": "staff",
		"GET /release/{version}/{file}": "device", "POST /api/v1/releases": "technician", "PUT /api/v1/releases/{version}/{file}": "technician", "POST /api/v1/releases/{version}": "technician", "POST /api/v1/releases/{version}/offers": "technician",
	}
	open := map[string]bool{"GET /static/{file}": true, "GET /sign-in": true, "POST /sign-in": true, "GET /sign-in/second": true,
		"POST /sign-in/second": true, "GET /sign-in/provider": true, "GET /sign-in/provider/back": true, "GET /invite": true,
		"POST /invite": true, "GET /first": true, "POST /first": true, "GET /wall/{token}": true, "GET /wall/{token}/events": true}
	inner, outer := a.tables()
	patterns := append(append([]string{}, inner.patterns...), outer.patterns...)
	for p := range least {
		if !strings.Contains(strings.Join(patterns, "\n")+"\n", p+"\n") {
			t.Errorf("%s is expected and not there", p)
		}
	}
	for _, p := range dashboard.Patterns() {
		if !open[p] {
			least[p] = "page"
		}
		patterns = append(patterns, p)
	}
	handler := a.routes()
	ask := func(pattern, token, cookie string) *http.Response {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "GET", pattern
		}
		path = strings.NewReplacer("{$}", "", "{id}", walkKiosk, "{file}", "live.js", "{name}", "satu").Replace(path)
		body, _ := wire.EncodeBody(wire.EnrolmentRequest{Site: "ranta", Name: "Kone", Uses: 1, TTLS: 600})
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		ctx, cancel := context.WithCancel(r.Context())
		cancel() // a stream ends at once
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r.WithContext(ctx))
		return w.Result()
	}
	cookie := signedIn(t, a, handler, "satu", staff.Admin)
	for _, pattern := range patterns {
		need, known := least[pattern]
		if !known && !open[pattern] {
			t.Errorf("%s is not known to this test: say who may", pattern)
			continue
		}
		for _, role := range append([]staff.Role{""}, staff.Roles()...) {
			for _, site := range []fleet.SiteID{"", "ranta", "tori"} {
				token := ""
				if role != "" {
					var err error
					name := fmt.Sprint(pattern, role, site)
					if token, err = a.people.staff.AddToken(staff.Console, name[max(0, len(name)-60):], staff.At(role, sites(site)...)); err != nil {
						t.Fatal(err)
					}
				} else if site != "" {
					continue
				}
				got := ask(pattern, token, "").StatusCode
				var want int // 0: anything but a refusal
				switch {
				case need == "page" && got == http.StatusSeeOther, need == "page" && got == http.StatusUnauthorized && pattern == "GET /events":
					continue // asked to sign in: a token is nothing here
				case need == "page":
					want = http.StatusSeeOther
				case need == "device" || need == "":
				case role == "":
					want = http.StatusUnauthorized
				case rankOf(role) < rankOf(staff.Role(need)):
					want = http.StatusForbidden
				case site == "tori" && strings.Contains(pattern, "{id}"), strings.HasPrefix(pattern, "DELETE "): // there is no such code
					want = http.StatusNotFound
				case site != "" && pattern == "GET /metrics":
					want = http.StatusForbidden
				case site != "" && strings.Contains(pattern, "/api/v1/releases") && !strings.HasSuffix(pattern, "/offers"): // of every site
					want = http.StatusForbidden
				case site == "tori" && pattern == "POST /api/v1/enrolments":
					want = http.StatusForbidden
				}
				if refused := got == 401 || got == 403; want == 0 && refused && need != "device" && !open[pattern] || want != 0 && got != want {
					t.Errorf("%s with a token of %q at %q: %d, want %d", pattern, role, site, got, want)
				}
			}
		}
		// The cookie of an admin opens pages and nothing else.
		if got := ask(pattern, "", cookie).StatusCode; need != "" && need != "page" && need != "device" && got != http.StatusUnauthorized {
			t.Errorf("%s with a cookie: %d", pattern, got)
		}
	}
}

func sites(s fleet.SiteID) []fleet.SiteID {
	if s == "" {
		return nil
	}
	return []fleet.SiteID{s}
}

func rankOf(r staff.Role) int {
	for i, role := range staff.Roles() {
		if role == r {
			return i
		}
	}
	return -1
}

// signedIn makes an account and returns its cookie.
func signedIn(t *testing.T, a *agent, h http.Handler, name string, role staff.Role) string {
	t.Helper()
	i, err := a.people.staff.Invite(staff.Console, staff.Newcomer{Name: name, Grants: staff.At(role)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/invite", strings.NewReader(url.Values{"name": {name}, "code": {i.Code}, "new": {walkPassword}, "again": {walkPassword}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) == 0 {
		t.Fatalf("sign in: %d", w.Code)
	}
	c := w.Result().Cookies()[0]
	return c.Name + "=" + c.Value
}

const walkPassword = "kolme punaista omenaa"

// No secret gets into the log, whatever is asked: it is driven through every
// way of signing in, right and wrong, and then every byte is looked at.
func TestNoSecretInLog(t *testing.T) {
	a, log := insideAgent(t)
	h := a.routes()
	code, err := a.people.staff.OpenFirst()
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.people.staff.AddToken(staff.Console, "m", staff.At(staff.Viewer))
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{code, token, walkPassword, "tunkeilija-salasana", "QWER-TYUI-OPAS", "654321", "state-marker", "code-marker"}
	post := func(path string, form url.Values, headers ...string) *http.Response {
		r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	for _, c := range []string{"QWER-TYUI-OPAS", code} {
		post("/first", url.Values{"name": {"satu"}, "code": {c}, "new": {walkPassword}, "again": {walkPassword}})
	}
	in := post("/sign-in", url.Values{"name": {"satu"}, "password": {walkPassword}})
	if in.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: %d", in.StatusCode)
	}
	cookie := in.Cookies()[0]
	secrets = append(secrets, cookie.Value)
	post("/sign-in", url.Values{"name": {"satu"}, "password": {"tunkeilija-salasana"}})
	post("/sign-in", url.Values{"name": {"tunkeilija-salasana"}, "password": {"x"}}) // typed into the wrong field
	post("/sign-in/second", url.Values{"code": {"654321"}})
	post("/sign-in?next=/tunkeilija-salasana", nil)
	post("/account/password", url.Values{"old": {"tunkeilija-salasana"}, "new": {walkPassword}, "again": {walkPassword}}, "Cookie", cookie.String())
	invited := post("/staff", url.Values{"name": {"uusi"}, "role": {"viewer"}, "site": {"all"}}, "Cookie", cookie.String())
	page, _ := io.ReadAll(invited.Body)
	m := regexp.MustCompile(`id="code">([0-9A-Z-]{14})<`).FindSubmatch(page)
	if m == nil {
		t.Fatalf("no invitation: %d", invited.StatusCode)
	}
	secrets = append(secrets, string(m[1]))
	post("/invite", url.Values{"name": {"uusi"}, "code": {string(m[1])}, "new": {"tunkeilija-salasana"}, "again": {"tunkeilija-salasana"}})
	for _, path := range []string{"/sign-in/provider/back?state=state-marker&code=code-marker", "/api/v1/kiosks?token=" + token, "/tunkeilija-salasana"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if !strings.Contains(log.String(), "sign-in refused") || !strings.Contains(log.String(), "/sign-in/provider/back") && !strings.Contains(log.String(), "to=/") {
		t.Fatalf("the log was not looked at:\n%s", log)
	}
	entries, err := a.store.Entries("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	audit, _ := json.Marshal(entries)
	for _, s := range secrets {
		if strings.Contains(log.String(), s) || bytes.Contains(audit, []byte(s)) {
			t.Errorf("%q is in the log or the audit:\n%s", s, log)
		}
	}
}

// What [oidc] of agent.toml refuses, and what it makes of the address.
func TestOIDCConfig(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret, empty := write("secret", "s3cret\n"), write("empty", "\n")
	good := "address = \"https://agent.example.fi/\"\n[oidc]\nname = \"Kaupunki\"\nissuer = \"https://login.example.fi/a\"\nclient_id = \"y\"\nsecret_file = \"" + secret + "\"\n"
	c, err := loadConfig(write("good.toml", good))
	if err != nil || c.OIDC.secret != "s3cret" || c.OIDC.back != "https://agent.example.fi/sign-in/provider/back" || c.OIDC.provider() == nil || c.OIDC.button() != "Kaupunki" {
		t.Errorf("%+v %v", c.OIDC, err)
	}
	for want, bad := range map[string]string{
		"set address":                  strings.Replace(good, "address = ", "#", 1),
		"name: say":                    strings.Replace(good, "Kaupunki", "", 1),
		"client_id is missing":         strings.Replace(good, `"y"`, `""`, 1),
		"issuer: \"http://login":       strings.Replace(good, "https://login", "http://login", 1),
		"secret_file: open":            strings.Replace(good, secret, secret+"x", 1),
		"must hold the client secret":  strings.Replace(good, secret, empty, 1),
		"the key \"oidc.scope\" is un": good + "scope = \"x\"\n",
	} {
		if _, err := loadConfig(write("bad.toml", bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	var none *oidcConfig
	if none.provider() != nil || none.button() != "" {
		t.Error("a provider out of nothing")
	}
}
