package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// wait is one waiting page.
type wait struct {
	visit   *visit
	served  bool
	told    bool // it said that it has painted
	joined  bool // its event stream was opened
	painted chan struct{}
	gone    chan struct{} // its event stream ended
	given   atomic.Bool
	address chan string // what it is to open; holds one
	sent    chan error
}

// expect makes a waiting page and returns it with its one-time address.
func (s *server) expect(v *visit) (*wait, string) {
	token := random()
	wt := &wait{visit: v, painted: make(chan struct{}), gone: make(chan struct{}),
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
	// Lax, because a page of ours can be come to from anywhere.
	http.SetCookie(w, &http.Cookie{Name: visitCookie, Value: wt.visit.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	lang, _, _, contrast := wt.visit.now()
	s.page(w, "start.html", lang, map[string]any{"Token": r.URL.Query().Get("t"), "Contrast": contrast})
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
