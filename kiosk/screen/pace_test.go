package screen

import (
	"testing"
	"time"
)

// A machine that needs long for its first shell is given more time afterwards,
// but not for ever: a shell that hangs must be noticed there as well.
func TestPace(t *testing.T) {
	for first, draws := range map[time.Duration]time.Duration{
		time.Second: 3 * time.Second, 10 * time.Second: 3 * time.Second, 20 * time.Second: 9 * time.Second, 2 * time.Minute: 18 * time.Second,
	} {
		s := &Screen{pace: paceOf(first)}
		if got := s.slow(drawTime); got != draws {
			t.Errorf("after a first shell in %v a view has %v, want %v", first, got, draws)
		}
	}
	if got := new(Screen).slow(drawTime); got != drawTime {
		t.Errorf("before it is known: %v", got)
	}
}
