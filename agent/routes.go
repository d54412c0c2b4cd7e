package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/text/language"

	"yhteiskone/agent/front"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// table is the only way to serve an address: it remembers every pattern, so
// that a test can walk all of them.
type table struct {
	mux      *http.ServeMux
	patterns []string
}

// Handle registers an address.
func (t *table) Handle(pattern string, h http.Handler) {
	t.patterns = append(t.patterns, pattern)
	t.mux.Handle(pattern, h)
}

// HandleFunc registers an address.
func (t *table) HandleFunc(pattern string, h http.HandlerFunc) { t.Handle(pattern, h) }

// routes is every address of the agent.
func (a *agent) routes() http.Handler {
	inner, outer := a.tables()
	outer.mux.Handle("/", logged(a.log, a.metrics, inner.mux))
	return a.config.proxies.Handler(front.Headers(outer.mux, a.public != nil))
}

// tables are the addresses whose requests are logged, and those that are not.
func (a *agent) tables() (mux, all *table) {
	mux = &table{mux: http.NewServeMux()}
	mux.HandleFunc("POST "+wire.EnrolPath, a.gate.Enrol)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plainText(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metricsPage())
	mux.HandleFunc("GET /api/v1/kiosks", a.allowed(staff.SeeFleet, a.apiKiosks))
	mux.HandleFunc("GET /api/v1/kiosks/{id}", a.allowed(staff.SeeFleet, a.apiKiosk))
	mux.HandleFunc("GET /api/v1/sites", a.allowed(staff.SeeFleet, a.apiSites))
	mux.HandleFunc("POST "+wire.EnrolmentsPath, a.allowed(staff.EnrolKiosk, func(w http.ResponseWriter, r *http.Request, p staff.Person) {
		serveEnrolment(w, r, a.people.console, p)
	}))
	mux.HandleFunc("GET "+wire.EnrolmentsPath, a.allowed(staff.EnrolKiosk, serveCodes(a.people.console)))
	mux.HandleFunc("DELETE "+wire.EnrolmentsPath+"/{id}", a.allowed(staff.EnrolKiosk, serveRevoke(a.people.console)))
	a.releaseRoutes(mux)
	a.sheetRoutes(mux)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		gate.Refuse(w, http.StatusNotFound, wire.Refusal{Code: "not_found", Text: "There is nothing at this address.", Todo: "Check the address."})
	})
	mux.Handle("/", a.people.pages)
	all = &table{mux: http.NewServeMux()}
	all.HandleFunc("GET /link", a.gate.Link) // the gate logs by itself, and takes the connection over
	return mux, all
}

func plainText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// ready says whether the agent can do its work: it must be able to keep what
// kiosks tell it.
func (a *agent) ready(w http.ResponseWriter, _ *http.Request) {
	if a.store.Failing() != nil {
		plainText(w, http.StatusServiceUnavailable, "the agent cannot write to its disk")
		return
	}
	plainText(w, http.StatusOK, "ready")
}

// allowed lets in whoever has a bearer token for the action.
func (a *agent) allowed(what staff.Action, next func(http.ResponseWriter, *http.Request, staff.Person)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := a.people.staff.TokenPerson(r.Context(), r.Header.Get("Authorization"))
		if errors.Is(err, staff.ErrToken) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="yhteiskone"`)
			gate.Refuse(w, http.StatusUnauthorized, wire.Refusal{Code: wire.RefusedAccess,
				Text: "The bearer token is missing or not known.", Todo: "Make one with agent token add."})
			return
		}
		if err != nil {
			a.log.Error("token not looked up", "why", err)
			gate.Refuse(w, http.StatusInternalServerError, wire.Refusal{Code: wire.RefusedInternal,
				Text: "The agent failed.", Todo: "Look into the agent's log."})
			return
		}
		if !staff.May(p, what, staff.Somewhere) {
			gate.Refuse(w, http.StatusForbidden, wire.Refusal{Code: wire.RefusedAccess,
				Text: "This token may not do that.", Todo: "Use a token with another role."})
			return
		}
		next(w, r, p)
	}
}

// What follows is the outside surface: other tools rely on it, so it has its
// own types.

type apiKiosk struct {
	ID        fleet.KioskID `json:"id"`
	Name      string        `json:"name"`
	Place     string        `json:"place,omitempty"`
	Site      fleet.SiteID  `json:"site"`
	Status    fleet.Status  `json:"status"`
	Since     time.Time     `json:"since"`
	LastSeen  *time.Time    `json:"last_seen"` // null if never
	Faults    []apiFault    `json:"faults"`
	LastProof *apiProof     `json:"last_proof"` // null before the first
}

type apiFault struct {
	Code     fleet.Code     `json:"code"`
	Severity fleet.Severity `json:"severity"`
	Text     string         `json:"text"`
	Todo     string         `json:"todo"`
}

type apiProof struct {
	At  time.Time `json:"at"`
	OK  bool      `json:"ok"`
	Seq uint64    `json:"seq"`
}

type apiSite struct {
	ID      fleet.SiteID `json:"id"`
	Name    string       `json:"name"`
	Kiosks  int          `json:"kiosks"`
	Working int          `json:"working"`
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func kioskOf(v state.View, lang string, zone *time.Location) apiKiosk {
	k := apiKiosk{ID: v.Kiosk.ID, Name: v.Kiosk.Name, Place: v.Kiosk.Place, Site: v.Kiosk.Site, Status: v.Status, Since: utc(v.Since), Faults: []apiFault{}}
	if !v.LastSeen.IsZero() {
		t := utc(v.LastSeen)
		k.LastSeen = &t
	}
	doubted := false
	for _, f := range v.Faults {
		text, todo := watch.Texts{}.Fault(lang, f.Code)
		if more := (watch.Texts{}).Flapping(lang, f, zone); more != "" {
			text += " " + more
		}
		k.Faults = append(k.Faults, apiFault{f.Code, f.Severity, text, todo})
		doubted = doubted || f.Code == fleet.ProofInvalid
	}
	if v.Proof != nil {
		k.LastProof = &apiProof{At: utc(v.Proof.At), OK: v.Proof.Clean && !doubted, Seq: v.Proof.Seq}
	}
	return k
}

// tongue is the language that the request asks for, or Finnish.
func tongue(r *http.Request) string {
	langs := []language.Tag{language.Finnish, language.Swedish, language.English}
	asked, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(asked) == 0 {
		return "fi"
	}
	_, i, _ := language.NewMatcher(langs).Match(asked...)
	return langs[i].String()
}

func (a *agent) apiKiosks(w http.ResponseWriter, r *http.Request, p staff.Person) {
	lang := tongue(r)
	all := []apiKiosk{}
	for _, v := range a.board.Views() {
		if staff.May(p, staff.SeeFleet, v.Kiosk.Site) {
			all = append(all, kioskOf(v, lang, a.config.location))
		}
	}
	answer(w, all)
}

func (a *agent) apiKiosk(w http.ResponseWriter, r *http.Request, p staff.Person) {
	v, ok := a.board.View(fleet.KioskID(r.PathValue("id")))
	if !ok || !staff.May(p, staff.SeeFleet, v.Kiosk.Site) { // whose it is stays unsaid
		gate.Refuse(w, http.StatusNotFound, wire.Refusal{Code: "not_found", Text: "There is no such kiosk.", Todo: "Check the identifier."})
		return
	}
	answer(w, kioskOf(v, tongue(r), a.config.location))
}

func (a *agent) apiSites(w http.ResponseWriter, _ *http.Request, p staff.Person) {
	sites, err := a.store.Sites()
	if err != nil {
		a.log.Error("sites not read", "why", err)
		gate.Refuse(w, http.StatusInternalServerError, wire.Refusal{Code: wire.RefusedInternal, Text: "The agent failed.", Todo: "Look into the agent's log."})
		return
	}
	count, working := map[fleet.SiteID]int{}, map[fleet.SiteID]int{}
	for _, v := range a.board.Views() {
		count[v.Kiosk.Site]++
		if v.Status.Works() {
			working[v.Kiosk.Site]++
		}
	}
	all := []apiSite{}
	for _, s := range sites {
		if staff.May(p, staff.SeeFleet, s.ID) {
			all = append(all, apiSite{s.ID, s.Name, count[s.ID], working[s.ID]})
		}
	}
	answer(w, all)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	json.NewEncoder(w).Encode(v)
}

// bodyTime is how long the body of a request may take to come in; answerTime is
// how long making the answer and reading it may take together: who does not read
// must not keep a connection. Live updates are given more with each one.
const (
	bodyTime   = 30 * time.Second
	answerTime = 2 * time.Minute
)

// long is the one address whose answer may take hours: a kiosk on a slow line
// fetches a release with a ticket of its own.
const long = "GET /release/{version}/{file}"

// logged writes one line for each request: never its query, its headers or
// its body, and of the path only the pattern that it matched, since paths may
// carry secrets.
func logged(log *slog.Logger, m *metrics, next *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		_, pattern := next.Handler(r)
		line := http.NewResponseController(w)
		if r.Body != http.NoBody {
			line.SetReadDeadline(begun.Add(bodyTime))
		}
		if pattern != long {
			line.SetWriteDeadline(begun.Add(answerTime))
		} else {
			line.SetWriteDeadline(time.Time{}) // of the request before
		}
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(s, r)
		m.answered(pattern, s.status, time.Since(begun))
		level := slog.LevelDebug
		switch {
		case s.status >= 500:
			level = slog.LevelError
		case s.status >= 400:
			level = slog.LevelInfo
		}
		log.Log(context.Background(), level, "request", "method", r.Method, "to", pattern, "status", s.status,
			"took", time.Since(begun).Round(time.Millisecond), "from", r.RemoteAddr)
	})
}

// statusWriter remembers the status. Unwrap lets http.ResponseController
// reach what is below: flushing, deadlines, hijacking.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
