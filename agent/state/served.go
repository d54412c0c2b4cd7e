package state

import (
	"time"

	"yhteiskone/internal/fleet"
)

// Served is how long a machine did what, while its site was open and the agent
// could see.
type Served struct {
	Works  time.Duration // clients could use it
	Lost   time.Duration // it was not there
	Broken time.Duration // out of order
	Paused time.Duration // staff took it out of service
}

// Open is for how long it was looked at.
func (s Served) Open() time.Duration { return s.Works + s.Lost + s.Broken + s.Paused }

// Add puts two together.
func (s Served) Add(o Served) Served {
	return Served{s.Works + o.Works, s.Lost + o.Lost, s.Broken + o.Broken, s.Paused + o.Paused}
}

// served is what is counted of a machine and was not taken yet.
type served struct {
	upTo time.Time
	sum  Served
}

// count adds what passed since the last time to what the machine did until
// now. Call it before its status changes.
func (b *Board) count(e *entry, now time.Time) {
	from, around := e.served.upTo, e.site.view.Around
	e.served.upTo = now
	d := now.Sub(from)
	if d <= 0 || d > 2*takeTime { // the clock jumped
		return
	}
	switch s := e.view.Status; {
	case s == fleet.StatusClosed || around.Closed:
	case s.Works():
		e.served.sum.Works += d
	case s == fleet.StatusNoConnection:
		if around.Blind.IsZero() && from.Sub(b.wide.began) >= settle { // before, it may be on its way back
			e.served.sum.Lost += d
		}
	case s == fleet.StatusOutOfOrder:
		e.served.sum.Broken += d
	case s == fleet.StatusOutOfService:
		e.served.sum.Paused += d
	}
}

// takeTime is how often Served is to be asked for.
const takeTime = 5 * time.Minute

// Served returns what each machine did since it was asked the last time, of
// those that did anything. Ask every five minutes.
func (b *Board) Served() map[fleet.KioskID]Served {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	all := map[fleet.KioskID]Served{}
	for id, e := range b.kiosks {
		b.count(e, now)
		if e.served.sum != (Served{}) {
			all[id] = e.served.sum
			e.served.sum = Served{}
		}
	}
	return all
}
