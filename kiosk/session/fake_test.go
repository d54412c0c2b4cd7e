package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// world is everything around the machine, with the order of what happened.
type world struct {
	mu                   sync.Mutex
	did                  []string
	views                []View
	runs                 []*fakeRun
	presses              chan Press
	lost                 chan struct{}
	idleFrom             time.Time
	found                uint32 // what the next wipes find
	wipes                time.Duration
	proofs               []fleet.WipeProof
	ended                []fleet.End
	calls                []string
	over                 []string
	online               bool
	mark                 *Mark
	aside                bool // out of service
	startErr             error
	showErr, idleErr     error
	tokens               int
	unverified, restarts int

	setups   []Setup // of the browsers, in order
	adjusted []Comfort
	raised   int
	webs     int
	can      bool // the machine speaks, types and sticks
	said     []string
	chimes   int
	board    string // the language of the on-screen keyboard; empty for none
	stuck    bool   // sticky keys
	resets   int
	lights   []bool
	offs     int
	off      time.Duration // by which the wall clock is off
	down     []string
	config   error // of the configuration file
	woken    []string
	reboot   func(id string) error // nil: the machine cannot
	checked  func(id string) error // the same
	shown    []string              // the offer in use; nil for our own
	outcomes []fleet.Outcome
	changed  int

	look   func()      // called when a tile is looked up
	check  func(View)  // of every view that is shown
	dirty  atomic.Bool // a session was there since the last proof
	opened int         // sessions
	before int         // sessions, a move ago
	slow   bool        // browsers never draw
	pace   float64     // of the screen
	passed time.Duration
}

// fails makes the browser not start, the shell not draw, the idle time unknown.
func (w *world) fails(start, show, idle bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startErr, w.showErr, w.idleErr = nil, nil, nil
	for err, fails := range map[*error]bool{&w.startErr: start, &w.showErr: show, &w.idleErr: idle} {
		if fails {
			*err = errFake
		}
	}
}

type fakeRun struct {
	w       *world
	painted chan struct{}
	lost    chan struct{}
	address string
	killed  bool
	frozen  bool
	away    bool // its window is not in its place
	once    sync.Once
}

func (w *world) note(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did = append(w.did, s)
}

func (w *world) Start(ctx context.Context, m Mark, s Setup) (Running, error) {
	w.note("start")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.startErr != nil {
		return nil, w.startErr
	}
	r := &fakeRun{w: w, painted: make(chan struct{}), lost: make(chan struct{})}
	w.runs, w.setups = append(w.runs, r), append(w.setups, s)
	if !w.slow {
		time.AfterFunc(700*time.Millisecond, func() { close(r.painted) })
	}
	return r, nil
}

func (r *fakeRun) Painted() <-chan struct{} { return r.painted }
func (r *fakeRun) Lost() <-chan struct{}    { return r.lost }
func (r *fakeRun) Open(a string) error {
	r.w.note("open")
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.address = a
	r.w.opened++
	r.w.dirty.Store(true)
	return nil
}
func (r *fakeRun) Look() Look { return Look{!r.killed, !r.killed && !r.away, !r.frozen} }
func (r *fakeRun) Adjust(c Comfort) error {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.w.adjusted = append(r.w.adjusted, c)
	return nil
}
func (r *fakeRun) OpenWeb() error {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.w.webs++
	return nil
}
func (r *fakeRun) Raise() error {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.w.raised++
	return nil
}
func (r *fakeRun) Kill(context.Context) error {
	r.w.note("kill")
	r.killed = true
	return nil
}

func (w *world) Begin() (Mark, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens++
	w.mark = &Mark{Token: string(rune('a' + w.tokens)), Started: time.Now()}
	return *w.mark, nil
}
func (w *world) Occupy(m Mark) error {
	w.note("occupy")
	m.Occupied = true
	w.mark = &m
	return nil
}
func (w *world) Left() (Mark, bool, error) {
	if w.mark == nil {
		return Mark{}, false, nil
	}
	return *w.mark, true, nil
}
func (w *world) Wipe(ctx context.Context, _ Mark) []fleet.Look {
	w.note("wipe")
	select {
	case <-time.After(w.wipes):
	case <-ctx.Done():
	}
	return []fleet.Look{{At: "files", Looked: 9, Found: w.found, Failed: ctx.Err() != nil}}
}
func (w *world) Finish() error { w.note("finish"); w.mark = nil; return nil }

func (w *world) Prove(looks []fleet.Look, took time.Duration) (fleet.WipeProof, error) {
	w.note("prove")
	p := fleet.WipeProof{Seq: uint64(len(w.proofs) + 1), At: time.Now(), Looks: looks}
	w.proofs = append(w.proofs, p)
	if p.Clean() && !slices.ContainsFunc(w.runs, func(r *fakeRun) bool { return !r.killed }) {
		w.dirty.Store(false)
	}
	return p, nil
}
func (w *world) Last() *fleet.WipeProof { return nil }

// Spoken says what a countdown and the state would, in our own words.
func (w *world) Spoken(v View) string {
	return fmt.Sprint(v.State, v.Lang, v.EndsIn, v.Left, v.Notice, v.Confirm, v.Help, v.Hide, v.Picked, v.Message)
}
func (w *world) Light(on bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lights = append(w.lights, on)
	return nil
}
func (w *world) Cover() error { w.note("cover"); return nil }
func (w *world) Show(ctx context.Context, v View) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.views = append(w.views, v)
	if w.check != nil {
		w.check(v)
	}
	return w.showErr
}
func (w *world) Presses() <-chan Press       { return w.presses }
func (w *world) screenLost() <-chan struct{} { return w.lost }
func (w *world) Paints() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.showErr == nil
}
func (w *world) IdleFor() (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.idleFrom), w.idleErr
}

func (w *world) touch() { w.mu.Lock(); w.idleFrom = time.Now(); w.mu.Unlock() }

// fakeScreen exists because Browser's Running and Screen both have a Lost.
type fakeScreen struct{ *world }

func (s fakeScreen) Lost() <-chan struct{} { return s.screenLost() }

func (w *world) Tile(id string) (Tile, bool) {
	if w.look != nil {
		w.look()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return Tile{ID: id, Category: "benefits", Address: "https://" + id}, id == "kela" && w.shown == nil || slices.Contains(w.shown, id)
}

// Offer has a number for each service that it shows, and a tile for it.
func (w *world) Offer(o *fleet.Offer) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shown = nil; o != nil {
		w.shown = o.Shown
	}
	return uint64(len(w.shown))
}
func (w *world) Changed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed++
}
func (w *world) Down() []string { return w.down }

type fakeAids struct{ *world }

func (a fakeAids) Can(lang string) (speak, keyboard, sticky bool) { return a.can, a.can, a.can }
func (a fakeAids) Say(text, lang string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, lang+":"+text)
	return nil
}
func (a fakeAids) SaySelected(lang string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, lang+":selected")
	return nil
}
func (a fakeAids) Chime() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.chimes++
	return nil
}
func (a fakeAids) Keyboard(show bool, lang string, above int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.board = ""
	if show {
		a.board = lang
	}
	return nil
}
func (a fakeAids) Sticky(on bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stuck = on
	return nil
}
func (a fakeAids) Reset() error {
	a.note("reset")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.board, a.stuck = "", false
	a.resets++
	return nil
}

type fakeUplink struct{ *world }

func (u fakeUplink) Help(call string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls = append(u.calls, call)
	return nil
}
func (u fakeUplink) HelpOver(call string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = append(u.over, call)
	return nil
}
func (u fakeUplink) Connected() bool { return u.online }

type fakeCounter struct{ *world }

func (c fakeCounter) Session(category string, length time.Duration, end fleet.End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, end)
}
func (c fakeCounter) Help() {}
func (c fakeCounter) Outcome(o fleet.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes = append(c.outcomes, o)
}

func (w *world) OutOfService() bool           { return w.aside }
func (w *world) SetOutOfService(b bool) error { w.aside = b; return nil }
func (w *world) Unverified() error            { w.unverified++; return nil }
func (w *world) Verified() error              { return nil }

func (w *world) last() View    { w.mu.Lock(); defer w.mu.Unlock(); return w.views[len(w.views)-1] }
func (w *world) run() *fakeRun { w.mu.Lock(); defer w.mu.Unlock(); return w.runs[len(w.runs)-1] }
func (w *world) done() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := slices.Clone(w.did)
	w.did = nil
	return d
}

// plainSettings are those of the tests that need no others.
func plainSettings() fleet.Settings {
	return fleet.Settings{Idle: 5 * time.Minute, Warn: time.Minute, Limit: 30 * time.Minute, KioskName: "Kone 3"}
}

// bench runs f beside a running machine inside a bubble of fake time, and the
// machine's last act after it.
func bench(t *testing.T, prepare func(*world), f func(*testing.T, *world, *Machine)) {
	t.Helper()
	benchWith(t, plainSettings(), prepare, f)
}

func benchWith(t *testing.T, s fleet.Settings, prepare func(*world), f func(*testing.T, *world, *Machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{presses: make(chan Press), lost: make(chan struct{}), online: true, idleFrom: time.Now(), can: true}
		if prepare != nil {
			prepare(w)
		}
		m := w.machine(s)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stopped := make(chan error, 1)
		go func() { stopped <- m.Run(ctx) }()
		synctest.Wait()
		f(t, w, m)
		cancel()
		if err := <-stopped; err != nil && w.found == 0 {
			t.Errorf("the machine stopped with %v", err)
		}
		for i, r := range w.runs {
			if !r.killed {
				t.Errorf("browser %d of %d still runs after the machine stopped", i+1, len(w.runs))
			}
		}
	})
}

func (w *world) machine(s fleet.Settings) *Machine {
	return New(Deps{Browser: w, Wiper: w, Prover: w, Screen: fakeScreen{w}, Tiles: w, Uplink: fakeUplink{w},
		Counter: fakeCounter{w}, Memory: w, Aids: fakeAids{w}, Services: w, Log: slog.New(slog.DiscardHandler),
		Restart: func() { w.restarts++ }, CheckConfig: func() error { return w.config }, Reboot: w.reboot, Check: w.sheets(), About: func() About { return About{Build: "1", Agent: "https://a"} }, Wake: func(mac string) error { w.woken = append(w.woken, mac); return w.config }, PowerOff: func() { w.offs++ }, Lang: "fi",
		Wall: func() time.Time { return time.Now().Add(w.off) }}, s)
}

func (w *world) sheets() func(string) (fleet.Sheet, error) {
	if w.checked == nil {
		return nil
	}
	return func(id string) (fleet.Sheet, error) { return fleet.Sheet{Command: id}, w.checked(id) }
}

func (w *world) press(what, arg string) {
	w.touch()
	w.presses <- Press{what, arg}
	synctest.Wait()
}

// pass lets time go by. What the test read before was read before.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.passed += d
	w.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

func wantState(t *testing.T, m *Machine, want fleet.State) {
	t.Helper()
	if got := m.Status().State; got != want {
		t.Fatalf("state is %s, want %s", got, want)
	}
}

var errFake = errors.New("made to fail")
