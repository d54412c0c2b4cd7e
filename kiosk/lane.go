package main

import (
	"context"
	"sync"
)

// lane does one thing at a time on a goroutine of its own. A new one ends the
// one that is being done, by its context, and takes the place of one that
// waits: the latest wish wins.
type lane struct {
	failed func(error)
	stop   context.CancelFunc
	wake   chan struct{} // one slot

	mu     sync.Mutex // guards what follows
	next   func(context.Context)
	cancel context.CancelFunc // of what is being done
}

// newLane starts a lane. failed hears of errors that nobody waits for.
func newLane(failed func(error)) *lane {
	ctx, stop := context.WithCancel(context.Background())
	l := &lane{failed: failed, stop: stop, wake: make(chan struct{}, 1), cancel: func() {}}
	go l.run(ctx)
	return l
}

// do wants f done, and does not wait.
func (l *lane) do(f func(context.Context) error) {
	l.want(func(ctx context.Context) {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			l.failed(err)
		}
	})
}

// last wants f done and tells how it went; nothing if something newer came.
func (l *lane) last(f func(context.Context) error) <-chan error {
	done := make(chan error, 1)
	l.want(func(ctx context.Context) { done <- f(ctx) })
	return done
}

func (l *lane) want(f func(context.Context)) {
	l.mu.Lock()
	l.next = f
	l.cancel()
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) run(ctx context.Context) {
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			l.mu.Lock()
			f := l.next
			l.next = nil
			one, cancel := context.WithCancel(ctx)
			l.cancel = cancel
			l.mu.Unlock()
			if f != nil {
				f(one)
			}
			cancel()
			if f == nil {
				break
			}
		}
	}
}

// close ends the lane, without waiting.
func (l *lane) close() { l.stop() }
