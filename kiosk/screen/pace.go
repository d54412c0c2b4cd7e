package screen

import "time"

const (
	ordinaryStart = 10 * time.Second // the first shell of a machine that is not slow needs less
	steepness     = 2.0              // a whole page slows a slow machine more than a first empty one
	slowest       = 6.0              // no machine is given more than so many times what others are
)

// paceOf says how much slower than an ordinary machine one is on which the first
// shell took that long.
func paceOf(first time.Duration) float64 {
	over := first.Seconds()/ordinaryStart.Seconds() - 1
	return min(1+steepness*max(0, over), slowest)
}

// slow is a time as this machine needs it.
func (s *Screen) slow(d time.Duration) time.Duration {
	return time.Duration(float64(d) * max(1, s.pace))
}

// Pace is how many times longer than an ordinary machine this one needs, 1 or more.
func (s *Screen) Pace() float64 { return max(1, s.pace) }
