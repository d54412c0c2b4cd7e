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
		wipe, cancel := context.WithTimeout(ctx, wipeTime)
		m.Wiper.Wipe(wipe, mark) // removes; the look that counts comes next
		cancel()
		if mark.Occupied {
			m.Counter.Session("", 0, fleet.EndInterruption)
		}
	}
	m.mark = mark
	if why := m.prove(ctx, time.Now()); why != "" {
		m.broken(ctx, why)
		return
	}
	m.prepare(ctx)
}

// prepare starts the next client's browser beneath the curtain.
func (m *Machine) prepare(ctx context.Context) {
	m.restart = nil
	m.names()
	mark, err := m.Wiper.Begin()
	if err != nil {
		m.Log.Error("the kiosk cannot keep its state", "err", err)
		m.fault(fleet.StateNotKept, true)
		m.later(ctx)
		return
	}
	m.fault(fleet.StateNotKept, false)
	running, err := m.Browser.Start(ctx, mark, Setup{Lang: m.Lang, Comfort: Plain(), Mode: m.now.Mode, Blocked: m.now.Blocked})
	if err != nil {
		m.Log.Error("the client's browser does not start", "err", err)
		m.later(ctx)
		return
	}
	m.mark, m.running, m.painted, m.began = mark, running, false, time.Now()
	if m.view.State != fleet.Erasing && m.view.State != fleet.OutOfOrder {
		// After a session the curtain goes on to say "erasing"; a kiosk that
		// failed stays out of order until a browser has really drawn.
		m.set(fleet.Starting)
	}
	m.show(ctx)
}

// later tries again after a while that grows with the failures, and after
// three of them tells people.
func (m *Machine) later(ctx context.Context) {
	m.failures++
	wait := min(time.Second<<min(m.failures, 5), 30*time.Second)
	m.restart = time.NewTimer(wait)
	if m.failures >= 3 {
		m.fault(fleet.BrowserFailing, true)
		m.view.Trouble = fleet.BrowserFailing
		m.set(fleet.OutOfOrder)
	}
	m.show(ctx)
}

// ready says that the next client may press a tile: the browser has drawn.
func (m *Machine) ready(ctx context.Context) {
	m.painted, m.failures = true, 0
	m.fault(fleet.BrowserFailing, false)
	m.view.Trouble = ""
	if m.Memory.OutOfService() {
		m.set(fleet.OutOfService)
	} else {
		m.set(fleet.Ready)
	}
	if m.show(ctx) == nil {
		m.Trace("ready")
	}
	m.watch()
	m.drain()
}

// open begins a session.
func (m *Machine) open(ctx context.Context, id string) error {
	if m.view.State != fleet.Ready || !m.painted {
		return ErrNotReady
	}
	tile, ok := m.Tiles.Tile(id)
	if !ok {
		return ErrUnknownTile
	}
	m.Trace("tile_pressed")
	// First on disk, then for the client: a power cut a moment later must
	// find that somebody was here.
	m.mark.Occupied = true
	if err := m.Wiper.Occupy(m.mark); err != nil {
		m.Log.Error("the kiosk cannot keep its state", "err", err)
		m.fault(fleet.StateNotKept, true)
		m.end(ctx, "")
		return ErrNotReady
	}
	if err := m.running.Open(tile.Address); err != nil {
		m.Log.Error("the client's browser does not open the page", "err", err)
		m.end(ctx, "")
		return ErrNotReady
	}
	m.began, m.touched, m.category = time.Now(), time.Now(), tile.Category
	m.view.Erased, m.view.Confirm, m.view.Message, m.view.Identify = false, false, "", false
	m.help.session = true
	m.limits()
	m.set(fleet.InUse)
	if m.show(ctx) != nil {
		m.end(ctx, fleet.EndShell)
		return ErrNotReady
	}
	m.Trace("strip")
	if err := m.running.Raise(); err != nil {
		m.Log.Warn("the client's browser did not take the keyboard", "err", err)
	}
	return nil
}

// end is the one path on which every session ends: curtain first, kill, wipe,
// verify, prove, next. An empty end is that of a browser which nobody used.
func (m *Machine) end(ctx context.Context, end fleet.End) {
	m.Trace("end_pressed")
	ctx = context.WithoutCancel(ctx)
	if err := m.Screen.Cover(); err != nil {
		m.Log.Error("the emergency curtain failed", "err", err)
	}
	m.Trace("curtain")
	length := time.Since(m.began)
	m.view.Confirm, m.view.EndsIn, m.view.Why, m.view.Left = false, 0, NoReason, 0
	m.view.Lang, m.view.Message, m.view.Identify = m.Lang, "", false
	m.set(fleet.Erasing)
	drawn := make(chan error, 1)
	view := m.view
	go func() { // the shell draws while the kernel kills
		show, cancel := context.WithTimeout(ctx, showTime)
		defer cancel()
		drawn <- m.Screen.Show(show, view)
	}()
	started := time.Now()
	if m.running != nil {
		kill, cancel := context.WithTimeout(ctx, killTime)
		if err := m.running.Kill(kill); err != nil {
			m.Log.Error("the session's processes did not end", "err", err)
		}
		cancel()
		m.running, m.painted = nil, false
	}
	m.lapse()
	why := m.prove(ctx, started)
	if end != "" {
		m.Counter.Session(m.category, length, end)
	}
	m.category = ""
	m.blank = <-drawn != nil
	m.fault(fleet.ShellNotPainting, m.blank)
	m.drain()
	if why != "" {
		m.broken(ctx, why)
		return
	}
	m.view.Erased, m.erasedAt = end != "", time.Now()
	for _, w := range m.waiting {
		m.carryOut(ctx, w)
	}
	m.waiting = nil
	m.prepare(ctx)
}

// prove wipes what the mark names, looks, signs and stores. It returns why the
// machine is not proved clean, or "".
func (m *Machine) prove(ctx context.Context, started time.Time) fleet.Code {
	wipe, cancel := context.WithTimeout(ctx, wipeTime)
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
	m.view.LastClean = p.At
	return ""
}

// broken puts the kiosk out of order until it is started anew. Nothing else is
// being drawn when it is called.
func (m *Machine) broken(ctx context.Context, why fleet.Code) {
	m.fault(why, true)
	m.view.Trouble, m.view.Erased = why, false
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

// browserLost handles a browser that is gone: in a session that is its end,
// before one it is replaced.
func (m *Machine) browserLost(ctx context.Context) {
	if m.view.State.InSession() {
		m.end(ctx, fleet.EndBrowser)
		return
	}
	m.Log.Warn("the waiting browser was lost")
	m.failures++
	if m.failures > 3 { // it dies again and again: do not spin
		kill, cancel := context.WithTimeout(ctx, killTime)
		defer cancel()
		m.running.Kill(kill)
		m.running = nil
		if why := m.prove(ctx, time.Now()); why != "" {
			m.broken(ctx, why)
			return
		}
		m.later(ctx)
		return
	}
	m.end(ctx, "")
}

// shellLost handles the loss of our own shell. The screen has covered
// everything and starts a new one.
func (m *Machine) shellLost(ctx context.Context) {
	m.fault(fleet.ShellNotPainting, true)
	if m.view.State.InSession() {
		m.end(ctx, fleet.EndShell)
		return
	}
	m.show(ctx)
}

// leave ends what runs when the program is told to stop.
func (m *Machine) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), killTime+wipeTime)
	defer cancel()
	if err := m.Screen.Cover(); err != nil {
		m.Log.Error("the emergency curtain failed", "err", err)
	}
	if m.running == nil {
		return nil
	}
	occupied, length := m.view.State.InSession(), time.Since(m.began)
	m.set(fleet.Erasing)
	started := time.Now()
	if err := m.running.Kill(ctx); err != nil {
		m.Log.Error("the session's processes did not end", "err", err)
	}
	m.running = nil
	m.lapse()
	why := m.prove(ctx, started)
	if occupied {
		m.Counter.Session(m.category, length, fleet.EndStop)
	}
	if why != "" {
		return errors.New("the wipe at the end was not verified; the next start wipes first")
	}
	return nil
}

// drain drops presses that were made on a view that is gone.
func (m *Machine) drain() {
	for {
		select {
		case <-m.Screen.Presses():
		default:
			return
		}
	}
}
