package browser

import (
	"sync"
	"time"

	"yhteiskone/kiosk/procs"
)

// patience is how long a browser may be stopped before it counts as frozen.
const patience = 5 * time.Second

// freeze is since when the browser's main process has been seen stopped.
type freeze struct {
	mu    sync.Mutex
	since time.Time // zero while it runs
}

// answers reports whether the browser does anything. The X server does not
// deliver the answers of a window that it does not trust (it takes them for a
// message to somebody else's), so of such a browser only is known whether its
// main process has been stopped.
func (r *running) answers() bool {
	if r.o.Untrusted == nil {
		return r.o.Windows.Answers(Class)
	}
	stopped, err := procs.Stopped(procs.Root, r.main)
	return r.freeze.lasts(err == nil && stopped, time.Now()) < patience
}

// lasts notes what was seen and returns how long it has been so.
func (f *freeze) lasts(stopped bool, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !stopped:
		f.since = time.Time{}
		return 0
	case f.since.IsZero():
		f.since = now
	}
	return now.Sub(f.since)
}
