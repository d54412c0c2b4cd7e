package session

import (
	"context"
	"errors"
	"time"

	"yhteiskone/internal/fleet"
)

// blindTime is how long the screen may be gone before people are told that the
// machine is out of order.
const blindTime = 10 * time.Second

var errBlind = errors.New("there is no screen just now")

// sight is whether there is a screen to draw on and to look at.
type sight struct {
	lost time.Time // zero while it is there
	back time.Time // when it came back last
}

func (m *Machine) blind() bool { return !m.sight.lost.IsZero() }

// ScreenLost says that the X server or the window manager is gone or frozen
// and will be started anew. It returns once a running session is covered as far
// as that is possible, killed and counted; its wipe is proved when ScreenBack
// is called, because a proof looks at the screen's clipboard too. No browser is
// started before that.
func (m *Machine) ScreenLost(ctx context.Context) error {
	return m.ask(ctx, func() error {
		m.fault(fleet.ScreenFailing, true)
		if m.blind() {
			return nil
		}
		m.sight.lost = time.Now()
		switch {
		case m.view.State.InSession():
			m.end(ctx, fleet.EndShell)
		case m.running != nil:
			m.end(ctx, "")
		}
		return nil
	})
}

// ScreenBack says that the screen can be drawn on and looked at again. It
// proves the wipe, has the next browser started and tells whether the machine
// is clean. The fault ScreenFailing stays for a while, so that staff hear of
// it.
func (m *Machine) ScreenBack(ctx context.Context) error {
	return m.ask(ctx, func() error {
		if !m.blind() {
			return nil
		}
		ctx := context.WithoutCancel(ctx)
		m.sight = sight{back: time.Now()}
		m.cover()
		m.forget() // who chose something saw nothing of it
		m.drain()
		switch {
		case m.stuck:
			m.show(ctx)
			return errors.New("the kiosk is out of order until it is started anew")
		case m.unproved:
			if why := m.prove(ctx, time.Now()); why != "" {
				m.broken(ctx, why)
				return errors.New("the wipe was not verified")
			}
		}
		m.failures = 0
		m.next(ctx)
		return nil
	})
}

// sightTimes tells people of a screen that does not come back.
func (m *Machine) sightTimes() {
	if m.blind() && time.Since(m.sight.lost) > blindTime && m.view.State != fleet.OutOfOrder {
		m.view.Trouble = fleet.ScreenFailing
		m.set(fleet.OutOfOrder)
	}
	if !m.blind() && time.Since(m.sight.back) > restartShown {
		m.fault(fleet.ScreenFailing, false)
	}
}
