package state

import (
	"slices"
	"time"
)

// clockJump is by how much the agent's clock must have been set for anything to
// be worked out anew, and by how much most machines must differ from it for the
// agent's to be the wrong one.
const clockJump = time.Minute

// clock is the agent's own.
type clock struct {
	last time.Time     // of the survey before; zero before the first
	off  time.Duration // how far most machines are ahead of it; 0 if it agrees with them
}

// heed finds out whether the agent's clock was set since the survey before: the
// time of day then moved on otherwise than time did.
func (b *Board) heed(now time.Time) {
	last := b.clock.last
	b.clock.last = now
	if last.IsZero() {
		return
	}
	if by := now.Round(0).Sub(last.Round(0)) - now.Sub(last); by.Abs() >= clockJump {
		b.jumped(by)
	}
}

// jumped works out anew what hangs on the time of day. Machines that agreed with
// the clock before are not wrong because it was set.
func (b *Board) jumped(by time.Duration) {
	b.clock.off -= by
	for _, e := range b.kiosks {
		if e.view.Report != nil {
			e.clockOff -= by
		}
	}
	for _, s := range b.sites {
		s.asked = time.Time{}
	}
	b.judgeAll()
}

// compare holds the agent's clock against those of the machines that are there:
// where most of them agree that it is wrong, it is, and none of them.
func (b *Board) compare() {
	var offs []time.Duration
	here := 0
	for _, e := range b.kiosks {
		if !e.view.Connected || e.view.Report == nil {
			continue
		}
		here++
		if e.clockOff.Abs() >= clockJump {
			offs = append(offs, e.clockOff)
		}
	}
	if here == 0 {
		return // nobody is there to ask
	}
	off := time.Duration(0)
	if len(offs) >= 2 && 2*len(offs) > here {
		slices.Sort(offs)
		middle := offs[len(offs)/2]
		agree := 0
		for _, o := range offs {
			if (o - middle).Abs() < clockJump {
				agree++
			}
		}
		if 2*agree > here {
			off = middle
		}
	}
	if (off-b.clock.off).Abs() >= clockJump || off == 0 && b.clock.off != 0 {
		b.clock.off = off
		b.judgeAll()
	}
}

func (b *Board) judgeAll() {
	for _, e := range b.kiosks {
		b.changed(e)
	}
}

// ClockOff is how far most machines' clocks are ahead of the agent's, if they
// agree that it is wrong; otherwise 0.
func (b *Board) ClockOff() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock.off
}
