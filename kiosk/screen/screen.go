// Package screen is the shell: what clients see of the kiosk itself. While
// nobody uses the machine it is a curtain over everything, during a session a
// strip at the bottom.
//
// It is for drawing session.View and for telling what was pressed. It shows
// only our own page, in a lorca window of its own sandbox, profile and policy;
// it never shows a page of a client, never learns one's address and stores
// nothing. It is the only importer of lorca.
//
// Caveats: lorca is told by a package variable where its browser is, so one
// process has one Screen at a time. A lorca call that never returns is left
// behind in its goroutine; each loss of a shell can leave a few.
package screen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/session"
)

// Config is what a Screen works with.
type Config struct {
	Display   *display.Display
	Catalogue Tiles
	Dir       string         // the kiosk's runtime folder; holds the launcher
	Chromium  string         // the program itself; empty for where Debian has it
	Unit      string         // socket behind which systemd starts it (package spawn); empty means that we do
	Zone      *time.Location // in which times are told; nil for the machine's
	Log       *slog.Logger   // nil for none
}

// Tiles are what the welcome page offers. Implemented by kiosk/catalogue.
type Tiles interface {
	Tile(id string) (session.Tile, bool)
	First(lang string) []catalogue.Entry
	Groups(lang string) []catalogue.Entry
	Inside(group, lang string) []catalogue.Entry
}

// Screen implements session.Screen.
type Screen struct {
	Config
	render   *Renderer
	server   *server
	launcher string
	presses  chan session.Press
	lost     chan struct{}
	stop     context.CancelFunc
	stopped  chan struct{}

	pace float64 // how much slower than others this machine is; set before any use

	drawing sync.Mutex // held by who draws; before mu

	mu     sync.Mutex // guards all below
	shell  *shell     // nil while there is none
	up     chan struct{}
	wanted *session.View // what should be on the screen
	paints bool
	covers int // how often the curtain was asked for
}

// Open starts the shell beneath the emergency curtain and keeps it running
// until Close. The first Show takes the curtain away.
func Open(ctx context.Context, c Config) (*Screen, error) {
	if c.Chromium == "" {
		c.Chromium = "/usr/lib/chromium/chromium"
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if _, err := os.Stat(c.Chromium); err != nil {
		return nil, fmt.Errorf("start the shell: Chromium is not at %s; install the package chromium", c.Chromium)
	}
	texts, err := LoadTexts()
	if err != nil {
		return nil, err
	}
	render, err := NewRenderer(c.Catalogue, texts, c.Zone)
	if err != nil {
		return nil, err
	}
	launcher, err := linkLauncher(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := c.Display.Cover(); err != nil {
		return nil, err
	}
	pages, err := serve()
	if err != nil {
		return nil, err
	}
	live, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Screen{Config: c, render: render, server: pages, launcher: launcher, stop: stop, stopped: make(chan struct{}),
		presses: make(chan session.Press, 16), lost: make(chan struct{}, 1), up: make(chan struct{})}
	began := time.Now()
	first, err := s.begin(ctx, firstTime) // whoever ends the kiosk now does not wait for the shell
	if err != nil {
		stop()
		pages.close()
		return nil, err
	}
	s.pace = paceOf(time.Since(began))
	go s.supervise(live, first)
	if key, err := c.Display.GrabStripKey(); err != nil {
		c.Log.Warn("the strip cannot be reached by keyboard", "err", err)
	} else {
		go s.reach(live, key)
	}
	return s, nil
}

// linkLauncher makes our own binary startable as the launcher.
func linkLauncher(dir string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find our own program: %w", err)
	}
	link := filepath.Join(dir, LauncherName)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("make the shell's launcher: %w", err)
	}
	if err := os.Symlink(self, link); err != nil {
		return "", fmt.Errorf("make the shell's launcher: %w", err)
	}
	return link, nil
}

// Close ends the shell. The emergency curtain stays until the display closes.
func (s *Screen) Close() error {
	err := s.Cover()
	s.stop()
	<-s.stopped
	s.server.close()
	return err
}

// Cover puts the emergency curtain over everything, at once.
func (s *Screen) Cover() error {
	s.mu.Lock()
	s.covers++
	s.mu.Unlock()
	return s.Display.Cover()
}

// Presses are what people press.
func (s *Screen) Presses() <-chan session.Press { return s.presses }

// Lost is sent to when the shell was lost.
func (s *Screen) Lost() <-chan struct{} { return s.lost }

// Paints reports whether the shell drew two frames lately.
func (s *Screen) Paints() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paints && s.shell != nil
}

// IdleFor is how long nobody has touched mouse, keyboard or screen.
func (s *Screen) IdleFor() (time.Duration, error) { return s.Display.IdleFor() }

// Spoken is the view in words, as it is read aloud; empty when it cannot be
// drawn.
func (s *Screen) Spoken(v session.View) string {
	words, err := s.render.Spoken(v)
	if err != nil {
		s.Log.Error("the view has no words", "err", err)
	}
	return words
}

// Light turns the monitor on or off.
func (s *Screen) Light(on bool) error { return s.Display.Light(on) }

// Show draws the view and returns when it is on the screen, without the
// emergency curtain unless Cover was called meanwhile. While the shell is being
// started anew it waits for it as long as ctx allows.
func (s *Screen) Show(ctx context.Context, v session.View) error {
	s.mu.Lock()
	s.wanted = &v
	covers := s.covers
	s.mu.Unlock()
	s.drawing.Lock()
	defer s.drawing.Unlock()
	return s.show(ctx, v, covers)
}

// show is Show for who holds drawing.
func (s *Screen) show(ctx context.Context, v session.View, covers int) error {
	html, err := s.render.Render(v)
	if err != nil {
		return err
	}
	sh, err := s.await(ctx)
	if err != nil {
		return err
	}
	if err := s.draw(ctx, sh, v, html); err != nil {
		if ctx.Err() == nil || errors.Is(err, errGone) {
			s.giveUp(sh, err)
		}
		return err
	}
	s.mu.Lock()
	s.paints = true
	again := s.covers != covers
	s.mu.Unlock()
	if again {
		return nil
	}
	return s.Display.Uncover()
}

// await returns the shell once there is one.
func (s *Screen) await(ctx context.Context) (*shell, error) {
	for {
		s.mu.Lock()
		sh, up := s.shell, s.up
		s.mu.Unlock()
		if sh != nil {
			return sh, nil
		}
		select {
		case <-up:
		case <-s.stopped:
			return nil, errGone
		case <-s.Display.Done():
			return nil, errGone // no shell comes without a screen
		case <-ctx.Done():
			return nil, fmt.Errorf("the shell is not there yet: %w", ctx.Err())
		}
	}
}

// sheet is what the page is told to draw.
type sheet struct {
	HTML     string  `json:"html"`
	Kind     kind    `json:"kind"`
	Lang     string  `json:"lang"`
	Dir      string  `json:"dir"`
	Scale    float64 `json:"scale"`
	Size     int     `json:"size"` // of the text, in percent
	Contrast bool    `json:"contrast"`
	W        int     `json:"w"`
	H        int     `json:"h"`
}

// measure asks how many pixels high a page of the strip wants to be.
func measure(ctx context.Context, sh *shell, page sheet) (int, error) {
	packed, err := json.Marshal(page)
	if err != nil {
		return 0, fmt.Errorf("pack the page: %w", err)
	}
	answer, err := sh.eval(ctx, "measure("+string(packed)+")")
	if err != nil {
		return 0, fmt.Errorf("measure the view: %w", err)
	}
	var height float64
	if err := json.Unmarshal(answer, &height); err != nil {
		return 0, fmt.Errorf("measure the view: %w", err)
	}
	return int(height), nil
}

// draw sends the view to the page, puts the window where it belongs and waits
// until both are on the screen.
func (s *Screen) draw(ctx context.Context, sh *shell, v session.View, html string) error {
	ctx, cancel := context.WithTimeout(ctx, s.slow(drawTime))
	defer cancel()
	k := kindOf(v)
	w, h := s.Display.Size()
	scale := display.Scale(w, h)
	at := display.Rect{W: w, H: h}
	if units := k.height(v); units != 0 {
		at.H = int(float64(units)*scale + 0.5)
	}
	lang, size := languageOf(v.Lang), v.Comfort.Size
	if size == 0 {
		size = session.Plain().Size
	}
	sheet := sheet{HTML: html, Kind: k, Lang: lang.Code, Dir: lang.Dir, Scale: scale, Size: size, Contrast: v.Comfort.Contrast, W: at.W, H: at.H}
	if k.grows() {
		wanted, err := measure(ctx, sh, sheet)
		if err != nil {
			return err
		}
		at.H = min(max(at.H, wanted), h)
		sheet.H = at.H
	}
	at.Y = h - at.H
	page, err := json.Marshal(sheet)
	if err != nil {
		return fmt.Errorf("pack the page: %w", err)
	}
	drawn := make(chan error, 1)
	go func() {
		_, err := sh.eval(ctx, "show("+string(page)+")")
		drawn <- err
	}()
	if sh.at != at {
		if err := s.Display.Place(sh.window, at); err != nil {
			return err
		}
		sh.at = at
	}
	select {
	case err = <-drawn:
	case <-time.After(nudgeAfter):
		err = s.nudge(sh, at, drawn)
	}
	if err != nil {
		return fmt.Errorf("draw the view: %w", err)
	}
	if err := s.inPlace(ctx, sh, at); err != nil {
		return err
	}
	if !k.takesKeys() {
		return nil
	}
	// What is typed on the curtain must not reach the browser beneath it.
	if now, err := s.Display.Active(); err != nil || now == sh.window {
		return err
	}
	return s.Display.Activate(sh.window)
}

// nudge resizes a window that has its size but draws no frames: a Chromium
// whose window was resized while its first frame was under way can stop there,
// beneath a curtain, until the next resize.
func (s *Screen) nudge(sh *shell, at display.Rect, drawn <-chan error) error {
	s.Log.Warn("the shell is slow to draw; its window is resized once more")
	for _, r := range []display.Rect{{X: at.X, Y: at.Y, W: at.W, H: at.H - 1}, at} {
		if err := s.Display.Place(sh.window, r); err != nil {
			return err
		}
	}
	return <-drawn
}

// inPlace waits until the window is exactly there.
func (s *Screen) inPlace(ctx context.Context, sh *shell, at display.Rect) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		is, mapped, err := s.Display.Geometry(sh.window)
		if err != nil || mapped && is == at {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the shell's window is at %v instead of %v (mapped: %v)", is, at, mapped)
		}
	}
}

// giveUp ends a shell that does not do its work; supervise starts another.
func (s *Screen) giveUp(sh *shell, why error) {
	select {
	case <-sh.done:
	default:
		s.Log.Error("the shell is given up", "err", why)
	}
	if err := s.Cover(); err != nil {
		s.Log.Error("the emergency curtain failed", "err", err)
	}
	sh.lose()
}

// afterLoss is what a new shell shows first: never again the strip of a
// session, which ends when its shell was lost.
func afterLoss(v *session.View) *session.View {
	if v != nil && v.State.InSession() {
		return &session.View{State: fleet.Erasing, Lang: v.Lang, SiteName: v.SiteName, KioskName: v.KioskName}
	}
	return v
}
