package browser

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

//go:embed pages/*
var pageFiles embed.FS

// Link is one service on our home page.
type Link struct{ Name, Address string }

// server shows our own pages to the client's browser, on loopback only: the
// waiting page, which makes way for the tile's address, the home page, and the
// page that stands for a blocked one. It keeps no address after it was handed
// over, learns none of a blocked page, and writes no log.
type server struct {
	http  *http.Server
	host  string // what a request's Host must say
	pages *template.Template
	texts map[string]words
	links func(lang string) []Link
	help  chan struct{} // a client pressed "ask for help"; holds one

	mu      sync.Mutex
	waiting map[string]*wait  // by token
	visits  map[string]*visit // by cookie
}

func newServer(links func(lang string) []Link) (*server, error) {
	pages, err := template.ParseFS(pageFiles, "pages/*.html", "pages/*.css")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	all, err := texts()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the waiting page: %w", err)
	}
	if links == nil {
		links = func(string) []Link { return nil }
	}
	s := &server{host: l.Addr().String(), pages: pages, texts: all, links: links, help: make(chan struct{}, 1),
		waiting: map[string]*wait{}, visits: map[string]*visit{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /start", s.start)
	mux.HandleFunc("GET /next", s.next)
	mux.HandleFunc("POST /painted", s.paint)
	mux.HandleFunc("GET /home", s.home)
	mux.HandleFunc("GET /blocked", s.blocked)
	mux.HandleFunc("POST /help", s.call)
	s.http = &http.Server{
		Handler: s.guard(mux), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go s.http.Serve(l) // ends by close
	return s, nil
}

func (s *server) close() error { return s.http.Close() }

func (s *server) address(path string, query url.Values) string {
	return (&url.URL{Scheme: "http", Host: s.host, Path: path, RawQuery: query.Encode()}).String()
}

// guard lets only pages of our own in: the Host stops a site whose name was
// pointed at this machine, the fetch metadata every other site's page. The
// home page and that of a blocked one can be come to from anywhere.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		origin := r.Header.Get("Origin")
		site := r.Header.Get("Sec-Fetch-Site")
		foreign := site != "" && site != "same-origin" && site != "none" && r.URL.Path != "/home" && r.URL.Path != "/blocked"
		if r.Host != s.host || (origin != "" && origin != "http://"+s.host) || foreign {
			http.Error(w, "not here", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// page writes one of our pages.
func (s *server) page(w http.ResponseWriter, name, lang string, data map[string]any) {
	l := speak(lang)
	data["Lang"], data["Dir"], data["Words"], data["Nonce"] = l.Code, l.Dir, s.texts[l.Code], random()
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	nonce := fmt.Sprintf("'nonce-%s'", data["Nonce"])
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src "+nonce+"; style-src "+nonce)
	w.Write(b.Bytes())
}

// random is 32 hexadecimal digits that nobody can guess.
func random() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
