package state

import (
	"cmp"
	"slices"
	"time"

	"yhteiskone/internal/fleet"
)

// Site is one site as staff see it now. It is a copy; nobody shares it.
type Site struct {
	ID     fleet.SiteID
	Name   string
	Place  Place
	Around Around
	Faults []Fault // of the site as a whole
	All    int     // its machines
	Lost   int     // those that should be there and are not
}

// site is one site on the board.
type site struct {
	view Site
	open []Fault
	// What Around says of the hours was worked out at asked, for the place as
	// it was then.
	asked  time.Time
	lost   []time.Time // room for the next survey
	here   int
	judged Around // with which its machines were judged last
}

// wide is what concerns every machine.
type wide struct {
	began time.Time // when the board was made
	cut   bool      // the agent's own way to the network is cut
	blind time.Time
	lost  []time.Time // room for the next survey
}

// settle is how long after its start the agent does not conclude anything from
// many machines being lost: they are on their way back.
const settle = time.Minute

// startsKept is how many starts of a kiosk's program are remembered.
const startsKept = 4

// With says who judges sites. Call it before Run.
func (b *Board) With(o Outlook) *Board {
	b.outlook = o
	return b
}

// siteAt returns the site, and makes it if it is new.
func (b *Board) siteAt(id fleet.SiteID) *site {
	s, ok := b.sites[id]
	if !ok {
		s = &site{view: Site{ID: id, Name: string(id), Place: b.otherwise}}
		b.sites[id] = s
	}
	return s
}

// Otherwise says how a site is to be watched of which nobody says it. It holds
// for sites that are new from now on.
func (b *Board) Otherwise(p Place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.otherwise = p
}

// PutSite says how a site is to be watched from now on, and adds it if it is
// new. An empty name leaves the one that it has.
func (b *Board) PutSite(id fleet.SiteID, name string, p Place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.siteAt(id)
	s.view.Name = cmp.Or(name, s.view.Name)
	s.view.Place, s.asked = p, time.Time{}
	if b.outlook != nil {
		b.askHours(s, time.Now())
	}
}

// Cut says whether the agent's own way to the network is cut.
func (b *Board) Cut(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wide.cut = cut
}

// Runs says which run of the kiosk's program made the connection of this
// epoch, and which build it is. A run that is new is a start; the first one
// that the agent hears of is not.
func (b *Board) Runs(id fleet.KioskID, epoch uint64, boot, build string) {
	b.withEpoch(id, epoch, func(e *entry) {
		name, known := b.builds[build]
		if !known {
			name = build
			if len(b.builds) < 1000 { // more are no builds of ours
				b.builds[build] = build
			}
		}
		e.view.Build = name
		if e.boot != "" && e.boot != boot {
			e.starts = append(slices.Clone(e.starts[max(0, len(e.starts)-startsKept+1):]), time.Now())
		}
		e.boot = boot
	})
}

// askHours finds out whether the site is open.
func (b *Board) askHours(s *site, now time.Time) {
	a := s.view.Around
	if !s.asked.IsZero() && !now.Before(s.asked) && now.Sub(s.asked) < 24*time.Hour && (a.Next.IsZero() || now.Before(a.Next)) {
		return
	}
	s.asked = now
	a.Closed, a.Turned, a.Next = b.outlook.Hours(s.view.Place, now)
	a.Build = s.view.Place.Build
	b.turn(s, a, now)
}

// turn changes what is so around the machines of a site. What they did until
// now is counted by what was so before.
func (b *Board) turn(s *site, a Around, now time.Time) {
	if s.view.Around == a {
		return
	}
	for _, e := range b.kiosks {
		if e.site == s {
			b.count(e, now)
		}
	}
	s.view.Around = a
}

// survey looks at sites as a whole, and judges their machines anew where that
// changes anything.
func (b *Board) survey(now time.Time) {
	if b.outlook == nil {
		return
	}
	for _, s := range b.sites {
		s.lost, s.here, s.view.All, s.view.Lost = s.lost[:0], 0, 0, 0
		b.askHours(s, now)
	}
	w := &b.wide
	w.lost = w.lost[:0]
	here := 0
	for _, e := range b.kiosks {
		s := e.site
		s.view.All++
		switch {
		case e.view.Connected:
			s.here++
			here++
		case e.view.Status == fleet.StatusClosed || e.view.Status == fleet.StatusOutOfService || s.view.Around.Closed:
		default:
			at := e.turned
			if at.Before(s.view.Around.Turned) {
				at = s.view.Around.Turned
			}
			s.lost, w.lost = append(s.lost, at), append(w.lost, e.turned)
			s.view.Lost++
		}
	}
	settled := now.Sub(w.began) >= settle
	if settled {
		w.blind = b.outlook.Blind(now, w.lost, here, w.cut, w.blind)
	}
	for _, s := range b.sites {
		a := s.view.Around
		a.Blind = w.blind
		if settled {
			a.Silent = b.outlook.Silent(now, s.lost, s.here, a.Silent)
		}
		b.turn(s, a, now)
		b.judgeSite(s, now)
	}
}

// judgeSite decides what people see of a site, and judges its machines anew if
// anything around them changed.
func (b *Board) judgeSite(s *site, now time.Time) {
	a := s.view.Around
	if s.judged != a || len(s.open) > 0 {
		v := b.outlook.Site(now, a, s.open)
		s.open, s.view.Faults = v.Open, v.Shown
	}
	if s.judged == a {
		return
	}
	s.judged = a
	for _, e := range b.kiosks {
		if e.site == s {
			b.changed(e)
		}
	}
}

// Sites returns every site, ordered by name.
func (b *Board) Sites() []Site {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Site
	for _, s := range b.sites {
		all = append(all, s.view.copy())
	}
	slices.SortFunc(all, func(x, y Site) int { return cmp.Or(naturally(x.Name, y.Name), cmp.Compare(x.ID, y.ID)) })
	return all
}

// Site returns one site and whether there is one.
func (b *Board) Site(id fleet.SiteID) (Site, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sites[id]
	if !ok {
		return Site{}, false
	}
	return s.view.copy(), true
}

func (s Site) copy() Site {
	s.Faults = slices.Clone(s.Faults)
	return s
}

// AllLost reports whether every machine that should be there is lost: then it
// may be the agent that is.
func (b *Board) AllLost() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.kiosks {
		if e.view.Connected {
			return false
		}
	}
	return len(b.wide.lost) > 0
}
