// Package session is the kiosk's state machine: welcome, browse, end, wipe,
// proof, and again. Every way in which a session can end takes the same path.
//
// It is for deciding what happens next. It never touches a process, a window,
// a file or a connection itself; it declares the interfaces it needs (Browser,
// Wiper, Prover, Screen, Uplink) and is given them.
//
// Caveats: the machine is one goroutine, Run. Everything else asks it through
// its inbox, and sees copies. Time is the monotonic clock, so a wrong or
// jumping clock neither shortens nor lengthens anybody's session; only opening
// hours are read from the wall clock, and a jump of it ends nobody without
// notice. A language chosen during a session changes our own pages at once; the
// browser's own texts are in the language it was started in.
package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
)

// Errors of the requests from outside.
var (
	ErrNoSession   = errors.New("no session runs")
	ErrNotReady    = errors.New("the kiosk is not ready for a client")
	ErrUnknownTile = errors.New("the catalogue has no such tile")
)

// Memory keeps what must survive a restart and is no proof and no session.
type Memory interface {
	// OutOfService reports whether staff took the kiosk out of service.
	OutOfService() bool
	SetOutOfService(bool) error
	// Unverified is called when a wipe could not be proved; it asks for the
	// machine's one restart where that is possible.
	Unverified() error
	// Verified is called when a wipe was proved.
	Verified() error
}

// Deps are what a Machine works with. All are needed but PowerOff, Reboot,
// Check, Wall and Trace.
type Deps struct {
	Browser  Browser
	Wiper    Wiper
	Prover   Prover
	Screen   Screen
	Aids     Aids
	Services Services
	Tiles    Tiles
	Uplink   Uplink
	Counter  Counter
	Memory   Memory
	Log      *slog.Logger
	// Restart makes the program end and be started anew.
	Restart func()
	// CheckConfig says what is wrong with the configuration to start anew with.
	CheckConfig func() error
	// Reboot restarts the whole machine for that command and returns once it is
	// known that it will; nil if this machine cannot. It may be told the same
	// command again after the restart, and must not do it again.
	Reboot func(command string) error
	// Check looks at the machine for that command, hands its sheet over and
	// returns it; nil if this machine cannot. It takes a while, and it is never
	// called in a session.
	Check func(command string) (fleet.Sheet, error)
	// About tells what the machine knows of itself; may be nil.
	About func() About
	// Wake wakes the machine of the house with that network card, without waiting.
	Wake func(mac string) error
	// PowerOff turns the machine off for the night; nil if it stays on.
	PowerOff func()
	// Wall is the wall clock in the place's zone; nil for time.Now.
	Wall func() time.Time
	// Trace is told of moments that the bench measures; may be nil.
	Trace func(event string)
	// Lang is the language of a fresh welcome page.
	Lang string
}

// Status is a copy of what the machine knows of itself.
type Status struct {
	State    fleet.State
	Since    time.Time
	Faults   []fleet.Code
	Help     HelpState
	Shell    bool // the shell draws
	Alive    bool // the client's browser runs
	Placed   bool // and its window is in its place
	Mode     fleet.Mode
	Web      bool   // staff opened the whole web for the running session
	Waiting  bool   // somebody waits for the machine
	Settings uint64 // the version of the settings in use
}

// Machine is the state machine. Make it with New, then Run it.
type Machine struct {
	Deps
	inbox chan func()
	done  chan struct{}

	mu       sync.Mutex // guards status and settings
	status   Status
	settings fleet.Settings // those that apply from the next welcome page on

	// What follows belongs to Run's goroutine alone.
	view     View
	drawn    View           // the last one that is on the screen
	blank    bool           // the last view is not on the screen
	latest   fleet.Settings // the newest ones, for what applies at once
	now      fleet.Settings // those of the running session
	mark     Mark
	unproved bool      // something was begun since the last proof
	stuck    bool      // out of order until the program is started anew
	started  time.Time // of the machine
	running  Running
	setup    Setup // of what runs
	painted  bool
	renewing bool      // what runs replaces one that nobody used, and nobody need notice
	began    time.Time // of the running browser, then of the session
	category string
	restart  *time.Timer // the next try to start a browser
	failures int
	choice   choice
	clock    clock
	hidden   hidden
	asked    asked
	parting  Comfort // size and contrast of the last pages of whoever pressed End; zero for none
	night    night
	sight    sight
	help     helpCall
	identify time.Time
	message  time.Time
	waiting  []pending       // commands that wait for the session's end
	reboots  string          // the command by which the machine is being restarted
	checks   map[string]bool // the commands for which it is being looked at

	technician technician
	seen       map[string]fleet.Result
}

// New returns a machine that is starting.
func New(d Deps, settings fleet.Settings) *Machine {
	if d.Trace == nil {
		d.Trace = func(string) {}
	}
	if d.Wall == nil {
		d.Wall = time.Now
	}
	m := &Machine{Deps: d, inbox: make(chan func()), done: make(chan struct{}), settings: settings, latest: settings, now: settings,
		seen: map[string]fleet.Result{}, checks: map[string]bool{}}
	m.view = View{State: fleet.Starting, Lang: d.Lang, Comfort: Plain()}
	m.choice.lang = d.Lang
	m.status = Status{State: fleet.Starting, Since: time.Now(), Mode: mode(settings.Mode), Settings: settings.Version}
	return m
}

// Run serves clients until the context ends; then it ends a running session,
// proves its wipe and returns. It returns an error only if that last wipe was
// not proved.
func (m *Machine) Run(ctx context.Context) error {
	defer close(m.done)
	m.started = time.Now()
	m.names()
	if last := m.Prover.Last(); last != nil && last.Clean() {
		m.view.LastClean = last.At
	}
	m.cover()
	m.plain() // a killed kiosk may have left a voice or a key that sticks
	m.recover(ctx)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if ctx.Err() != nil { // before all that may be waiting as well
			return m.leave()
		}
		select {
		case <-ctx.Done():
			return m.leave()
		case f := <-m.inbox:
			f()
		case p := <-m.Screen.Presses():
			m.press(ctx, p)
		case <-m.paintedSoon():
			m.ready(ctx)
		case <-m.lost():
			m.browserLost(ctx)
		case <-m.Screen.Lost():
			m.shellLost(ctx)
		case <-m.retry():
			m.prepare(ctx)
		case <-m.settled():
			m.renew(ctx)
		case <-tick.C:
			m.tick(ctx)
		}
	}
}

// Status returns a copy of the machine's status.
func (m *Machine) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	s.Faults = slices.Clone(s.Faults)
	return s
}

// Update replaces the settings. Names, opening hours and support apply at once,
// the centre's own words and the services on the next welcome page, times from
// the next session on; where clients may go from the next session on as well, for which a waiting
// browser is replaced.
func (m *Machine) Update(s fleet.Settings) {
	m.mu.Lock()
	m.settings = s
	m.mu.Unlock()
	m.tell(func() {
		m.names()
		m.follow()
	})
}

// names takes over what the settings say about names, at once, and about
// times, unless a session runs.
func (m *Machine) names() {
	m.mu.Lock()
	m.latest = m.settings
	m.mu.Unlock()
	m.view.SiteName, m.view.KioskName = m.latest.SiteName, m.latest.KioskName
	m.view.Languages, m.view.Phone = strings.Join(m.latest.Languages, ","), m.latest.Phone
	if !m.view.State.InSession() {
		m.now = m.latest
		m.view.Welcome = m.now.Welcome
		m.view.Offer = m.Tiles.Offer(m.now.Offer)
		if _, ok := m.Tiles.Tile(m.view.Chosen); !ok {
			m.view.Chosen = ""
		}
	}
}

func mode(m fleet.Mode) fleet.Mode {
	if m == "" {
		return fleet.Open
	}
	return m
}

// tell has f run in the machine's goroutine, soon, without waiting for it.
func (m *Machine) tell(f func()) {
	go func() {
		select {
		case m.inbox <- f:
		case <-m.done:
		}
	}()
}

// ask has f run in the machine's goroutine and waits for its answer.
func (m *Machine) ask(ctx context.Context, f func() error) error {
	answer := make(chan error, 1)
	select {
	case m.inbox <- func() { answer <- f() }:
		return <-answer
	case <-m.done:
		return ErrNotReady
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Answers returns once the machine has turned to the caller: it is not stuck.
func (m *Machine) Answers(ctx context.Context) error {
	return m.ask(ctx, func() error { return nil })
}

// Press does what the press would, for one on a page of ours that is not the
// shell's.
func (m *Machine) Press(ctx context.Context, p Press) error {
	return m.ask(ctx, func() error {
		m.press(context.WithoutCancel(ctx), p)
		return nil
	})
}

// Start begins a session as a press on the tile would.
func (m *Machine) Start(ctx context.Context, tile string) error {
	return m.ask(ctx, func() error {
		err := m.tile(context.WithoutCancel(ctx), tile)
		m.redraw(ctx)
		return err
	})
}

// End begins the end of the running session.
func (m *Machine) End(ctx context.Context, end fleet.End) error {
	return m.ask(ctx, func() error {
		if !m.view.State.InSession() {
			return ErrNoSession
		}
		m.tell(func() {
			if m.view.State.InSession() {
				m.end(context.WithoutCancel(ctx), end)
			}
		})
		return nil
	})
}

// set changes the state and tells everybody who needs to know.
func (m *Machine) set(s fleet.State) {
	m.view.State = s
	if s.InSession() || s == fleet.Erasing {
		m.view.Technician = nil
	}
	m.mu.Lock()
	changed := m.status.State != s
	if changed {
		m.status.State, m.status.Since = s, time.Now()
	}
	m.mu.Unlock()
	if changed {
		m.Uplink.Changed()
	}
}

// fault raises or clears a fault of our own.
func (m *Machine) fault(code fleet.Code, there bool) {
	m.mu.Lock()
	had := slices.Contains(m.status.Faults, code)
	if there && !had {
		m.status.Faults = append(m.status.Faults, code)
	}
	if !there && had {
		m.status.Faults = slices.DeleteFunc(m.status.Faults, func(c fleet.Code) bool { return c == code })
	}
	m.mu.Unlock()
	if there != had {
		m.Log.Info("fault", "code", code, "there", there)
		m.Uplink.Changed()
	}
}

// show draws the view; a screen that does not is lost and says so itself.
func (m *Machine) show(ctx context.Context) error {
	if m.blind() {
		return errBlind
	}
	m.fill()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.slow(showTime))
	defer cancel()
	err := m.Screen.Show(ctx, m.parted(m.view))
	if err != nil {
		m.Log.Warn("the shell did not draw", "err", err)
	}
	m.shown(m.view, err)
	return err
}

// shown takes note of what is on the screen now.
func (m *Machine) shown(v View, err error) {
	m.blank = err != nil
	m.fault(fleet.ShellNotPainting, m.blank)
	if err == nil {
		m.drawn = v
		m.speak()
	}
}

// redraw shows the view if it is another than that on the screen.
func (m *Machine) redraw(ctx context.Context) {
	m.fill()
	if m.view != m.drawn || m.blank {
		m.show(ctx)
	}
}

// cover puts the emergency curtain over everything.
func (m *Machine) cover() {
	if err := m.Screen.Cover(); err != nil {
		m.Log.Error("the emergency curtain failed", "err", err)
	}
}

func newID() string {
	raw := make([]byte, 8)
	rand.Read(raw) // never fails, by its documentation
	return hex.EncodeToString(raw)
}
