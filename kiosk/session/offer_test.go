package session

import (
	"slices"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

// What a site offers is on the next welcome page, and not before: a session
// goes on with what it began with.
func TestOfferAtTheNextWelcome(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		inSession(t, w, m)
		s := plainSettings()
		s.Version, s.Offer = 7, &fleet.Offer{Shown: []string{"bank", "own-1"}}
		m.Update(s)
		w.pass(3 * time.Second)
		if w.shown != nil || w.last().Offer != 0 || m.Status().Settings == 7 {
			t.Errorf("in the session: %v, number %d, settings %d", w.shown, w.last().Offer, m.Status().Settings)
		}
		w.press("end", "")
		w.press("end_yes", "")
		w.pass(time.Second)
		wantState(t, m, fleet.Ready)
		if !slices.Equal(w.shown, s.Offer.Shown) || w.last().Offer != 2 || m.Status().Settings != 7 {
			t.Errorf("after it: %v, number %d, settings %d", w.shown, w.last().Offer, m.Status().Settings)
		}
		w.pass(time.Minute) // "erased" is read and gone
		runs := len(w.runs)
		if w.press("tile", "kela"); m.Status().State != fleet.Ready {
			t.Error("a tile that is offered no more opens")
		}
		if w.press("tile", "own-1"); m.Status().State != fleet.InUse || len(w.runs) != runs {
			t.Errorf("the centre's own does not open: %s", m.Status().State)
		}
	})
}

// On a waiting machine the page changes at once. Only where errands are all
// that is open is the browser another one.
func TestOfferOfAWaitingMachine(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		s := plainSettings()
		s.Offer = &fleet.Offer{Shown: []string{"bank"}}
		m.Update(s)
		w.pass(3 * time.Second)
		if w.last().Offer != 1 || len(w.setups) != 1 {
			t.Fatalf("open: number %d, browsers %+v", w.last().Offer, w.setups)
		}
		s.Mode = fleet.Errands
		m.Update(s)
		w.pass(3 * time.Second)
		s.Offer = &fleet.Offer{Shown: []string{"bank", "own-1"}}
		m.Update(s)
		w.pass(3 * time.Second)
		wantState(t, m, fleet.Ready)
		if len(w.setups) != 3 || w.setups[1].Offer != 1 || w.setups[2].Offer != 2 {
			t.Fatalf("errands: browsers %+v", w.setups)
		}
		m.Update(s)
		w.pass(3 * time.Second)
		if len(w.setups) != 3 {
			t.Error("an offer that changes nothing costs a browser")
		}
	})
}

// A tile that was pressed while the browser was started anew, and is offered
// no more, opens nothing and leaves nobody waiting.
func TestChosenIsOfferedNoMore(t *testing.T) {
	bench(t, nil, func(t *testing.T, w *world, m *Machine) {
		w.pass(time.Second)
		w.press("language", "sv")
		w.press("tile", "kela")
		if w.last().Chosen != "kela" {
			t.Fatalf("%+v", w.last())
		}
		s := plainSettings()
		s.Offer = &fleet.Offer{Shown: []string{"bank"}}
		m.Update(s)
		w.pass(5 * time.Second)
		if v := w.last(); v.Chosen != "" || v.State != fleet.Ready || v.Preparing {
			t.Errorf("%+v", v)
		}
	})
}
