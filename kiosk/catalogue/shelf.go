package catalogue

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// Shelf is the catalogue in use: the kiosk's own, or what its site makes of it.
// It implements session.Tiles. Its methods may be called from any goroutine.
type Shelf struct {
	own *Catalogue
	// Turned is called after the catalogue in use has changed; may be nil. It
	// is set before the first Offer.
	Turned func()

	mu    sync.Mutex
	now   *Catalogue
	offer *fleet.Offer
	turns uint64
}

// NewShelf returns a shelf with the kiosk's own catalogue in use.
func NewShelf(own *Catalogue) *Shelf { return &Shelf{own: own, now: own} }

// Offer turns to what a site offers; nil is the kiosk's own catalogue. It
// returns 0 for that, and another number for every other offer than the one
// before.
func (s *Shelf) Offer(o *fleet.Offer) uint64 {
	s.mu.Lock()
	same := reflect.DeepEqual(s.offer, o)
	if !same {
		s.offer, s.now = o, s.own.with(o)
		s.turns++
	}
	number := s.turns
	if o == nil {
		number = 0
	}
	s.mu.Unlock()
	if !same && s.Turned != nil {
		s.Turned()
	}
	return number
}

func (s *Shelf) use() *Catalogue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Tile is Catalogue.Tile of the catalogue in use; so are those below.
func (s *Shelf) Tile(id string) (session.Tile, bool) { return s.use().Tile(id) }

// First is Catalogue.First.
func (s *Shelf) First(lang string) []Entry { return s.use().First(lang) }

// Groups is Catalogue.Groups.
func (s *Shelf) Groups(lang string) []Entry { return s.use().Groups(lang) }

// Inside is Catalogue.Inside.
func (s *Shelf) Inside(group, lang string) []Entry { return s.use().Inside(group, lang) }

// Hosts is Catalogue.Hosts.
func (s *Shelf) Hosts() ([]string, error) { return s.use().Hosts() }

// with is the catalogue as a site offers it: of its first view what the site
// shows, in the site's order, with the site's own services among them. What it
// does not know it passes over; an offer of which nothing is left is none.
func (c *Catalogue) with(o *fleet.Offer) *Catalogue {
	if o == nil {
		return c
	}
	doc := c.doc
	doc.First, doc.Groups, doc.Tiles = nil, nil, nil
	for i, s := range o.Own {
		doc.Tiles = append(doc.Tiles, tile{ID: fleet.OwnID(i), Category: "other", Icon: "globe", Address: s.Address, Allow: s.Hosts, Name: s.Name})
	}
	for _, id := range o.Shown {
		own := slices.ContainsFunc(doc.Tiles, func(t tile) bool { return t.ID == id && strings.HasPrefix(id, "own-") })
		if own || slices.Contains(c.doc.First, id) {
			doc.First = append(doc.First, id)
		}
	}
	if len(doc.First) == 0 {
		return c
	}
	doc.Tiles = slices.DeleteFunc(doc.Tiles, func(t tile) bool { return !slices.Contains(doc.First, t.ID) })
	for _, g := range c.doc.Groups {
		if slices.Contains(doc.First, g.ID) {
			doc.Groups = append(doc.Groups, g)
		}
	}
	for _, t := range c.doc.Tiles {
		if slices.Contains(doc.First, t.ID) || t.Group != "" && slices.Contains(doc.First, t.Group) {
			doc.Tiles = append(doc.Tiles, t)
		}
	}
	return &Catalogue{doc}
}
