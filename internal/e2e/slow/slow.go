// Package slow says how much slower than an ordinary machine this one is, for
// the deadlines of tests.
//
// It is for what is waited for, never for what is found: a test that looks for
// something looks for the same on every machine.
//
// Caveat: it measures once for each test program, so a machine that becomes
// busy later is not noticed.
package slow

import (
	"os/exec"
	"sync"
	"time"
)

// What a machine as fast as those that the scenarios' times are made for needs
// to start a small program, and how many times slower one may be.
const (
	quickStart = 1500 * time.Microsecond
	slowest    = 4.0
	starts     = 20
)

// slowness is how many times longer than written a scenario waits here: 1 on an
// ordinary machine, more on one that is slow to start programs. What is waited
// for is the same; a browser is started in a second here and in five there.
var slowness = sync.OnceValue(func() float64 {
	began := time.Now()
	for range starts {
		if exec.Command("/bin/true").Run() != nil {
			return 1
		}
	}
	return min(max(1, float64(time.Since(began))/float64(starts*quickStart)), slowest)
})

// Stretch is a time as it is on this machine.
func Stretch(d time.Duration) time.Duration { return time.Duration(float64(d) * slowness()) }
