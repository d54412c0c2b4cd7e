package state

import "time"

// Survey is what Run does every second.
func (b *Board) Survey(now time.Time) { b.due(now) }
