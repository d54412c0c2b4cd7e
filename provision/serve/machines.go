package serve

import (
	"slices"
	"strings"
	"sync"
	"time"

	"yhteiskone/provision/lan"
)

// Seat is one machine that may be made: the installer's plan for it.
type Seat struct {
	Name string // as its code says it
	Plan []byte
}

// mostMachines bounds what is remembered of cards that ask.
const mostMachines = 512

// machine is one that has asked.
type machine struct {
	lan.Report
	seat  int // its number from 1; 0 if there was none left
	first time.Time
	last  time.Time
}

// machines are all of them, by the address of their card.
type machines struct {
	now   func() time.Time
	seats []Seat
	say   func(format string, args ...any)

	mu   sync.Mutex
	all  map[string]*machine
	used int
}

func newMachines(seats []Seat, now func() time.Time, say func(string, ...any)) *machines {
	return &machines{now: now, seats: seats, say: say, all: map[string]*machine{}}
}

// of is the machine with a card, made if there is room.
func (m *machines) of(mac string) *machine {
	k := m.all[mac]
	if k == nil {
		if len(m.all) >= mostMachines {
			return nil
		}
		k = &machine{Report: lan.Report{MAC: mac, Step: lan.Starting}, first: m.now()}
		m.all[mac] = k
	}
	k.last = m.now()
	return k
}

// starts says whether a machine that asks is to be started: not one that is
// done, nor more than may be made.
func (m *machines) starts(mac, about string) (ok bool, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of(mac)
	switch {
	case k == nil:
		return false, "too many machines have asked"
	case k.Step == lan.Done:
		return false, "this machine is installed"
	case k.seat == 0 && m.used >= len(m.seats):
		return false, "all machines of the join file are made or begun"
	}
	if k.seat == 0 {
		m.used++
		k.seat = m.used
	}
	if about != "" {
		k.About = about
	}
	k.Step, k.Percent, k.Why = lan.Starting, 0, ""
	m.say("%s starts: %s", mac, k.About)
	return true, ""
}

// done reports whether a machine is installed: it is to start from its disk.
func (m *machines) done(mac string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.all[mac]
	return k != nil && k.Step == lan.Done
}

// plan is what a machine may do; nil for one that was not started here.
func (m *machines) plan(mac string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.all[mac]
	if k == nil || k.seat == 0 || k.Step == lan.Done {
		return nil
	}
	return m.seats[k.seat-1].Plan
}

// tell takes a report in; one of a machine that was not started here is none.
func (m *machines) tell(r lan.Report) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.all[r.MAC]
	if k == nil || k.seat == 0 {
		return false
	}
	if r.About == "" {
		r.About = k.About
	}
	if r.Step != k.Step || r.Why != k.Why {
		m.say("%s", strings.Join(strings.Fields(r.MAC+" "+r.Step+" "+r.Name+" "+r.Why), " "))
	}
	k.Report, k.last = r, m.now()
	return true
}

// list are copies of all, in the order in which they came.
func (m *machines) list() []machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []machine
	for _, k := range m.all {
		all = append(all, *k)
	}
	slices.SortFunc(all, func(a, b machine) int {
		if c := a.first.Compare(b.first); c != 0 {
			return c
		}
		return strings.Compare(a.MAC, b.MAC)
	})
	return all
}
