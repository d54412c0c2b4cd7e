package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"yhteiskone/kiosk/display"
)

// errServerGone ends the program when the X server has ended: everything that
// we showed went with it, so we start anew as soon as there is another.
var errServerGone = errors.New("the X server is gone")

// Times of the ground's supervision. A part that froze is started anew after
// misses looks; with the time that a fresh browser needs, that stays below ten
// seconds.
const (
	groundEvery  = time.Second
	groundAnswer = 1500 * time.Millisecond
	groundMisses = 2
	serverTime   = 30 * time.Second // for another X server to come
)

// server is what the ground asks of the display.
type server interface {
	Done() <-chan struct{}
	ServerAnswers(context.Context) error
	ServerPID() (pid, uid int, err error)
	ManagerAnswers(context.Context) bool
}

// ground is what the kiosk's windows stand on: the X server and the window
// manager. It watches both and starts them anew, or ends them so that somebody
// else does.
type ground struct {
	display server
	start   func(context.Context) (manager, error) // a window manager
	log     *slog.Logger

	mu      sync.Mutex // guards all below
	manager manager
	windows windowed // who has windows there; nil before anybody has
}

// windowed is told that its windows may have been anywhere, so that no session
// goes on, and that they stand again.
type windowed interface {
	ScreenLost(context.Context) error
	ScreenBack(context.Context) error
}

// manager is one running window manager.
type manager interface {
	Done() <-chan struct{}
	Stop()
}

var _ manager = (*display.Manager)(nil)

// carry names who has windows on the ground.
func (g *ground) carry(w windowed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.windows = w
}

// stop ends the window manager for good.
func (g *ground) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.manager != nil {
		g.manager.Stop()
	}
}

func (g *ground) current() manager {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.manager
}

// watch returns when the context ends, or with the reason why the kiosk cannot
// go on.
func (g *ground) watch(ctx context.Context) error {
	tick := time.NewTicker(groundEvery)
	defer tick.Stop()
	serverMissed, managerMissed := 0, 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-g.display.Done():
			return errServerGone
		case <-g.current().Done():
			if g.serverGone() {
				return errServerGone
			}
			g.log.Error("the window manager is gone")
			if err := g.again(ctx); err != nil {
				return err
			}
		case <-tick.C:
			if serverMissed = g.missed(ctx, serverMissed, g.serverAnswers); serverMissed >= groundMisses {
				if err := g.endServer(); err != nil {
					return err
				}
				continue
			}
			if serverMissed > 0 {
				continue // who asks through it hears nothing of the manager
			}
			if managerMissed = g.missed(ctx, managerMissed, g.display.ManagerAnswers); managerMissed >= groundMisses {
				g.log.Error("the window manager does not answer")
				managerMissed = 0
				if err := g.again(ctx); err != nil {
					return err
				}
			}
		}
	}
}

func (g *ground) missed(ctx context.Context, before int, answers func(context.Context) bool) int {
	ask, cancel := context.WithTimeout(ctx, groundAnswer)
	defer cancel()
	if answers(ask) || ctx.Err() != nil {
		return 0
	}
	return before + 1
}

func (g *ground) serverAnswers(ctx context.Context) bool { return g.display.ServerAnswers(ctx) == nil }

// serverGone reports whether the server has ended. When it does, the window
// manager ends as well, and may be the first of which we hear.
func (g *ground) serverGone() bool {
	t := time.NewTimer(groundEvery)
	defer t.Stop()
	select {
	case <-g.display.Done():
		return true
	case <-t.C:
		return false
	}
}

// again ends the session and starts another window manager.
func (g *ground) again(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.windows != nil {
		if err := g.windows.ScreenLost(ctx); err != nil {
			g.log.Warn("the session does not hear that the screen was lost", "err", err)
		}
	}
	g.manager.Stop()
	m, err := g.start(ctx)
	if err == nil {
		g.manager = m
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil && g.serverGone() {
		return errServerGone
	}
	if err != nil {
		return fmt.Errorf("after the window manager was lost: %w", err)
	}
	g.log.Info("the window manager is back")
	if g.windows != nil {
		if err := g.windows.ScreenBack(ctx); err != nil {
			g.log.Error("the kiosk does not serve on its new window manager", "err", err)
		}
	}
	return nil
}

// endServer ends a server that does not answer, if it is our own user's; the
// service manager starts another, and so do we.
func (g *ground) endServer() error {
	g.log.Error("the X server does not answer")
	pid, uid, err := g.display.ServerPID()
	if err != nil {
		return fmt.Errorf("the X server does not answer: %w", err)
	}
	if uid != os.Getuid() {
		return errors.New("the X server does not answer, and it is another user's")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("end the X server that does not answer: %w", err)
	}
	return errServerGone
}

// awaitServer waits until an X server lets us in again.
func awaitServer(ctx context.Context, open func() (close func(), err error)) error {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := open()
		if err == nil {
			done()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w and did not come back: %w", errServerGone, err)
		}
	}
}
