package dashboard

import (
	"bytes"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Walls keeps who may look at a site's board without signing in. Implemented
// by agent/store; making and removing are audited there.
type Walls interface {
	AddWall(staff.Wall) error
	Walls() ([]staff.Wall, error)
	// Wall returns the wall of a hash, and RemoveWall removes it; both answer
	// staff.ErrNotFound if there is none.
	Wall(hash []byte) (staff.Wall, error)
	RemoveWall(hash []byte, by string, at time.Time) error
	// Place returns how a site serves: hours, support, languages.
	Place(fleet.SiteID) (fleet.Settings, error)
}

// wallBoard is what a screen in the room shows. There is no field for a
// person, a call or anything of a client.
type wallBoard struct {
	Title     template.HTML
	Free      template.HTML
	FreeCount int
	InUse     template.HTML
	Closed    template.HTML // instead of the numbers
	Machines  []wallMachine
	Support   template.HTML
	Updated   template.HTML
}

type wallMachine struct {
	Name, Place string
	Look        look
}

// wallPage is the page around it.
type wallPage struct {
	Board   wallBoard
	Address string
}

// wallOf finds the wall of an address, and its language: the site's first.
func (b *board) wallOf(r *http.Request, v *visit) (staff.Wall, error) {
	secret := r.PathValue("token")
	if len(secret) > 100 {
		return staff.Wall{}, staff.ErrNotFound
	}
	w, err := b.Walls.Wall(staff.HashWall(secret))
	if err != nil {
		return w, err
	}
	set, err := b.Walls.Place(w.Site)
	if err != nil {
		return w, err
	}
	lang := languages()[0]
	for _, l := range slices.Backward(set.Languages) {
		if slices.Contains(languages(), l) {
			lang = l
		}
	}
	if asked := r.URL.Query().Get("lang"); slices.Contains(languages(), asked) {
		lang = asked
	}
	v.tell = b.teller(lang)
	return w, nil
}

func (b *board) wall(w http.ResponseWriter, r *http.Request, v visit) {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the key
	wall, err := b.wallOf(r, &v)
	var shown wallBoard
	if err == nil {
		shown, err = b.wallBoard(v.tell, wall.Site)
	}
	v.person = staff.Person{} // whoever opens it, it shows the same
	switch {
	case errors.Is(err, staff.ErrNotFound):
		b.fail(w, r, v, http.StatusNotFound, "wall")
		return
	case err != nil:
		b.Log.Error("draw a wall", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	var out bytes.Buffer
	if err := b.pages.get(v.tell.lang, "wall").ExecuteTemplate(&out, "wall", wallPage{shown, r.URL.Path}); err != nil {
		b.Log.Error("draw a wall", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.tell.lang)
	w.Write(out.Bytes())
}

// wallLook is a status as the room is told it: whether one can sit down.
func wallLook(s state.View) look {
	switch kind(s) {
	case "free":
		return lookOf(fleet.StatusFree)
	case "in_use":
		return lookOf(fleet.StatusInUse)
	case "cleaning":
		l := lookOf(fleet.StatusCleaning)
		l.Word = "wall.soon"
		return l
	case "shut":
		return lookOf(fleet.StatusClosed)
	}
	l := lookOf(fleet.StatusOutOfService)
	l.Word = "wall.not_in_use"
	return l
}

func (b *board) wallBoard(t teller, site fleet.SiteID) (wallBoard, error) {
	set, err := b.Walls.Place(site)
	if err != nil {
		return wallBoard{}, err
	}
	out := wallBoard{Title: template.HTML(template.HTMLEscapeString(set.SiteName)), Updated: t.say("wall.updated", "when", t.when(b.Now()))}
	var views []state.View
	for _, s := range b.Fleet.Views() {
		if s.Kiosk.Site == site {
			views = append(views, s)
		}
	}
	slices.SortStableFunc(views, func(x, y state.View) int { return strings.Compare(nameRank(x.Kiosk.Name), nameRank(y.Kiosk.Name)) })
	counts := map[string]int{}
	for _, s := range views {
		counts[kind(s)]++
		out.Machines = append(out.Machines, wallMachine{s.Kiosk.Name, s.Kiosk.Place, wallLook(s)})
	}
	out.FreeCount = counts["free"]
	out.Free, out.InUse = t.count("wall.free", counts["free"]), t.count("wall.in_use", counts["in_use"])
	now := b.Now().In(b.Location)
	if len(views) > 0 && counts["shut"] == len(views) {
		out.Closed = t.say("wall.closed")
		if at, ok := set.Hours.Next(now); ok && !set.Hours.Open(now) {
			out.Closed = t.say("wall.opens", "when", t.dayTime(at))
		}
	}
	out.Support = t.say("wall.support_none")
	for _, s := range set.Support { // soonest first
		if !s.To.After(now) {
			continue
		}
		out.Support = t.say("wall.support_at", "day", t.day(s.From), "from", t.clock(s.From), "to", t.clock(s.To))
		if !s.From.After(now) {
			out.Support = t.say("wall.support_now", "to", t.clock(s.To))
		}
		break
	}
	return out, nil
}

// clock is a time of day: "12.41".
func (t teller) clock(at time.Time) string {
	return strings.TrimPrefix(at.In(t.loc).Format(t.words["when.time"]), "0")
}

// day is a day that is near: "tänään", "tiistaina 24.11.".
func (t teller) day(at time.Time) template.HTML {
	local := at.In(t.loc)
	switch now := t.now().In(t.loc); {
	case sameDay(local, now):
		return t.say("day.today")
	case sameDay(local, now.AddDate(0, 0, 1)):
		return t.say("day.tomorrow")
	}
	return t.say("day."+strings.ToLower(local.Weekday().String()), "date", local.Format(t.words["when.day"]))
}

func (t teller) dayTime(at time.Time) template.HTML {
	return t.say("day.at", "day", t.day(at), "time", t.clock(at))
}

// wallEvents keeps a board up to date.
func (b *board) wallEvents(w http.ResponseWriter, r *http.Request, v visit) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	wall, err := b.wallOf(r, &v)
	if err != nil {
		http.Error(w, "there is no such board", http.StatusNotFound)
		return
	}
	select {
	case b.walls <- struct{}{}:
		defer func() { <-b.walls }()
	default:
		http.Error(w, "too many boards are open", http.StatusServiceUnavailable)
		return
	}
	s := &stream{board: b, visit: v, out: http.NewResponseController(w), w: w, sent: map[string]string{}}
	if err := s.out.SetReadDeadline(time.Time{}); err != nil {
		b.Log.Error("open a stream", "err", err)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	changes := b.Fleet.Subscribe(r.Context())
	put := func() error {
		shown, err := b.wallBoard(v.tell, wall.Site)
		if err != nil {
			return err
		}
		return s.put("board", "wall-board", shown)
	}
	if s.send("retry: 2000\n\n") != nil || put() != nil {
		return
	}
	pulse := time.NewTicker(b.beat)
	defer pulse.Stop()
	pause := time.NewTimer(gather)
	defer pause.Stop()
	waiting, resting := false, true
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-b.Stop:
			return
		case c, ok := <-changes:
			if !ok {
				return
			}
			if view, known := b.Fleet.View(c.Kiosk); c.Kiosk != "" && known && view.Kiosk.Site != wall.Site {
				continue
			}
			if waiting = resting; !waiting {
				err = put()
				pause.Reset(gather)
				resting = true
			}
		case <-pause.C:
			if resting = waiting; waiting {
				waiting = false
				err = put()
				pause.Reset(gather)
			}
		case <-pulse.C:
			if _, gone := b.Walls.Wall(wall.Hash); errors.Is(gone, staff.ErrNotFound) {
				s.send("event: bye\ndata: \n\n")
				return
			}
			if err = put(); err == nil {
				err = s.send("event: beat\ndata: \n\n")
			}
		}
		if err != nil {
			return
		}
	}
}
