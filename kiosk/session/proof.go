package session

import (
	"context"
	"errors"
	"time"

	"yhteiskone/internal/fleet"
)

// recover is the first act of every start: whatever an earlier run left is
// removed, and then it is proved that nothing is left.
func (m *Machine) recover(ctx context.Context) {
	mark, left, err := m.Wiper.Left()
	if err == nil && !left {
		mark, err = m.Wiper.Begin()
	}
	if err != nil {
		m.Log.Error("the kiosk cannot keep its state", "err", err)
		m.fault(fleet.StateNotKept, true)
		m.broken(ctx, fleet.StateNotKept)
		return
	}
	if left {
		m.fault(fleet.KioskRestarted, true)
		wipe, cancel := m.wiping(ctx)
		m.Wiper.Wipe(wipe, mark) // removes; the look that counts comes next
		cancel()
		if mark.Occupied && !mark.Counted {
			m.Counter.Session("", 0, fleet.EndInterruption)
		}
	}
	m.mark, m.unproved = mark, true
	if why := m.prove(ctx, time.Now()); why != "" {
		m.counted()
		m.broken(ctx, why)
		return
	}
	m.prepare(ctx)
}

// wiping is the time of one wipe. That the program is told to stop does not cut
// it off: its looks would have failed, and staff would be told of a machine that
// may hold what a client left. It is short, and what ends the program comes after.
func (m *Machine) wiping(ctx context.Context) (context.Context, context.CancelFunc) {
	most := m.slow(wipeTime)
	if end, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(end))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), most)
}

// prove wipes what the mark names, looks, signs and stores. It returns why the
// machine is not proved clean, or "".
func (m *Machine) prove(ctx context.Context, started time.Time) fleet.Code {
	wipe, cancel := m.wiping(ctx)
	defer cancel()
	looks := m.Wiper.Wipe(wipe, m.mark)
	p, err := m.Prover.Prove(looks, time.Since(started))
	if err != nil {
		m.Log.Error("the proof could not be kept", "err", err)
		return fleet.StateNotKept
	}
	m.Trace("proof")
	if !p.Clean() {
		for _, l := range looks {
			if l.Found != 0 || l.Failed {
				m.Log.Error("the wipe is not verified", "look", l.At, "looked", l.Looked, "found", l.Found, "failed", l.Failed)
			}
		}
		return fleet.WipeUnverified
	}
	if err := errors.Join(m.Wiper.Finish(), m.Memory.Verified()); err != nil {
		m.Log.Error("the kiosk cannot keep its state", "err", err)
		return fleet.StateNotKept
	}
	m.view.LastClean, m.unproved = p.At, false
	return ""
}

// broken puts the kiosk out of order until it is started anew. Nothing else is
// being drawn when it is called.
func (m *Machine) broken(ctx context.Context, why fleet.Code) {
	m.fault(why, true)
	m.erasedOver()
	m.view.Trouble, m.view.Preparing, m.view.Chosen = why, false, ""
	m.stuck, m.renewing = true, false
	m.set(fleet.OutOfOrder)
	m.restart = nil
	m.show(ctx)
	for _, w := range m.waiting { // what waited for the session's end can be done or not: say so
		m.carryOut(ctx, w)
	}
	m.waiting = nil
	if why == fleet.WipeUnverified {
		if err := m.Memory.Unverified(); err != nil {
			m.Log.Error("the machine cannot be restarted", "err", err)
		}
	}
}

// count counts a session, if it was one.
func (m *Machine) count(end fleet.End, length time.Duration) {
	if end != "" {
		m.Counter.Session(m.category, length, end)
	}
	m.category = ""
}

// counted keeps with a mark that stays on the disk that its session was
// counted: the next start, which finds it, must not count it again.
func (m *Machine) counted() {
	if !m.mark.Occupied {
		return
	}
	m.mark.Counted = true
	if err := m.Wiper.Occupy(m.mark); err != nil {
		m.Log.Error("the kiosk cannot keep its state", "err", err)
	}
}

// leave ends what runs when the program is told to stop.
func (m *Machine) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), min(m.slow(killTime+wipeTime), leaveTime))
	defer cancel()
	m.cover()
	occupied, length := m.view.State.InSession(), time.Since(m.began)
	m.over("")
	m.erasedOver()
	if m.stuck || !m.unproved {
		return nil
	}
	m.set(fleet.Erasing)
	started := time.Now()
	m.kill(ctx)
	m.lapse()
	why := m.prove(ctx, started)
	if occupied {
		m.count(fleet.EndStop, length)
	}
	if why != "" {
		m.counted()
		return errors.New("the wipe at the end was not verified; the next start wipes first")
	}
	return nil
}
