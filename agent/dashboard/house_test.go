package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/staff/stafftest"
	"yhteiskone/agent/state"
	"yhteiskone/internal/acceptance"
	"yhteiskone/internal/fleet"
)

const password = "kolme punaista omenaa"

// house is a dashboard over a fleet that the test holds in its hands.
type house struct {
	t      *testing.T
	mem    *stafftest.Memory
	ledger *ledger
	hall   *hall
	staff  *staff.Service
	board  *board
	url    string
	stop   chan struct{}

	server *httptest.Server
	down   atomic.Bool // the network is gone: every request is cut

	mu    sync.Mutex
	views map[fleet.KioskID]state.View
	subs  map[chan state.Change]bool
	did   []string // what was asked of Actions

	was     memory                      // what was
	sites   map[fleet.SiteID]state.Site // where one differs from what its machines say
	waits   map[fleet.KioskID][]fleet.Command
	notes   map[fleet.KioskID]Note
	weeks   []HelpWeek
	alerts  desk
	council council
	shelf   shelf
	papers  papers
}

// clock makes "now" stand for times that are said: it is as fast as the real
// one, and begins at 12.43 on a Saturday.
func clock() func() time.Time {
	began, start := time.Now(), time.Date(2026, 11, 21, 12, 43, 0, 0, helsinki())
	return func() time.Time { return start.Add(time.Since(began)) }
}

func helsinki() *time.Location {
	loc, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		loc = time.FixedZone("Europe/Helsinki", 2*3600)
	}
	return loc
}

func newHouse(t *testing.T) *house { return openHouse(t, false) }

// openHouse is newHouse over plain HTTP or, as in life, over TLS and HTTP/2,
// with the time limits of a careful server.
func openHouse(t *testing.T, secure bool) *house {
	t.Helper()
	h := &house{t: t, views: map[fleet.KioskID]state.View{}, subs: map[chan state.Change]bool{}, stop: make(chan struct{}), ledger: &ledger{}, hall: &hall{}}
	h.mem = stafftest.New(time.Now)
	now := clock()
	var err error
	h.staff, err = staff.New(staff.Config{Accounts: h.mem, Sessions: h.mem, Tokens: h.mem, Audit: h.mem, Rules: h.mem,
		Secure: secure, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.board = newBoard(Deps{Fleet: h, Actions: h, Audit: h.mem, History: &h.was, Numbers: h.ledger, Walls: h.hall, Texts: plainTexts{}, Alerts: &h.alerts, Places: &h.council, Releases: &h.shelf, Sheets: &h.papers, Words: acceptance.New(), Staff: h.staff, Register: register{h}, Health: func() Health { return Health{} }, Now: now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Location: helsinki(), Version: "1.2.3", Stop: h.stop},
		func(lang, key string) { t.Errorf("the text %s is missing in %s", key, lang) })
	pages := h.board.handler()
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.down.Load() {
			panic(http.ErrAbortHandler)
		}
		pages.ServeHTTP(w, r)
	}))
	h.server.Config.ReadTimeout, h.server.Config.WriteTimeout = 2500*time.Millisecond, 2500*time.Millisecond // a password takes a second on a busy machine
	if secure {
		h.server.EnableHTTP2 = true
		h.server.StartTLS()
	} else {
		h.server.Start()
	}
	h.url = h.server.URL
	t.Cleanup(func() { close(h.stop); h.server.Close() })
	return h
}

// Views implements Fleet.
func (h *house) Views() []state.View {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []state.View
	for _, v := range h.views {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b state.View) int {
		return cmp.Or(cmp.Compare(a.SiteName, b.SiteName), cmp.Compare(a.Kiosk.Name, b.Kiosk.Name))
	})
	return all
}

// View implements Fleet.
func (h *house) View(id fleet.KioskID) (state.View, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.views[id]
	return v, ok
}

// Subscribe implements Fleet.
func (h *house) Subscribe(ctx context.Context) <-chan state.Change {
	c := make(chan state.Change, 100)
	h.mu.Lock()
	h.subs[c] = true
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, c)
		close(c)
	})
	return c
}

// register is the house's Register.
type register struct{ h *house }

// Address implements Register.
func (register) Address() (string, error) { return "https://agent.test:8443", nil }

// Sites implements Register.
func (r register) Sites() ([]fleet.Site, error) {
	known := map[fleet.SiteID]string{}
	for _, v := range r.h.Views() {
		known[v.Kiosk.Site] = v.SiteName
	}
	var all []fleet.Site
	for _, id := range slices.Sorted(maps.Keys(known)) {
		all = append(all, fleet.Site{ID: id, Name: known[id]})
	}
	return all, nil
}

// put makes or changes a kiosk and tells everybody.
func (h *house) put(v state.View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.views[v.Kiosk.ID] = v
	for c := range h.subs {
		select {
		case c <- state.Change{Kiosk: v.Kiosk.ID}:
		default: // the test asked for more than a page reads
		}
	}
}

// change alters a kiosk.
func (h *house) change(id fleet.KioskID, f func(*state.View)) {
	v, _ := h.View(id)
	f(&v)
	h.put(v)
}

// Answer implements Actions.
func (h *house) Answer(_ context.Context, who string, kiosk fleet.KioskID, call string, r Reply) error {
	a := r.Answer
	v, _ := h.View(kiosk)
	if v.Help == nil || v.Help.ID != call {
		return ErrNoCall
	}
	h.note(strings.TrimSuffix(fmt.Sprintf("%s answers %s %s %s as %s in %d", who, kiosk, call, a, r.Who, r.Minutes), " in 0"))
	h.mem.AppendAudit(staff.Entry{At: h.board.Now(), Who: who, Action: "help_answered", Kiosk: kiosk, Site: v.Kiosk.Site, Detail: string(a)})
	h.change(kiosk, func(v *state.View) {
		if a == fleet.Done {
			v.Help = nil
			return
		}
		answered := *v.Help
		answered.Answer, answered.AnsweredBy, answered.AnsweredAt = a, who, h.board.Now()
		answered.Minutes, answered.Who = r.Minutes, r.Who
		v.Help = &answered
	})
	return nil
}

// Command implements Actions.
func (h *house) Command(_ context.Context, who string, kiosk fleet.KioskID, c fleet.Command) (string, error) {
	v, _ := h.View(kiosk)
	h.note(strings.TrimSpace(fmt.Sprintf("%s orders %s %s now=%v %s", who, kiosk, c.Name, c.Now, c.Text)))
	return "0123456789abcdef", h.mem.AppendAudit(staff.Entry{At: h.board.Now(), Who: who, Action: "command", Kiosk: kiosk, Site: v.Kiosk.Site, Detail: string(c.Name)})
}

// Waiting implements Actions.
func (h *house) Waiting(id fleet.KioskID) ([]fleet.Command, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waits[id], nil
}

// HelpWeeks implements Actions.
func (h *house) HelpWeeks(time.Time) ([]HelpWeek, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.weeks, nil
}

// Note implements Actions.
func (h *house) Note(id fleet.KioskID) (Note, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.notes[id], nil
}

func (h *house) note(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did = append(h.did, s)
}

func (h *house) done() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.did)
}

// plainTexts says faults in Finnish whatever the language.
type plainTexts struct{}

// Fault implements Texts.
func (plainTexts) Fault(_ string, code fleet.Code) (text, todo string) {
	switch code {
	case fleet.WipeUnverified:
		return "Koneen tyhjennystä ei voitu varmistaa.", "Käynnistä kone uudelleen virtanapista."
	case fleet.NoConnection:
		return "Koneeseen ei saada yhteyttä.", "Tarkista, että kone on päällä ja verkkojohto kiinni."
	case fleet.DiskFull:
		return "Koneen levy on melkein täynnä.", "Kerro teknikolle."
	}
	return "Koneessa on vika " + string(code) + ".", "Soita teknikolle."
}

// kiosk returns a machine that is free and well.
func kiosk(n int, site fleet.SiteID, siteName, name, place string) state.View {
	at := time.Date(2026, 11, 21, 12, 41, 0, 0, helsinki())
	id := fleet.KioskID(fmt.Sprintf("kaaaaaaaaaaa%c", 'a'+n))
	yes, cpu, heat, total, free := true, 7.0, 51.0, uint64(8<<30), uint64(5<<30)
	return state.View{
		Kiosk:    fleet.Kiosk{ID: id, Site: site, Name: name, Place: place, Hardware: "Dell OptiPlex 3050, Intel Core i3-7100, 8 Gt", Notes: "näyttö vaihdettu"},
		SiteName: siteName, Status: fleet.StatusFree, Since: at, LastSeen: at.Add(2 * time.Minute), Connected: true,
		Report: &fleet.Report{At: at, State: fleet.Ready, Since: at, Uptime: 3*time.Hour + 20*time.Minute, Health: fleet.Health{
			CPUPercent: &cpu, MemoryTotal: &total, MemoryFree: &free, DiskTotal: &total, DiskFree: &free,
			TemperatureC: &heat, NetworkUp: &yes, ShellPaints: &yes, BrowserAlive: &yes, BrowserInPlace: &yes}},
		Proof: &fleet.ProofSummary{Seq: 42, At: at, Clean: true},
	}
}

// kioskID is the identifier of the machine that kiosk(n, ...) makes.
func kioskID(n int) fleet.KioskID { return fleet.KioskID(fmt.Sprintf("kaaaaaaaaaaa%c", 'a'+n)) }

// town fills the fleet with twelve machines on three sites, in every status.
func (h *house) town() {
	at := time.Date(2026, 11, 21, 10, 12, 0, 0, helsinki())
	n := 0
	add := func(site fleet.SiteID, siteName, name, place string, status fleet.Status, now fleet.State, faults ...fleet.Code) {
		v := kiosk(n, site, siteName, name, place)
		n++
		v.Status, v.Report.State = status, now
		for _, f := range faults {
			if f == fleet.WipeUnverified {
				v.Proof = &fleet.ProofSummary{Seq: 43, At: at}
			}
			v.Faults = append(v.Faults, state.Fault{Code: f, Severity: fleet.SeverityError, Since: at})
		}
		if status != fleet.StatusFree {
			v.Since = at
		}
		h.put(v)
	}
	add("illusia", "Illusia", "Kone 1", "aula", fleet.StatusNeedsAttention, fleet.Ready, fleet.DiskFull, fleet.TooHot)
	add("illusia", "Illusia", "Kone 2", "aula", fleet.StatusInUse, fleet.InUse)
	add("illusia", "Illusia", "Kone 3", "hiljainen huone", fleet.StatusFree, fleet.Ready)
	add("illusia", "Illusia", "Kone 4", "aula", fleet.StatusOutOfOrder, fleet.OutOfOrder, fleet.WipeUnverified)
	add("illusia", "Illusia", "Kone 10", "aula", fleet.StatusFree, fleet.Ready)
	add("mesta", "Mesta", "Kone 1", "toimintatila", fleet.StatusNoConnection, fleet.Ready, fleet.NoConnection)
	add("mesta", "Mesta", "Kone 2", "toimintatila", fleet.StatusInUse, fleet.Warning)
	add("mesta", "Mesta", "Kone 3", "keittiö", fleet.StatusCleaning, fleet.Erasing)
	add("mesta", "Mesta", "Kone 4", "", fleet.StatusFree, fleet.Ready)
	add("symppis", "Ensi- ja turvakotien päiväkeskus Symppis", "Asiakastietokone ensimmäisessä kerroksessa", "päihdehuollon ajanvarausodotustila", fleet.StatusFree, fleet.Ready)
	add("symppis", "Ensi- ja turvakotien päiväkeskus Symppis", "Kone 2", "aula", fleet.StatusOutOfService, fleet.OutOfService)
	add("symppis", "Ensi- ja turvakotien päiväkeskus Symppis", "Kone 3", "aula", fleet.StatusClosed, fleet.Closed)
}

// call rings at a machine, some minutes ago.
func (h *house) call(id fleet.KioskID, minutes int) {
	h.change(id, func(v *state.View) {
		v.Help = &fleet.HelpCall{ID: "00000000000000" + string(id[len(id)-2:]), Kiosk: id, At: h.board.Now().Add(-time.Duration(minutes) * time.Minute)}
	})
}

// callID is the identifier of the call that call(id) makes.
func callID(id fleet.KioskID) string { return "00000000000000" + string(id[len(id)-2:]) }

// person makes an account and returns a browser without JavaScript that is
// signed in with it.
func (h *house) person(name string, role staff.Role, site fleet.SiteID) *http.Client {
	h.t.Helper()
	return h.granted(name, staff.Grant{Role: role, Site: site})
}

// granted is person with several roles.
func (h *house) granted(name string, grants ...staff.Grant) *http.Client {
	h.t.Helper()
	i, err := h.staff.Invite(staff.Console, staff.Newcomer{Name: name, Grants: grants})
	if err != nil {
		h.t.Fatal(err)
	}
	c := h.client()
	status, _, _ := h.post(c, "/sign-in", url.Values{"way": {"code"}, "name": {name}, "code": {i.Code}, "new": {password}, "again": {password}})
	if status != http.StatusSeeOther {
		h.t.Fatalf("sign in as %s: %d", name, status)
	}
	return c
}

// client returns a browser that nobody has signed in with.
func (h *house) client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &http.Client{Timeout: 30 * time.Second, Jar: jar, Transport: h.server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (h *house) get(c *http.Client, path string) (int, string, http.Header) {
	h.t.Helper()
	return h.send(c, must(http.NewRequest("GET", h.url+path, nil)))
}

func (h *house) post(c *http.Client, path string, form url.Values) (int, string, http.Header) {
	h.t.Helper()
	r := must(http.NewRequest("POST", h.url+path, strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.send(c, r)
}

func (h *house) send(c *http.Client, r *http.Request) (int, string, http.Header) {
	h.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
