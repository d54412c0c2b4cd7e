package escape

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
)

// The hosts of the test site. Browsers take names under localhost to loopback.
const (
	Here      = "koe.localhost"     // the site whose pages try things; on the allow list of errands
	Elsewhere = "muualla.localhost" // a site that is not on it
)

//go:embed pages
var pageFiles embed.FS

// Site is a test site whose pages try to get out of the kiosk and say what came
// of it, and that counts who asks for what. It serves on loopback only.
type Site struct {
	listener net.Listener
	server   *http.Server

	mu     sync.Mutex
	asked  map[string]int // by "host/path"
	events []Event
	more   chan struct{} // closed and replaced when something comes
	sent   int64         // bytes of the endless download
}

// Event is what a page said. Page is the n of its address.
type Event struct {
	Page, Name string
	Detail     json.RawMessage
	taken      bool
}

// OpenSite starts the site on a free port.
func OpenSite() (*Site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the test site: %w", err)
	}
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		return nil, fmt.Errorf("open the test site: %w", err)
	}
	s := &Site{listener: l, asked: map[string]int{}, more: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(pages))
	mux.HandleFunc("POST /tell", s.tell)
	mux.HandleFunc("GET /hit/{what}", s.hit)
	mux.HandleFunc("GET /goto", s.redirect)
	mux.HandleFunc("GET /file/{name}", s.file)
	mux.HandleFunc("GET /paper.pdf", s.paper)
	mux.HandleFunc("GET /endless", s.endless)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.server = &http.Server{Handler: s.count(mux)}
	go s.server.Serve(l) // ends by Close
	return s, nil
}

// Close stops the site.
func (s *Site) Close() { s.server.Close() }

// Port is the port of every host.
func (s *Site) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Address is an address of a host of the site; path begins with a slash.
func (s *Site) Address(host, path string) string {
	return fmt.Sprintf("http://%s:%d%s", host, s.Port(), path)
}

// Asked is how often a path of a host was asked for.
func (s *Site) Asked(host, path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[host+path]
}

// AskedHost is how often anything of a host was asked for.
func (s *Site) AskedHost(host string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, times := range s.asked {
		if strings.HasPrefix(what, host+"/") {
			n += times
		}
	}
	return n
}

// Sent is how many bytes of the endless download went out.
func (s *Site) Sent() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

func (s *Site) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		s.mu.Lock()
		s.asked[host+r.URL.Path]++
		s.signal()
		s.mu.Unlock()
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	})
}

// signal wakes all who wait. The caller holds mu.
func (s *Site) signal() {
	close(s.more)
	s.more = make(chan struct{})
}

func (s *Site) tell(w http.ResponseWriter, r *http.Request) {
	var said struct {
		Event  string          `json:"event"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&said); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.events = append(s.events, Event{Page: r.URL.Query().Get("n"), Name: said.Event, Detail: said.Detail})
	s.signal()
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// Wait returns the oldest event of that page and name that no Wait returned
// before, or waits for one.
func (s *Site) Wait(ctx context.Context, page, name string) (Event, error) {
	for {
		s.mu.Lock()
		more, heard := s.more, ""
		for i, e := range s.events {
			if e.Page != page {
				continue
			}
			if e.Name == name && !e.taken {
				s.events[i].taken = true
				s.mu.Unlock()
				return e, nil
			}
			heard += " " + e.Name
		}
		s.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("wait for %q of page %s: %w (heard:%s)", name, page, context.Cause(ctx), heard)
		}
	}
}

// Said reports whether the page has said so, taken or not.
func (s *Site) Said(page, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Page == page && e.Name == name {
			return true
		}
	}
	return false
}

// Times is how often the page has said so.
func (s *Site) Times(page, name string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Page == page && e.Name == name {
			n++
		}
	}
	return n
}

// Until waits until the condition holds; it looks whenever something comes.
func (s *Site) Until(ctx context.Context, holds func() bool) error {
	for {
		s.mu.Lock()
		more := s.more
		s.mu.Unlock()
		if holds() {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hit is where an attempt arrives.
func (s *Site) hit(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>hit</title><p>HIT-%s", r.PathValue("what"))
}

// redirect leads to the address in "to".
func (s *Site) redirect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", r.URL.Query().Get("to"))
	w.WriteHeader(http.StatusFound)
}

// endless sends as much as somebody takes, 5 GB at most.
func (s *Site) endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="suuri.bin"`)
	block := make([]byte, 1<<20)
	for range 5 << 10 {
		n, err := w.Write(block)
		s.mu.Lock()
		s.sent += int64(n)
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// file is a download that a desktop would open with some program.
func (s *Site) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	types := map[string]string{".desktop": "application/x-desktop", ".sh": "application/x-sh", ".html": "text/html",
		".crx": "application/x-chrome-extension", ".js": "text/javascript", ".json": "application/json", ".p12": "application/x-pkcs12"}
	for end, kind := range types {
		if strings.HasSuffix(name, end) {
			w.Header().Set("Content-Type", kind)
		}
	}
	if r.URL.Query().Get("inline") == "" {
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	}
	io.WriteString(w, content(name, s.Address(Here, "/hit/opened")))
}

// content is what lies in a download.
func content(name, address string) string {
	switch {
	case strings.HasSuffix(name, ".desktop"):
		return "[Desktop Entry]\nType=Application\nName=koe\nExec=/usr/bin/touch /tmp/paettu\n"
	case strings.HasSuffix(name, ".sh"):
		return "#!/bin/sh\ntouch /tmp/paettu\n"
	case strings.HasSuffix(name, ".html"):
		return "<!doctype html><title>opened</title><p>OPENED<script>fetch('" + address + "',{mode:'no-cors'})</script>"
	case strings.HasSuffix(name, ".json"):
		return "{\"URLBlocklist\":[],\"DeveloperToolsAvailability\":1}\n"
	case strings.HasSuffix(name, ".user.js"):
		return "// ==UserScript==\n// @name koe\n// @match *://*/*\n// ==/UserScript==\nfetch('" + address + "')\n"
	}
	return "koe\n"
}
