// Package services knows which of the catalogue's services do not answer just
// now, so that nobody takes a service's trouble for the machine's.
//
// It asks each start page now and then, quietly and outside any session: one
// at a time, with pauses, without cookies, always in the same rhythm whether
// anybody uses the machine or not. It never keeps what a service answered and
// knows nothing of what a client opens.
//
// Caveats: a page that answers may still be broken inside. A service is called
// down only while others answer: a machine that reaches none of them has no
// network, and says nothing. Where the catalogue names a single service, its
// failure cannot be told from that.
package services

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Target is one start page to ask.
type Target struct {
	ID      string // of its tile
	Address string // http or https
}

// Config is what a Prober needs to know.
type Config struct {
	Targets []Target
	Every   time.Duration // how often each is asked; 0 for never
	Log     *slog.Logger
	// Ask asks one page, by HEAD or GET, and says why it does not answer; nil
	// for the ordinary way.
	Ask func(ctx context.Context, method, address string) error
}

// The rhythm.
const (
	retryAfter  = 30 * time.Second // a failure is believed when it is there twice
	firstPause  = 2 * time.Second  // between two pages, at most
	downFactor  = 5                // a service that is down is asked so much more often
	witnessMost = 3                // others that are asked before one is called down
)

// Prober asks. Make it with New, then Run it.
type Prober struct {
	Config

	turned chan struct{} // one slot: there are others to ask

	mu      sync.Mutex
	all     []*target
	offline bool // the newest doubt ended with nobody answering
}

type target struct {
	Target
	due      time.Time
	asked    bool
	failures int // in a row
	down     bool
	get      bool // HEAD is not understood there
	answered time.Time
}

// New returns a Prober.
func New(c Config) *Prober {
	if c.Ask == nil {
		c.Ask = newAsker()
	}
	p := &Prober{Config: c, turned: make(chan struct{}, 1)}
	for _, t := range c.Targets {
		p.all = append(p.all, &target{Target: t})
	}
	return p
}

// Turn has others asked from now on. What is known of those that stay is kept.
func (p *Prober) Turn(targets []Target) {
	p.mu.Lock()
	before := p.all
	p.all = nil
	for _, t := range targets {
		if i := slices.IndexFunc(before, func(o *target) bool { return o.Target == t }); i >= 0 {
			p.all = append(p.all, before[i])
		} else {
			p.all = append(p.all, &target{Target: t})
		}
	}
	p.mu.Unlock()
	select {
	case p.turned <- struct{}{}:
	default:
	}
}

// Down names the tiles whose services do not answer, in the order of the
// catalogue. It is empty while the machine itself has no network.
func (p *Prober) Down() (tiles []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offline {
		return nil
	}
	for _, t := range p.all {
		if t.down {
			tiles = append(tiles, t.ID)
		}
	}
	return tiles
}

// Probed is how many services it knows something of just now.
func (p *Prober) Probed() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offline {
		return 0
	}
	for _, t := range p.all {
		if t.asked {
			n++
		}
	}
	return n
}

// Run asks until the context ends, and calls changed whenever Down says
// something else than before.
func (p *Prober) Run(ctx context.Context, changed func()) {
	if p.Every <= 0 {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, wait := p.next()
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-p.turned:
			continue
		case <-timer.C:
		}
		if next == nil {
			continue
		}
		before := p.Down()
		p.look(ctx, next)
		if ctx.Err() != nil {
			return
		}
		if after := p.Down(); !slices.Equal(before, after) {
			p.Log.Info("services that do not answer", "tiles", after)
			changed()
		}
		timer.Reset(p.pause()) // never two at once, even when many are due
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// next is the service that is due first, and how long until then. Those that
// were never asked have a first round at once, so that the first client knows.
func (p *Prober) next() (first *target, wait time.Duration) {
	pause := p.pause()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) == 0 {
		return nil, p.Every
	}
	begin := time.Now()
	for _, t := range p.all {
		if t.due.IsZero() {
			t.due = begin
			begin = begin.Add(pause)
		}
	}
	first = slices.MinFunc(p.all, func(a, b *target) int { return a.due.Compare(b.due) })
	return first, max(time.Until(first.due), 0)
}

// pause leaves room for every service within the time.
func (p *Prober) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(firstPause, p.Every/time.Duration(4*max(len(p.all), 1)))
}

// look asks one service and decides what that means.
func (p *Prober) look(ctx context.Context, t *target) {
	err := p.ask(ctx, t)
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	believed, alone := t.failures >= 2, p.offline
	p.mu.Unlock()
	witnessed := false
	if believed { // is it the service, or are we alone?
		witnessed = p.witness(ctx, t)
		if ctx.Err() != nil {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	again := p.Every
	switch {
	case err == nil:
	case !believed:
		again = min(retryAfter, p.Every/2)
	case alone && witnessed && !t.down: // the network is just back: what failed without it says nothing
		t.failures = 1
		again = min(retryAfter, p.Every/2)
	default:
		t.down = t.down || witnessed
		p.offline = !witnessed
		again = p.Every / downFactor
	}
	t.due = time.Now().Add(jitter(again))
}

// ask asks one service and keeps what it is worth.
func (p *Prober) ask(ctx context.Context, t *target) error {
	method := "HEAD"
	if t.get || t.failures > 0 {
		method = "GET"
	}
	err := p.Ask(ctx, method, t.Address)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.asked = true
	if err != nil {
		t.failures++
		return err
	}
	t.get = t.get || t.failures == 1 && method == "GET" // what failed was the method
	t.failures, t.down, t.answered, p.offline = 0, false, time.Now(), false
	return nil
}

// witness reports whether another service answers: those that answered last
// are asked first.
func (p *Prober) witness(ctx context.Context, but *target) bool {
	p.mu.Lock()
	var others []*target
	for _, t := range p.all {
		if t != but && !t.down && t.Address != but.Address {
			others = append(others, t)
		}
	}
	p.mu.Unlock()
	slices.SortStableFunc(others, func(a, b *target) int { return cmp.Compare(b.answered.UnixNano(), a.answered.UnixNano()) })
	for _, t := range others[:min(len(others), witnessMost)] {
		if p.ask(ctx, t) == nil {
			return true
		}
	}
	return false
}

// jitter keeps the machines of a fleet from asking together.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
