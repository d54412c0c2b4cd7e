package simulate

import (
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
	"yhteiskone/internal/wire"
)

// firstVersion is what simulated kiosks run until they take another.
const firstVersion = "1.0.0"

// One in so many does not get through the fetch, and one in so many starts the
// new image badly and goes back.
const (
	untrustedOneIn = 12
	fellOneIn      = 10
)

// update is a machine's way to another version. It fetches nothing: thousands
// of simulated kiosks would take a gigabyte each.
type update struct {
	order   string // of which it heard last
	version string
	done    time.Time // when it is in place, or cannot be; zero: it is not being fetched
	armed   bool      // in place: it starts when nobody is there
}

// restful is how long nobody must have been there before a machine starts anew.
const restful = 5 * time.Second

// take carries out an order to take a version. It is answered once that is in
// place.
func (m *machine) take(o wire.Order, now time.Time) []wire.Message {
	switch {
	case o.ID == m.update.order: // it comes once more with each connection
		return nil
	case o.Image == nil:
		return []wire.Message{wire.Result{Command: o.ID, Why: "invalid"}}
	case o.Image.Version == m.version:
		m.update = update{order: o.ID}
		return []wire.Message{wire.Result{Command: o.ID, OK: true}}
	case !o.Image.Older && release.Compare(o.Image.Version, m.version) < 0:
		return []wire.Message{wire.Result{Command: o.ID, Why: "older"}}
	}
	m.update = update{order: o.ID, version: o.Image.Version, done: now.Add(m.span(20*time.Second, 2*time.Minute))}
	return nil
}

// fetched lets time pass, and says when the version is in place.
func (m *machine) fetched(now time.Time) []wire.Message {
	u := &m.update
	if u.done.IsZero() || now.Before(u.done) {
		return nil
	}
	u.done = time.Time{}
	if m.rng.IntN(untrustedOneIn) == 0 {
		return []wire.Message{wire.Result{Command: u.order, Why: "untrusted"}}
	}
	u.armed, m.fell = true, false
	return []wire.Message{wire.Result{Command: u.order, OK: true}}
}

// restarts reports whether the machine starts anew now, into what it took.
func (m *machine) restarts(now time.Time) bool {
	idle := m.state == fleet.Ready || m.state == fleet.Closed || m.state == fleet.OutOfService || m.state == fleet.OutOfOrder
	return m.update.armed && idle && now.Sub(m.since) >= restful
}

// restart starts the machine anew: in the new version, or back in the old one.
func (m *machine) restart(now time.Time) {
	m.update.armed = false
	if m.fell = m.rng.IntN(fellOneIn) == 0; !m.fell {
		m.version = m.update.version
	}
	m.booted = now
	if m.state != fleet.OutOfOrder {
		m.turn(fleet.Starting, now, 8*time.Second)
	}
}
