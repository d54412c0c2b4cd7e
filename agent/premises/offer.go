package premises

import (
	"slices"
	"strconv"
	"strings"

	"yhteiskone/internal/fleet"
)

// OwnForm is a service of the centre's own as people write it.
type OwnForm struct {
	Name    fleet.Text
	Address string
	Hosts   string // a line for each
	Place   string // on the first page, from 1; empty: it is not shown
}

// Blank reports whether nothing is written.
func (o OwnForm) Blank() bool { return o == OwnForm{} }

// What is wrong with services, as Problem.Why says it. Problem.Line is the
// service's identifier then.
const (
	WhyPlace   = "place"   // no number from 1 to 8, or another service has it
	WhyNone    = "none"    // nothing is shown
	WhyName    = "name"    //
	WhyAddress = "address" //
	WhyHosts   = "hosts"   //
)

// offerForm writes an offer; nil is the kiosk's own catalogue.
func offerForm(o *fleet.Offer) (places map[string]string, own []OwnForm) {
	places = map[string]string{}
	if o == nil {
		for i, e := range fleet.OfferEntries() {
			places[e.ID] = strconv.Itoa(i + 1)
		}
		return places, nil
	}
	for i, id := range o.Shown {
		places[id] = strconv.Itoa(i + 1)
	}
	for i, s := range o.Own {
		own = append(own, OwnForm{s.Name, s.Address, strings.Join(s.Hosts, "\n"), places[fleet.OwnID(i)]})
		delete(places, fleet.OwnID(i))
	}
	return places, own
}

// offer reads the services; nil is the kiosk's own catalogue.
func (f Form) offer() (*fleet.Offer, error) {
	o, at := &fleet.Offer{}, map[int]string{}
	put := func(id, place string) error {
		place = strings.TrimSpace(place)
		if place == "" {
			return nil
		}
		n, err := strconv.Atoi(place)
		if err != nil || n < 1 || n > fleet.ShownMost || at[n] != "" {
			return Problem{Field: Offer, Line: id, Why: WhyPlace}
		}
		at[n] = id
		return nil
	}
	for _, e := range fleet.OfferEntries() {
		if err := put(e.ID, f.Places[e.ID]); err != nil {
			return nil, err
		}
	}
	for i, own := range f.Own {
		bad := fleet.OwnID(i) // where it is written, for people
		own = own.tidy()
		if own.Blank() {
			continue
		}
		s := fleet.Service{Name: own.Name, Address: own.Address}
		for line := range lines(own.Hosts) {
			if line = strings.ToLower(line); !slices.Contains(s.Hosts, line) {
				s.Hosts = append(s.Hosts, line)
			}
		}
		_, wrong := s.Name.Check(1, fleet.ServiceNameLimit)
		switch {
		case wrong != nil || len(o.Own) == fleet.ShownMost:
			return nil, Problem{Field: Offer, Line: bad, Why: WhyName}
		case fleet.CheckAddress(s.Address) != nil:
			return nil, Problem{Field: Offer, Line: bad, Why: WhyAddress}
		case fleet.CheckServiceHosts(s.Hosts) != nil:
			return nil, Problem{Field: Offer, Line: bad, Why: WhyHosts}
		}
		o.Own = append(o.Own, s)
		if put(fleet.OwnID(len(o.Own)-1), own.Place) != nil {
			return nil, Problem{Field: Offer, Line: bad, Why: WhyPlace}
		}
	}
	for n := range fleet.ShownMost {
		if id := at[n+1]; id != "" {
			o.Shown = append(o.Shown, id)
		}
	}
	if len(o.Shown) == 0 {
		return nil, Problem{Field: Offer, Line: "", Why: WhyNone}
	}
	if len(o.Own) == 0 && slices.EqualFunc(o.Shown, fleet.OfferEntries(), func(id string, e fleet.OfferEntry) bool { return id == e.ID }) {
		return nil, nil
	}
	return o, nil
}

func (o OwnForm) tidy() OwnForm {
	trim := strings.TrimSpace
	return OwnForm{fleet.Text{FI: trim(o.Name.FI), SV: trim(o.Name.SV), EN: trim(o.Name.EN)}, trim(o.Address), trim(o.Hosts), trim(o.Place)}
}
