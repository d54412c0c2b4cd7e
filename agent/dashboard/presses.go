package dashboard

import (
	"crypto/rand"
	"sync"
	"time"

	"yhteiskone/agent/figures"
)

const (
	// undoTime is how long a mark can be taken back; a little longer than the
	// page says, because a press travels.
	undoTime = 30 * time.Second
	// pressTime is how long a page that was drawn can be pressed without being
	// drawn anew. A tablet at the desk may stand with one for a day.
	pressTime = 24 * time.Hour
	// pressLimit is how many presses are remembered.
	pressLimit = 4096
)

// presses remembers which forms of the tally were sent, so that a finger that
// presses twice counts once, and what the newest marks were, so that they can
// be taken back. It lives in memory only and knows nobody: a mark on disk is
// nothing but a sum.
type presses struct {
	now  func() time.Time
	mu   sync.Mutex
	made map[string]press
}

type press struct {
	at   time.Time
	mark figures.Mark // what the press marked
	back bool         // it was taken back
}

func newPresses(now func() time.Time) *presses { return &presses{now: now, made: map[string]press{}} }

// fresh returns a name for a form that is about to be shown.
func (p *presses) fresh() string { return rand.Text() }

// take claims a form's name for a mark; false if it was pressed before.
func (p *presses) take(name string, m figures.Mark) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for k, old := range p.made {
		if now.Sub(old.at) > pressTime {
			delete(p.made, k)
		}
	}
	for len(p.made) >= pressLimit { // the oldest gives way
		oldest := ""
		for k, one := range p.made {
			if oldest == "" || one.at.Before(p.made[oldest].at) {
				oldest = k
			}
		}
		delete(p.made, oldest)
	}
	if _, again := p.made[name]; again {
		return false
	}
	p.made[name] = press{at: now, mark: m}
	return true
}

// drop forgets a press whose mark could not be kept, so that it can be tried
// again.
func (p *presses) drop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.made, name)
}

// recent returns the mark of a press that can still be taken back.
func (p *presses) recent(name string) (figures.Mark, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.made[name]
	return one.mark, ok && !one.back && p.now().Sub(one.at) <= undoTime
}

// back claims the taking back of a press; false if it is too late, or done.
func (p *presses) back(name string) (figures.Mark, bool) {
	m, ok := p.recent(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.made[name]
	if !ok || one.back {
		return m, false
	}
	one.back = true
	p.made[name] = one
	return m, true
}

// forth says that a mark could not be taken back after all.
func (p *presses) forth(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, ok := p.made[name]; ok {
		one.back = false
		p.made[name] = one
	}
}
