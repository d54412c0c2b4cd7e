package browser

import (
	"encoding/binary"
	"io"
	"sync"
	"time"

	"yhteiskone/kiosk/procs"
)

// How long a browser may do nothing before it counts as frozen. To take a slow
// one for a frozen one throws somebody out in the middle of an errand, so the
// less we know for sure, the longer it may take.
const (
	// stoppedPatience is for a process that somebody has stopped.
	stoppedPatience = 5 * time.Second
	// stillPatience is for a window that owes answers while the thread that
	// has to give them sleeps and is not once woken by what comes for it.
	stillPatience = 10 * time.Second
	// busyPatience is for a window that owes answers while that thread runs,
	// wants to or waits for the disk: it may be stuck in a loop, or the page is
	// heavy and the machine old.
	busyPatience = 30 * time.Second
)

// vigil is what has been seen of the browser's main thread.
type vigil struct {
	mu      sync.Mutex
	turns   uint64
	stopped time.Time // since when it has been stopped; zero while it is not
	still   time.Time // since when it has not run at all; zero while it does
}

// answers reports whether the browser does anything. Its window is asked as
// window managers ask; the answers come from the X server or, when that does
// not trust the browser, from the session's door.
func (r *running) answers() bool {
	silent := r.o.Windows.Silent(Class)
	pulse, err := procs.Feel(procs.Root, r.main)
	if err != nil {
		pulse = procs.Pulse{} // nothing is known of it
	}
	return r.vigil.answers(silent, pulse, time.Now())
}

// answers judges by how long the window has owed an answer and what the thread
// looks like now.
func (v *vigil) answers(silent time.Duration, pulse procs.Pulse, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	since := func(t *time.Time, holds bool) time.Duration {
		if !holds {
			*t = time.Time{}
			return 0
		}
		if t.IsZero() {
			*t = now
		}
		return now.Sub(*t)
	}
	stopped := since(&v.stopped, pulse.Stopped())
	still := since(&v.still, pulse.Waits() && pulse.Turns == v.turns)
	v.turns = pulse.Turns
	return stopped < stoppedPatience && min(silent, still) < stillPatience && silent < busyPatience
}

// listen hears from the door which windows answer, until the door ends.
func (r *running) listen(door io.ReadCloser) {
	defer door.Close()
	const size = 4 // of a window's number
	b := make([]byte, 16*size)
	for {
		n, err := door.Read(b)
		if n >= size {
			r.o.Windows.Answered(binary.LittleEndian.Uint32(b[n-size : n])) // the newest one says it all
		}
		if err != nil {
			return
		}
	}
}
