package state

import "time"

// Survey is what Run does every second.
func (b *Board) Survey(now time.Time) { b.due(now) }

// Jumped says that the agent's clock was set, by so much.
func (b *Board) Jumped(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jumped(by)
}
