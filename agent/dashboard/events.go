package dashboard

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

const (
	// gather is how long changes are gathered after one was sent, so that a
	// hundred machines that come back at once cost a few drawings, not a hundred.
	gather = 100 * time.Millisecond
	// beat is how often a stream says that it lives, looks whether its person
	// may still see it, and draws the times that are said as "ago" anew.
	beat = 10 * time.Second
	// writeWait is how long a browser may take to accept what is sent.
	writeWait = 10 * time.Second
)

// stream is one open page.
type stream struct {
	*board
	visit
	page  string
	kiosk fleet.KioskID
	site  fleet.SiteID // of the fleet's machines only those of that one
	out   *http.ResponseController
	w     http.ResponseWriter
	sent  map[string]string // what the page shows, by fragment
	shape string
}

// events pushes parts of a page, drawn on the server, when they change.
func (b *board) events(w http.ResponseWriter, r *http.Request, v visit) {
	s := &stream{board: b, visit: v, page: r.FormValue("page"), kiosk: fleet.KioskID(r.FormValue("kiosk")), site: fleet.SiteID(r.FormValue("site")),
		out: http.NewResponseController(w), w: w, sent: map[string]string{}, shape: "nothing was sent yet"}
	if s.kiosk != "" {
		view, ok := b.Fleet.View(s.kiosk)
		if !ok || !v.may(staff.SeeFleet, view.Kiosk.Site) {
			b.fail(w, r, v, http.StatusNotFound, "not_found")
			return
		}
	}
	select {
	case b.streams <- struct{}{}:
		defer func() { <-b.streams }()
	default:
		b.fail(w, r, v, http.StatusServiceUnavailable, "full")
		return
	}
	live, end := b.Staff.Live(r.Context())
	defer end()
	changes := b.Fleet.Subscribe(live)

	if err := s.out.SetReadDeadline(time.Time{}); err != nil { // the server's own is for requests that end
		b.Log.Error("open a stream", "err", err)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // for a proxy in front that would hold the stream back
	w.WriteHeader(http.StatusOK)
	if s.send("retry: 2000\n\n") != nil || s.push(nil) != nil {
		return
	}
	pulse := time.NewTicker(b.beat)
	defer pulse.Stop()
	pause := time.NewTimer(gather)
	defer pause.Stop()
	resting := true // something was sent a moment ago
	changed := map[fleet.KioskID]bool{}
	for {
		var err error
		select {
		case <-live.Done():
			if r.Context().Err() == nil { // signed out, not gone
				s.send("event: bye\ndata: \n\n")
			}
			return
		case <-b.Stop:
			return
		case c, ok := <-changes:
			if !ok && live.Err() == nil {
				return
			}
			if !ok { // the subscription ended with the stream, which says why
				changes = nil
				continue
			}
			changed[c.Kiosk] = true
			if resting {
				continue
			}
			err = s.push(changed)
			clear(changed)
			pause.Reset(gather)
			resting = true
		case <-pause.C:
			resting = len(changed) > 0
			if resting {
				err = s.push(changed)
				clear(changed)
				pause.Reset(gather)
			}
		case <-pulse.C:
			if !b.Staff.Still(r.Context()) {
				s.send("event: bye\ndata: \n\n")
				return
			}
			if err = s.push(nil); err == nil {
				err = s.send("event: beat\ndata: \n\n")
			}
		}
		if err != nil {
			return // the browser is gone or does not listen
		}
	}
}

// push sends what is not as the page shows it. changed limits what is looked
// at; nil, or one with an empty name, looks at everything.
func (s *stream) push(changed map[fleet.KioskID]bool) error {
	all := changed == nil || changed[""]
	views := s.seen(s.visit)
	before := s.sent["calls"]
	if err := s.put("calls", "calls", frame{Calls: s.calls(s.visit), Path: s.path()}); err != nil {
		return err
	}
	switch s.page {
	case "fleet":
		if err := s.put("summary", "summary", s.summary(s.visit, views)); err != nil {
			return err
		}
		if s.site != "" {
			views = slices.DeleteFunc(views, func(v state.View) bool { return v.Kiosk.Site != s.site })
		}
		return s.putCards(views, changed, all)
	case "help":
		if !all && s.sent["calls"] == before {
			return nil // reports come all the time, and the audit is on disk
		}
		now, err := s.helpNow(s.visit)
		if err != nil {
			s.Log.Error("read the audit", "err", err)
			return nil
		}
		return s.put("help-list", "help-list", now)
	case "kiosk":
		if !all && !changed[s.kiosk] {
			return nil
		}
		for _, v := range views {
			if v.Kiosk.ID == s.kiosk {
				return s.putKiosk(v)
			}
		}
	}
	return nil
}

func (s *stream) path() string {
	switch s.page {
	case "help":
		return "/help"
	case "kiosk":
		return "/kiosks/" + string(s.kiosk)
	}
	return "/"
}

func (s *stream) putCards(views []state.View, changed map[fleet.KioskID]bool, all bool) error {
	sites := s.sites(s.visit, views, s.site != "")
	if now := shape(sites); now != s.shape {
		s.shape = now
		for _, site := range sites {
			if _, err := s.draw("site-"+string(site.ID), "site-works", site); err != nil {
				return err
			}
			for _, c := range site.Cards {
				if _, err := s.draw("card-"+string(c.ID), "card", c); err != nil {
					return err
				}
			}
		}
		return s.put("fleet", "fleet", sites)
	}
	for _, site := range sites {
		for _, c := range site.Cards {
			if all || changed[c.ID] {
				if err := s.put("card-"+string(c.ID), "card", c); err != nil {
					return err
				}
			}
		}
		if err := s.put("site-"+string(site.ID), "site-works", site); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) putKiosk(v state.View) error {
	if err := s.put("kiosk-now", "kiosk-now", s.kioskNow(s.visit, v)); err != nil {
		return err
	}
	if err := s.put("kiosk-do", "kiosk-do", s.kioskDo(s.visit, v)); err != nil {
		return err
	}
	return s.put("kiosk-health", "kiosk-health", s.kioskHealth(s.visit, v))
}

// draw draws a fragment and reports whether it is other than what the page
// shows.
func (s *stream) draw(id, name string, data any) (news bool, err error) {
	html, err := s.fragment(s.visit, name, data)
	if err != nil {
		s.Log.Error("draw a fragment", "name", name, "err", err)
		return false, err
	}
	news = s.sent[id] != html
	s.sent[id] = html
	return news, nil
}

func (s *stream) put(id, name string, data any) error {
	news, err := s.draw(id, name, data)
	if err != nil || !news {
		return err
	}
	var out strings.Builder
	out.WriteString("event: fragment\n")
	for line := range strings.Lines(strings.ReplaceAll(s.sent[id], "\r", " ")) {
		if line = strings.TrimSpace(line); line != "" {
			out.WriteString("data: " + line + "\n")
		}
	}
	out.WriteString("\n")
	return s.send(out.String())
}

func (s *stream) send(text string) error {
	if err := s.out.SetWriteDeadline(time.Now().Add(s.wait)); err != nil {
		return fmt.Errorf("send to a browser: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("send to a browser: %w", err)
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("send to a browser: %w", err)
	}
	// Over HTTP/2 the time runs while nothing is written too, and then cuts the stream.
	if err := s.out.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("send to a browser: %w", err)
	}
	return nil
}
