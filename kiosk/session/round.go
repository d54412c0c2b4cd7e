package session

import (
	"context"
	"errors"
	"time"

	"yhteiskone/internal/fleet"
)

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
	m.mark, m.unproved = mark, true
	setup := m.wanted()
	running, err := m.Browser.Start(ctx, mark, setup)
	if err != nil {
		m.Log.Error("the client's browser does not start", "err", err)
		m.later(ctx)
		return
	}
	m.running, m.setup, m.painted, m.began = running, setup, false, time.Now()
	switch {
	case m.renewing: // the welcome page stays, and says that it prepares
		m.view.Preparing = true
	case m.view.State == fleet.Erasing || m.view.State == fleet.OutOfOrder:
		// After a session the curtain goes on to say "erasing"; a kiosk that
		// failed stays out of order until a browser has really drawn.
	default:
		m.set(fleet.Starting)
	}
	m.show(ctx)
}

// later tries again after a while that grows with the failures, and after
// three of them tells people.
func (m *Machine) later(ctx context.Context) {
	m.failures++
	m.renewing = false
	wait := min(time.Second<<min(m.failures, 5), 30*time.Second)
	m.restart = time.NewTimer(wait)
	if m.failures >= 3 {
		m.fault(fleet.BrowserFailing, true)
		m.view.Trouble = fleet.BrowserFailing
		m.set(fleet.OutOfOrder)
	} else if m.view.State == fleet.Ready {
		m.set(fleet.Starting) // it was to be started anew, and nothing runs
	}
	m.view.Preparing = false
	m.show(ctx)
}

func (m *Machine) paintedSoon() <-chan struct{} {
	if m.running == nil || m.painted {
		return nil
	}
	return m.running.Painted()
}

func (m *Machine) lost() <-chan struct{} {
	if m.running == nil {
		return nil
	}
	return m.running.Lost()
}

func (m *Machine) retry() <-chan time.Time {
	if m.restart == nil || m.blind() {
		return nil
	}
	return m.restart.C
}

// ready says that the next client may press a tile: the browser has drawn.
func (m *Machine) ready(ctx context.Context) {
	fresh := !m.renewing && !m.view.Erased // nothing was on the screen that leads anywhere
	m.painted, m.failures, m.renewing = true, 0, false
	m.fault(fleet.BrowserFailing, false)
	m.view.Trouble = ""
	m.rest()
	m.erasedTimes()
	if m.show(ctx) == nil {
		m.Trace("ready")
	}
	m.watch()
	if fresh {
		m.drain()
	}
	m.openChosen(ctx)
}

// rest puts a machine whose browser waits into the state in which it waits.
func (m *Machine) rest() {
	switch {
	case m.Memory.OutOfService():
		m.set(fleet.OutOfService)
	case !m.latest.Hours.Open(m.Wall()):
		m.set(fleet.Closed)
	default:
		m.set(fleet.Ready)
		m.follow()
		return
	}
	m.forget()
}

// open begins a session.
func (m *Machine) open(ctx context.Context, id string) error {
	if m.view.State != fleet.Ready || !m.painted || m.view.Preparing {
		return ErrNotReady
	}
	tile, ok := m.Tiles.Tile(id)
	if !ok {
		return ErrUnknownTile
	}
	select {
	case <-m.Screen.Lost(): // one of before: the session stands on the new one
		m.shellLost(ctx)
	default:
	}
	select {
	case <-m.running.Lost(): // it died under the welcome page: nobody begins a session with it
		m.browserLost(ctx)
		return ErrNotReady
	default:
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
	m.erasedOver() // from the outside a session can begin while the question is up
	m.began, m.category = time.Now(), tile.Category
	m.view.Confirm, m.view.Menu, m.view.Message, m.view.Identify = false, false, "", false
	m.view.Chosen, m.view.Web = "", false
	m.help.session = true
	m.set(fleet.InUse)
	m.wind()
	m.limits()
	m.keyboard()
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
	m.cover()
	m.Trace("curtain")
	length := time.Since(m.began)
	m.over(end)
	m.set(fleet.Erasing)
	drawn := m.drawAside(ctx, end == fleet.EndShell) // the shell draws while the kernel kills
	started := time.Now()
	m.kill(ctx)
	m.Trace("killed")
	m.lapse()
	if m.blind() { // what cannot be looked at cannot be proved either: sight goes on from here
		m.count(end, length)
		m.counted()
		return
	}
	why := m.prove(ctx, started)
	m.count(end, length)
	aside := <-drawn
	m.shown(aside.view, aside.err)
	m.drain()
	if why != "" {
		m.counted()
		m.broken(ctx, why)
		return
	}
	if end != "" {
		m.erased(end)
	}
	m.next(ctx)
}

// over takes away what belonged to the session. It comes before the kill, so
// that the voice falls silent at once.
func (m *Machine) over(end fleet.End) {
	switch {
	case end == fleet.EndButton:
		m.parting = Comfort{Size: m.view.Comfort.Size, Contrast: m.view.Comfort.Contrast}
	case end != "" || !m.view.Erased:
		m.parting = Comfort{}
	}
	m.plain()
	m.hidden = hidden{} // overwrites the pictures
	v := &m.view
	v.Confirm, v.Message, v.Identify, v.Web = false, "", false, false
	v.EndsIn, v.Why, v.Left, v.Notice, v.MoreTime, v.Waiting = 0, NoReason, 0, 0, false, false
	v.Hide, v.Picked, v.HideLeft = HideNone, 0, 0
	if end != fleet.EndButton && !v.Erased { // whoever pressed End still reads the last page
		v.Lang = m.Lang
	}
	m.renewing = false
}

type drawn struct {
	view View
	err  error
}

// errNoShell says that there is no shell to draw just now.
var errNoShell = errors.New("the shell is being started anew")

// drawAside draws the view without waiting for it. A shell that was lost is not
// waited for: the next browser can start meanwhile.
func (m *Machine) drawAside(ctx context.Context, lost bool) <-chan drawn {
	done := make(chan drawn, 1)
	m.fill()
	view := m.view
	switch {
	case m.blind():
		done <- drawn{view, errBlind}
		return done
	case lost:
		done <- drawn{view, errNoShell}
		return done
	}
	seen := m.parted(view)
	go func() {
		show, cancel := context.WithTimeout(ctx, m.slow(showTime))
		defer cancel()
		done <- drawn{view, m.Screen.Show(show, seen)}
	}()
	return done
}

// kill ends every process of what runs.
func (m *Machine) kill(ctx context.Context) {
	if m.running == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.slow(killTime))
	defer cancel()
	if err := m.running.Kill(ctx); err != nil {
		m.Log.Error("the session's processes did not end", "err", err)
	}
	m.running, m.painted = nil, false
}

// next goes on after a proof.
func (m *Machine) next(ctx context.Context) {
	for _, w := range m.waiting {
		m.carryOut(ctx, w)
	}
	m.waiting = nil
	m.prepare(ctx)
}

// browserLost handles a browser that is gone or frozen: in a session that is
// its end, before one it is replaced.
func (m *Machine) browserLost(ctx context.Context) {
	if m.view.State.InSession() {
		m.end(ctx, fleet.EndBrowser)
		return
	}
	m.Log.Warn("the waiting browser was lost")
	m.failures++
	if m.failures <= 3 {
		m.end(ctx, "")
		return
	}
	m.over("") // it dies again and again: do not spin
	m.kill(ctx)
	if why := m.prove(ctx, time.Now()); why != "" {
		m.broken(ctx, why)
		return
	}
	m.later(ctx)
}

// shellLost handles the loss of our own shell. The screen has covered
// everything and starts a new one.
func (m *Machine) shellLost(ctx context.Context) {
	m.fault(fleet.ShellNotPainting, true)
	if m.view.State.InSession() {
		m.end(ctx, fleet.EndShell)
		return
	}
	m.forget() // who cannot see what they chose cannot choose
	m.show(ctx)
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
