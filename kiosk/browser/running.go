package browser

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"yhteiskone/kiosk/group"
	"yhteiskone/kiosk/session"
)

// running is one browser of one session.
type running struct {
	*child  // bubblewrap
	door    *child
	group   *group.Group // nil for none
	release func()       // of the X cookie
	mark    session.Mark
	o       Options
	server  *server
	wait    *wait
	reign   *reign
	lost    chan struct{}
	opened  atomic.Bool

	began uint64 // when bubblewrap did, in ticks: its pid may be another's later
	first int    // the first process of the session's pid namespace
	main  int    // Chromium's own first one; 0 if it was gone at once
	vigil vigil
	// namespace is that namespace's name.
	namespace string

	mu     sync.Mutex
	init   int // its handle, -1 when let go
	killed bool
}

var _ session.Running = (*running)(nil)

// Painted implements session.Running.
func (r *running) Painted() <-chan struct{} { return r.wait.painted }

// Lost implements session.Running.
func (r *running) Lost() <-chan struct{} { return r.lost }

// watch closes lost when the waiting page goes away before its time, or the
// browser or its door at any time.
func (r *running) watch() {
	defer close(r.lost)
	select {
	case <-r.exited:
		return
	case <-r.door.exited:
		return
	case <-r.wait.painted:
		r.giveWay()
	case <-r.wait.gone:
	}
	select {
	case <-r.exited:
		return
	case <-r.door.exited:
		return
	case <-r.wait.gone:
		if !r.opened.Load() {
			return
		}
	}
	select {
	case <-r.exited:
	case <-r.door.exited:
	}
}

// openTime is how long the waiting page may take to hear the address.
const openTime = 2 * time.Second

// Open implements session.Running. Its errors do not name the address.
func (r *running) Open(address string) error {
	if address == "" {
		address = r.server.address("/home", nil)
	}
	address, err := checkAddress(address)
	if err != nil {
		return fmt.Errorf("open a page: %w", err)
	}
	select {
	case <-r.lost:
		return errors.New("open a page: the browser is gone")
	default:
	}
	select {
	case <-r.wait.painted:
	default:
		return errors.New("open a page: the browser is not ready")
	}
	if r.opened.Swap(true) {
		return errors.New("open a page: the browser has opened one before")
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	if err := r.wait.send(ctx, address); err != nil {
		return fmt.Errorf("open a page: %w", err)
	}
	r.server.forget(r.wait)
	return nil
}

// slack is how far a window may be from its place, in pixels: a border.
const slack = 2

// Look implements session.Running.
func (r *running) Look() session.Look {
	select {
	case <-r.exited:
		return session.Look{}
	default:
	}
	at, mapped, found, err := r.o.Windows.Where(Class)
	return session.Look{Alive: true, Placed: err == nil && found && mapped && near(at, r.o.Windows.Room()),
		Answers: r.answers()}
}

func near(a, b Rect) bool {
	for _, d := range []int{a.X - b.X, a.Y - b.Y, a.W - b.W, a.H - b.H} {
		if d < -slack || d > slack {
			return false
		}
	}
	return true
}

// Raise implements session.Running.
func (r *running) Raise() error {
	if err := r.o.Windows.Front(Class, r.o.Windows.Room()); err != nil {
		return fmt.Errorf("give the browser the keyboard: %w", err)
	}
	return nil
}
