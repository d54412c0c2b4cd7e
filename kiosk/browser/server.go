package browser

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Link is one service on our home page.
type Link struct{ Name, Address string }

// server shows our two pages to the client's browser, on loopback only: the
// waiting page, which makes way for the tile's address, and the home page. It
// keeps no address after it was handed over and writes no log.
type server struct {
	http  *http.Server
	host  string // what a request's Host must say
	pages *template.Template
	links func(lang string) []Link

	mu      sync.Mutex
	waiting map[string]*wait // by token
}

// wait is one waiting page.
type wait struct {
	lang    string
	served  bool
	told    bool // it said that it has painted
	joined  bool // its event stream was opened
	painted chan struct{}
	gone    chan struct{} // its event stream ended
	given   atomic.Bool
	address chan string // what it is to open; holds one
	sent    chan error
}

func newServer(links func(lang string) []Link) (*server, error) {
	pages, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the waiting page: %w", err)
	}
	if links == nil {
		links = func(string) []Link { return nil }
	}
	s := &server{host: l.Addr().String(), pages: pages, links: links, waiting: map[string]*wait{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /start", s.start)
	mux.HandleFunc("GET /next", s.next)
	mux.HandleFunc("POST /painted", s.paint)
	mux.HandleFunc("GET /home", s.home)
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
// pointed at this machine, the fetch metadata every other site's page.
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
		foreign := site != "" && site != "same-origin" && site != "none" && r.URL.Path != "/home"
		if r.Host != s.host || (origin != "" && origin != "http://"+s.host) || foreign {
			http.Error(w, "not here", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// expect makes a waiting page and returns it with its one-time address.
func (s *server) expect(lang string) (*wait, string) {
	token := random()
	wt := &wait{lang: lang, painted: make(chan struct{}), gone: make(chan struct{}),
		address: make(chan string, 1), sent: make(chan error, 1)}
	s.mu.Lock()
	s.waiting[token] = wt
	s.mu.Unlock()
	return wt, s.address("/start", url.Values{"t": {token}})
}

// forget ends a waiting page for good.
func (s *server) forget(wt *wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, w := range s.waiting {
		if w == wt {
			delete(s.waiting, token)
		}
	}
}

// once marks one use of a token. It is false if the token is unknown or was
// used for that before.
func (s *server) once(r *http.Request, use func(*wait) *bool) (*wait, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wt, ok := s.waiting[r.URL.Query().Get("t")]
	if !ok || *use(wt) {
		return nil, false
	}
	*use(wt) = true
	return wt, true
}

func (s *server) start(w http.ResponseWriter, r *http.Request) {
	wt, ok := s.once(r, func(wt *wait) *bool { return &wt.served })
	if !ok { // the client went back to it, or typed it
		http.Redirect(w, r, "/home", http.StatusFound)
		return
	}
	s.page(w, "start.html", map[string]any{
		"Lang": wt.lang, "Token": r.URL.Query().Get("t"), "Opening": texts()[wt.lang].Opening,
	})
}

func (s *server) paint(w http.ResponseWriter, r *http.Request) {
	wt, ok := s.once(r, func(wt *wait) *bool { return &wt.told })
	if !ok {
		http.Error(w, "not again", http.StatusForbidden)
		return
	}
	s.check(wt)
	w.WriteHeader(http.StatusNoContent)
}

// check says "painted" once the page has painted and listens.
func (s *server) check(wt *wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !wt.told || !wt.joined {
		return
	}
	select {
	case <-wt.painted:
	default:
		close(wt.painted)
	}
}

// next is the event stream on which the waiting page hears where to go. Its
// end, before that, means that the page is gone.
func (s *server) next(w http.ResponseWriter, r *http.Request) {
	wt, ok := s.once(r, func(wt *wait) *bool { return &wt.joined })
	if !ok {
		http.Error(w, "not again", http.StatusForbidden)
		return
	}
	defer close(wt.gone)
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	// A retry would be a second use, which is refused.
	fmt.Fprint(w, "retry: 86400000\n\n")
	if c.Flush() != nil {
		return
	}
	s.check(wt)
	select {
	case <-r.Context().Done():
	case address := <-wt.address:
		_, err := fmt.Fprintf(w, "event: go\ndata: %s\n\n", address)
		wt.sent <- errors.Join(err, c.Flush())
		<-r.Context().Done() // the page closes it, so that its going is in order
	}
}

func (s *server) home(w http.ResponseWriter, r *http.Request) {
	lang := spoken(r.URL.Query().Get("lang"))
	s.page(w, "home.html", map[string]any{
		"Lang": lang, "Words": texts()[lang], "Languages": languages(), "Links": s.links(lang),
	})
}

func (s *server) page(w http.ResponseWriter, name string, data map[string]any) {
	nonce := random()
	data["Nonce"] = nonce
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+"'")
	w.Write(b.Bytes())
}

// send hands the address to the waiting page.
func (wt *wait) send(ctx context.Context, address string) error {
	if wt.given.Swap(true) {
		return errors.New("it was given one before")
	}
	wt.address <- address
	select {
	case err := <-wt.sent:
		return err
	case <-wt.gone:
		select {
		case err := <-wt.sent: // it took the address and went, in this order
			return err
		default:
			return errors.New("the waiting page is gone")
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// checkAddress returns the address as it is sent, or why it is not.
func checkAddress(address string) (string, error) {
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", errors.New("the address holds a space or a control character")
	}
	u, err := url.Parse(address)
	if err != nil {
		// The error of the parser quotes the address.
		return "", errors.New("the address cannot be read")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("the address begins with neither http:// nor https://")
	case u.Hostname() == "" || u.Opaque != "":
		return "", errors.New("the address names no host")
	case u.User != nil:
		return "", errors.New("the address holds a user name")
	}
	return u.String(), nil
}

// random is 32 hexadecimal digits that nobody can guess.
func random() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
