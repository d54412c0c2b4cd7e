package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeServer is an X server that dies and freezes when it is told.
type fakeServer struct {
	mu                   sync.Mutex
	done                 chan struct{}
	frozen, managerQuiet bool
	pid, uid             int
}

func (s *fakeServer) Done() <-chan struct{} { return s.done }
func (s *fakeServer) ServerAnswers(ctx context.Context) error {
	s.mu.Lock()
	frozen := s.frozen
	s.mu.Unlock()
	if frozen {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
func (s *fakeServer) ServerPID() (int, int, error) { return s.pid, s.uid, nil }
func (s *fakeServer) ManagerAnswers(ctx context.Context) bool {
	s.mu.Lock()
	quiet := s.managerQuiet
	s.mu.Unlock()
	if quiet {
		<-ctx.Done()
	}
	return !quiet
}

func (s *fakeServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

type fakeManager struct {
	done chan struct{}
	once sync.Once
}

func newFakeManager() *fakeManager           { return &fakeManager{done: make(chan struct{})} }
func (m *fakeManager) Done() <-chan struct{} { return m.done }
func (m *fakeManager) Stop()                 { m.once.Do(func() { close(m.done) }) }

// fakeWindows counts how often they were lost and did not come back.
type fakeWindows struct{ lost *atomic.Int64 }

func (w fakeWindows) ScreenLost(context.Context) error { w.lost.Add(100); return nil }
func (w fakeWindows) ScreenBack(context.Context) error { w.lost.Add(-99); return nil }

// newGround is a ground in a bubble, and how often windows were lost.
func newGround(s *fakeServer, startErr error) (g *ground, lost, started *atomic.Int64) {
	lost, started = new(atomic.Int64), new(atomic.Int64)
	g = &ground{display: s, manager: newFakeManager(), log: slog.New(slog.DiscardHandler), windows: fakeWindows{lost},
		start: func(context.Context) (manager, error) {
			started.Add(1)
			s.set(func() { s.managerQuiet = false })
			if startErr != nil {
				return nil, startErr
			}
			return newFakeManager(), nil
		}}
	return g, lost, started
}

func TestGroundStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, lost, started := newGround(&fakeServer{done: make(chan struct{})}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := g.watch(ctx); err != nil || lost.Load() != 0 || started.Load() != 0 {
			t.Errorf("an hour of rest: %v, lost %d, started %d", err, lost.Load(), started.Load())
		}
	})
}

// A window manager that dies, or goes on without answering, is replaced, and
// no session goes on without one.
func TestGroundReplacesManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeServer{done: make(chan struct{})}
		g, lost, started := newGround(s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- g.watch(ctx) }()
		g.current().Stop()
		time.Sleep(groundEvery + time.Millisecond) // it may have been the server
		synctest.Wait()
		if lost.Load() != 1 || started.Load() != 1 {
			t.Errorf("a dead manager: lost %d, started %d", lost.Load(), started.Load())
		}
		s.set(func() { s.managerQuiet = true })
		from := time.Now()
		for started.Load() < 2 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		if took := time.Since(from); took > 7*time.Second || lost.Load() != 2 {
			t.Errorf("a frozen manager was replaced after %v; lost %d", took, lost.Load())
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

func TestGroundNoManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick := errors.New("openbox is not installed")
		g, _, _ := newGround(&fakeServer{done: make(chan struct{})}, sick)
		g.manager.Stop()
		if err := g.watch(t.Context()); !errors.Is(err, sick) {
			t.Errorf("watch says %v", err)
		}
	})
}

func TestGroundServer(t *testing.T) {
	gone := &fakeServer{done: make(chan struct{})}
	close(gone.done)
	g, _, _ := newGround(gone, nil)
	if err := g.watch(t.Context()); !errors.Is(err, errServerGone) {
		t.Errorf("without a server watch says %v", err)
	}
	// The window manager ends with its server, and may be heard of first.
	synctest.Test(t, func(t *testing.T) {
		s := &fakeServer{done: make(chan struct{})}
		g, lost, started := newGround(s, nil)
		g.manager.Stop()
		time.AfterFunc(groundEvery/2, func() { close(s.done) })
		if err := g.watch(t.Context()); !errors.Is(err, errServerGone) || lost.Load() != 0 || started.Load() != 0 {
			t.Errorf("%v, lost %d, started %d", err, lost.Load(), started.Load())
		}
	})
	// One hiccup is none of our business; a server that stays silent is ended,
	// if it is ours to end.
	synctest.Test(t, func(t *testing.T) {
		s := &fakeServer{done: make(chan struct{}), uid: os.Getuid() + 1}
		g, _, _ := newGround(s, nil)
		s.frozen = true
		time.AfterFunc(groundAnswer+groundEvery/2, func() { s.set(func() { s.frozen = false }) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.watch(ctx); err != nil {
			t.Errorf("after a hiccup: %v", err)
		}
		s.frozen = true
		if err := g.watch(t.Context()); err == nil || errors.Is(err, errServerGone) {
			t.Errorf("somebody else's frozen server: %v", err)
		}
	})
	c := exec.Command("sleep", "100")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	g, _, _ = newGround(&fakeServer{done: make(chan struct{}), frozen: true, pid: c.Process.Pid, uid: os.Getuid()}, nil)
	if err := g.watch(t.Context()); !errors.Is(err, errServerGone) {
		t.Errorf("a frozen server: %v", err)
	}
	if err := c.Wait(); err == nil || c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the frozen server ended by %v", c.ProcessState)
	}
}

func TestAwaitServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, closed := 0, 0
		err := awaitServer(t.Context(), func() (func(), error) {
			if tries++; tries < 5 {
				return nil, errors.New("not yet")
			}
			return func() { closed++ }, nil
		})
		if err != nil || closed != 1 {
			t.Errorf("%v after %d tries, closed %d", err, tries, closed)
		}
		from := time.Now()
		err = awaitServer(t.Context(), func() (func(), error) { return nil, errors.New("never") })
		if !errors.Is(err, errServerGone) || time.Since(from) != serverTime {
			t.Errorf("%v after %v", err, time.Since(from))
		}
	})
}
