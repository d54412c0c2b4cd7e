package browser

import (
	"net/http"
	"sync"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// visit is what our pages know of one browser, from its start to its end. The
// browser is known by a cookie, which it gets with the waiting page: so the
// addresses of our pages stay short.
type visit struct {
	cookie string

	mu       sync.Mutex
	lang     string
	errands  bool // only services are open
	opened   bool // staff opened the web for this session
	contrast bool
}

// visitCookie is its name in the client's browser.
const visitCookie = "yhteiskone"

func (s *server) begin(setup session.Setup) *visit {
	v := &visit{cookie: random(), lang: speak(setup.Lang).Code, errands: setup.Mode == fleet.Errands, contrast: setup.Comfort.Contrast}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits[v.cookie] = v
	return v
}

func (s *server) end(v *visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.visits, v.cookie)
}

// visitor is the browser that asks, nil for one that threw its cookie away.
func (s *server) visitor(r *http.Request) *visit {
	c, err := r.Cookie(visitCookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visits[c.Value]
}

// now is a copy of what holds.
func (v *visit) now() (lang string, errands, opened, contrast bool) {
	if v == nil {
		return "", false, false, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lang, v.errands, v.opened, v.contrast
}

func (v *visit) change(f func(*visit)) {
	if v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		f(v)
	}
}

// home is the page that the browser's home button and its new tabs lead to.
func (s *server) home(w http.ResponseWriter, r *http.Request) {
	v := s.visitor(r)
	if chosen := r.URL.Query().Get("lang"); chosen != "" && speak(chosen).Code == chosen {
		v.change(func(v *visit) { v.lang = chosen })
	}
	lang, errands, opened, contrast := v.now()
	if lang == "" {
		lang = speak(r.URL.Query().Get("lang")).Code
	}
	s.page(w, "home.html", lang, map[string]any{
		"Languages": languages(), "Links": s.links(lang), "Errands": errands && !opened, "Contrast": contrast,
	})
}

// blocked is the page that stands for one that may not be opened. Its host is
// behind the "#" of the address, which browsers never send.
func (s *server) blocked(w http.ResponseWriter, r *http.Request) {
	v := s.visitor(r)
	lang, errands, opened, contrast := v.now()
	byList := r.URL.Query().Get("list") != "" || !errands
	s.page(w, "blocked.html", lang, map[string]any{
		"Known": v != nil, "List": byList, "Opened": opened && !byList, "Contrast": contrast,
	})
}

// call rings for help. It says nothing of the page.
func (s *server) call(w http.ResponseWriter, r *http.Request) {
	if s.visitor(r) == nil {
		http.Error(w, "not here", http.StatusForbidden)
		return
	}
	select {
	case s.help <- struct{}{}:
	default: // it rings already
	}
	w.WriteHeader(http.StatusNoContent)
}
