package screen

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"yhteiskone/kiosk/session"
)

// Times of the supervision.
const (
	probeEvery = 3 * time.Second
	waitLeast  = 200 * time.Millisecond // before a lost shell is replaced
	waitMost   = 15 * time.Second
	healthy    = time.Minute // a shell that lived this long was a good one
)

// begin starts a shell and makes it the current one.
func (s *Screen) begin(ctx context.Context, patience time.Duration) (*shell, error) {
	address, token := s.server.fresh()
	sh, err := start(ctx, patience, s.Config, s.launcher, address, s.server.origin, token, s.pressed)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.shell = sh
	close(s.up)
	s.mu.Unlock()
	return sh, nil
}

// supervise watches the shell and replaces it whenever it is lost.
func (s *Screen) supervise(ctx context.Context, sh *shell) {
	defer close(s.stopped)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = waitLeast, waitMost
	for {
		began := time.Now()
		s.watch(ctx, sh)
		s.drop(sh)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > healthy {
			wait.Reset()
		}
		for sh = nil; sh == nil; {
			select {
			case <-time.After(wait.NextBackOff()):
			case <-ctx.Done():
				return
			}
			var err error
			if sh, err = s.begin(ctx, s.slow(startTime)); err != nil {
				s.Log.Error("the shell does not start", "err", err)
			}
		}
		s.Log.Info("the shell is back", "after", time.Since(began).Round(time.Millisecond))
		s.redraw(ctx)
	}
}

// reach gives the strip the keyboard when its key is pressed, and the client's
// browser when it is pressed again. Pages that have the keyboard anyway keep it.
func (s *Screen) reach(ctx context.Context, key <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-key:
		}
		s.mu.Lock()
		sh, v := s.shell, s.wanted
		s.mu.Unlock()
		if sh == nil || v == nil || kindOf(*v).takesKeys() {
			continue
		}
		if now, err := s.Display.Active(); err == nil && now == sh.window {
			s.pressed(session.Press{What: "back"})
			continue
		}
		if err := s.Display.Activate(sh.window); err != nil {
			s.Log.Warn("the strip did not take the keyboard", "err", err)
			continue
		}
		try, cancel := context.WithTimeout(ctx, s.slow(drawTime))
		if _, err := sh.eval(try, "reach()"); err != nil {
			s.Log.Warn("the strip did not take the keyboard", "err", err)
		}
		cancel()
	}
}

// watch returns when the shell was lost or the screen is closed.
func (s *Screen) watch(ctx context.Context, sh *shell) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sh.done:
			return
		case <-tick.C:
			try, cancel := context.WithTimeout(ctx, s.slow(probeTime))
			err := sh.probe(try)
			cancel()
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				s.giveUp(sh, err)
				return
			}
			s.mu.Lock()
			s.paints = true
			s.mu.Unlock()
		}
	}
}

// drop covers the screen, ends the shell and says that it was lost.
func (s *Screen) drop(sh *shell) {
	if err := s.Cover(); err != nil {
		s.Log.Error("the emergency curtain failed", "err", err)
	}
	s.mu.Lock()
	s.shell, s.paints, s.up = nil, false, make(chan struct{})
	s.wanted = afterLoss(s.wanted)
	s.mu.Unlock()
	select {
	case s.lost <- struct{}{}:
	default:
	}
	sh.kill()
}

// redraw shows on a new shell what the old one showed, unless somebody is
// about to draw anyway.
func (s *Screen) redraw(ctx context.Context) {
	if !s.drawing.TryLock() {
		return
	}
	defer s.drawing.Unlock()
	s.mu.Lock()
	v, covers := s.wanted, s.covers
	s.mu.Unlock()
	if v == nil {
		return
	}
	if err := s.show(ctx, *v, covers); err != nil {
		s.Log.Error("the new shell does not draw", "err", err)
	}
}
