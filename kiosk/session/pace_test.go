package session

import (
	"testing"
	"time"
)

func (w *world) Pace() float64 { return w.pace }

// A browser that does not draw is replaced, on a machine that needs four times
// as long for everything not before four times as long.
func TestPaintTimeGoesByThePace(t *testing.T) {
	for pace, patience := range map[float64]time.Duration{0: paintTime, 1: paintTime, 4: 4 * paintTime} {
		bench(t, func(w *world) { w.slow, w.pace = true, pace }, func(t *testing.T, w *world, m *Machine) {
			w.pass(patience - time.Second)
			if n := len(w.runs); n != 1 {
				t.Errorf("pace %v: %d browsers were started before %v", pace, n, patience)
			}
			w.pass(3 * time.Second)
			if n := len(w.runs); n != 2 {
				t.Errorf("pace %v: %d browsers were started after %v", pace, n, patience)
			}
		})
	}
}
