package screen

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed static/*
var staticFiles embed.FS

// server gives the shell its own page. A page is opened with a fresh token for
// one shell, once; what lies beside it only as long as the token holds.
type server struct {
	http   *http.Server
	origin string // what stands before the path
	host   string
	page   []byte

	mu     sync.Mutex
	token  string
	opened bool
}

// serve listens on a free port of this machine.
func serve() (*server, error) {
	page, err := staticFiles.ReadFile("static/index.html")
	if err != nil {
		return nil, fmt.Errorf("read the shell's page: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the shell: %w", err)
	}
	s := &server{host: listener.Addr().String(), page: page}
	s.origin = "http://" + s.host
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go s.http.Serve(listener) // ends with close
	return s, nil
}

func (s *server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
}

// fresh makes an address for one shell; earlier ones lead nowhere from then on.
func (s *server) fresh() (address, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.opened = rand.Text(), false
	return s.origin + "/" + s.token + "/", s.token
}

// allowed reports whether the token is the running shell's. The page itself is
// given out once.
func (s *server) allowed(token string, page bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == "" || token != s.token || page && s.opened {
		return false
	}
	s.opened = s.opened || page
	return true
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	token, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	// A wrong Host is a page that reaches for us under another name.
	if r.Method != http.MethodGet || r.Host != s.host || !s.allowed(token, file == "") {
		http.Error(w, "not here", http.StatusForbidden)
		return
	}
	if file == "" {
		file = "index.html"
	} else if !strings.HasSuffix(file, ".js") && !strings.HasSuffix(file, ".css") {
		http.NotFound(w, r)
		return
	}
	data, err := staticFiles.ReadFile("static/" + file)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	// Said here, because net/http would read the machine's tables of a thousand
	// types for it, and keep them.
	h.Set("Content-Type", map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}[path.Ext(file)])
	http.ServeContent(w, r, file, time.Time{}, bytes.NewReader(data))
}
