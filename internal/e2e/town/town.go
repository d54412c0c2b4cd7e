// Package town is a small town of services for the end-to-end scenarios: a
// bank, a benefits office, and an identification service of two hosts.
//
// It is for a real browser that is driven by nothing but mouse and keyboard:
// every page puts the focus on the next control, says where on the screen that
// control is, and tells the server what happened. A test asks the town, never
// the browser. Everything that a session could leave behind carries a random
// marker of that visit, so that one can search for it later.
//
// It serves on loopback only and never stores anything on disk.
//
// Caveat: the town knows one client at a time. Every request belongs to the
// visit that began last.
package town

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The hosts of the town. Browsers take names under localhost to loopback and
// treat them as secure, so that service workers and the like work.
const (
	Bank     = "pankki.localhost"
	Benefits = "kela.localhost"
	Identity = "tunnistus.localhost"
	Chooser  = "valitse.localhost"
)

// How a service has its clients identified: in a pop-up, in the page itself, in
// a frame of the page, or in the page with a phone that says yes.
const (
	InPopup  = ""
	Directly = "suoraan"
	InFrame  = "kehys"
	ByPhone  = "puhelin"
)

//go:embed pages
var pageFiles embed.FS

// Town is the running services.
type Town struct {
	listener net.Listener
	server   *http.Server
	pages    *template.Template

	mu     sync.Mutex
	now    *Visit
	before []Markers // of earlier visits
	leaks  []string
}

// Open starts the services on a free port of loopback.
func Open() (*Town, error) {
	pages, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("open the town: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the town: %w", err)
	}
	t := &Town{listener: l, pages: pages}
	t.now = newVisit()
	t.server = &http.Server{Handler: t.watch(t.routes()), ReadHeaderTimeout: 10 * time.Second}
	go t.server.Serve(l)
	return t, nil
}

// Close stops the services.
func (t *Town) Close() { t.server.Close() }

// Port is the port of every host.
func (t *Town) Port() int { return t.listener.Addr().(*net.TCPAddr).Port }

// Address is the front page of a host.
func (t *Town) Address(host string) string { return fmt.Sprintf("http://%s:%d/", host, t.Port()) }

// Begin says that a new client comes; markers of the visit before become
// forbidden: see Leaks.
func (t *Town) Begin() *Visit {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before = append(t.before, t.now.Markers)
	t.now = newVisit()
	return t.now
}

// Leaks lists requests that carried a marker of an earlier visit.
func (t *Town) Leaks() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.leaks...)
}

func (t *Town) visit() *Visit {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

func (t *Town) leak(where string, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.before {
		for _, name := range m.Find(data) {
			t.leaks = append(t.leaks, name+" of an earlier visit in "+where)
		}
	}
}

// Event is something that happened on a page or at a server.
type Event struct {
	Host   string
	Name   string
	Detail json.RawMessage
}

// Place is where a control is on the screen, in pixels of the screen.
type Place struct{ X, Y int }

// Place reads the detail of an "at:" or "shown:" event.
func (e Event) Place() (Place, error) {
	var p Place
	if err := json.Unmarshal(e.Detail, &p); err != nil {
		return p, fmt.Errorf("read the place of %s: %w", e.Name, err)
	}
	return p, nil
}

// Visit is one client's time in the town.
type Visit struct {
	Markers Markers

	mu     sync.Mutex
	events []Event
	taken  []bool
	more   chan struct{} // closed and replaced when an event comes
	pdf    string        // SHA-256 of the statement that was sent
	phone  atomic.Bool   // the phone has said yes
}

func newVisit() *Visit { return &Visit{Markers: newMarkers(), more: make(chan struct{})} }

func (v *Visit) add(e Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.events = append(v.events, e)
	v.taken = append(v.taken, false)
	close(v.more)
	v.more = make(chan struct{})
}

// Wait returns the oldest event of that host and name that no Wait returned
// before, or waits for one.
func (v *Visit) Wait(ctx context.Context, host, name string) (Event, error) {
	for {
		e, ok, more := v.take(host, name)
		if ok {
			return e, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("wait for %q at %s: %w (heard: %s)", name, host, context.Cause(ctx), v.Heard())
		}
	}
}

// Peek reports whether an event of that host and name has come, taken or not.
func (v *Visit) Peek(host, name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range v.events {
		if e.Host == host && e.Name == name {
			return true
		}
	}
	return false
}

// Forget drops the events of that host and name that came so far.
func (v *Visit) Forget(host, name string) {
	for ok := true; ok; {
		_, ok, _ = v.take(host, name)
	}
}

func (v *Visit) take(host, name string) (Event, bool, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, e := range v.events {
		if !v.taken[i] && e.Host == host && e.Name == name {
			v.taken[i] = true
			return e, true, nil
		}
	}
	return Event{}, false, v.more
}

// Heard is for a failing test: what came, without details.
func (v *Visit) Heard() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := ""
	for _, e := range v.events {
		s += e.Host + "/" + e.Name + " "
	}
	return s
}

// Report is what a page found in the browser when it opened for the first
// time, before it planted anything.
type Report struct {
	Cookies   string   `json:"cookies"`
	Local     []string `json:"local"`    // keys of localStorage
	Session   []string `json:"session"`  // keys of sessionStorage
	Databases []string `json:"database"` // names of IndexedDB databases
	Workers   int      `json:"workers"`  // registered service workers
	Caches    []string `json:"caches"`   // names in CacheStorage
	Fields    []string `json:"fields"`   // values that the browser put into fields
	Cached    string   `json:"cached"`   // what the browser's cache answers at /kakku
	History   int      `json:"history"`  // history.length
	Referrer  string   `json:"referrer"`
	Name      string   `json:"name"` // window.name
}

// Report reads the detail of a "report" event.
func (e Event) Report() (Report, error) {
	var r Report
	if err := json.Unmarshal(e.Detail, &r); err != nil {
		return r, fmt.Errorf("read a report: %w", err)
	}
	return r, nil
}

// Fresh says in one error everything that a report found and that a fresh
// browser does not have.
func (v *Visit) Fresh(r Report) error {
	var errs []error
	found := func(what string, n int) {
		if n > 0 {
			errs = append(errs, fmt.Errorf("%s: %d found", what, n))
		}
	}
	found("cookies", len(r.Cookies))
	found("localStorage", len(r.Local))
	found("sessionStorage", len(r.Session))
	found("IndexedDB", len(r.Databases))
	found("service workers", r.Workers)
	found("CacheStorage", len(r.Caches))
	found("filled fields", len(r.Fields))
	found("window name", len(r.Name))
	if r.Cached != v.Markers["cached"] {
		errs = append(errs, errors.New("the cache answered with another visit's page"))
	}
	if r.History > 1 {
		errs = append(errs, fmt.Errorf("history has %d entries", r.History))
	}
	return errors.Join(errs...)
}
