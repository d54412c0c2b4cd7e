package screen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/zserge/lorca"

	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/session"
)

// Times that the shell is given.
const (
	firstTime = 2 * time.Minute  // from the first one's start to its page: an old disk is slow
	startTime = 20 * time.Second // from another one's
	probeTime = 3 * time.Second  // for two frames
	drawTime  = 3 * time.Second  // for a view
	closeTime = 2 * time.Second  // for its end

	nudgeAfter = 700 * time.Millisecond // a view that is not drawn by then
)

// errGone says that the shell is no more.
var errGone = errors.New("the shell has ended")

// shell is one running lorca window. Every call of lorca's runs in a goroutine
// that can be left behind: lorca answers nothing any more once its browser has
// died or hangs.
type shell struct {
	ui     lorca.UI
	window display.Window
	token  string
	done   chan struct{} // closed once it was lost, for whatever reason
	once   sync.Once
	log    *slog.Logger
	at     display.Rect // where the window was put last; only used by who draws
}

// start starts a shell on the address and returns once its page runs, or an
// error when that takes longer than patience. on is told every press.
func start(ctx context.Context, patience time.Duration, c Config, launcher, address, origin, token string, on func(session.Press)) (*shell, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w, h := c.Display.Size()
	type made struct {
		ui  lorca.UI
		err error
	}
	result := make(chan made, 1)
	hold := make(chan struct{})
	go func() {
		// The kernel ends the shell when the thread that started it ends, so
		// this one is kept for as long as the shell lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		lorca.ChromeExecutable = func() string { return launcher }
		ui, err := lorca.New(address, insideProfile, w, h,
			argParent+strconv.Itoa(os.Getpid()), argOrigin+origin, argChromium+c.Chromium, argUnit+c.Unit, "--lang=fi")
		result <- made{ui, err}
		<-hold
	}()
	s := &shell{token: token, done: make(chan struct{}), log: c.Log}
	go func() {
		<-s.done
		close(hold)
	}()
	select {
	case m := <-result:
		if m.err != nil {
			s.kill()
			return nil, fmt.Errorf("start the shell: %w", explain(m.err))
		}
		s.ui = m.ui
	case <-ctx.Done():
		s.kill()
		return nil, fmt.Errorf("start the shell: %w", ctx.Err())
	}
	if err := s.furnish(ctx, c.Display, on); err != nil {
		s.kill()
		return nil, err
	}
	go func() {
		select {
		case <-s.ui.Done():
			s.lose()
		case <-s.done:
		}
	}()
	return s, nil
}

// explain turns lorca's bare end of file into something to act on.
func explain(err error) error {
	if err.Error() == "EOF" {
		return errors.New("its Chromium ended at once; check that it is installed, that the kiosk does not run as root and that user namespaces are allowed")
	}
	return err
}

// furnish binds the one function that the page may call, waits for the page
// and finds its window.
func (s *shell) furnish(ctx context.Context, d *display.Display, on func(session.Press)) error {
	err := s.call(ctx, func() error {
		return s.ui.Bind("press", func(what, arg string) { on(session.Press{What: what, Arg: arg}) })
	})
	if err != nil {
		return fmt.Errorf("listen to the shell: %w", err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		ready, err := s.eval(ctx, `typeof show === "function" && typeof press === "function"`)
		if err != nil {
			return fmt.Errorf("wait for the shell's page: %w", err)
		}
		w, found, err := d.Find(Class)
		if err != nil {
			return fmt.Errorf("find the shell's window: %w", err)
		}
		if found && string(ready) == "true" {
			s.window = w
			// Its own strut lets the window stand where the margin is.
			if err := d.Strut(w, d.StripHeight()); err != nil {
				return err
			}
			// A window that is moved before its first frame may never draw one.
			return s.probe(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the shell's page: %w", ctx.Err())
		}
	}
}

// call runs one call of lorca's and leaves it behind when it does not answer.
func (s *shell) call(ctx context.Context, f func() error) error {
	answer := make(chan error, 1)
	go func() { answer <- f() }()
	select {
	case err := <-answer:
		return err
	case <-s.done:
		return errGone
	case <-ctx.Done():
		return fmt.Errorf("the shell does not answer: %w", ctx.Err())
	}
}

// eval evaluates one expression in the page and waits for its promise.
func (s *shell) eval(ctx context.Context, js string) (json.RawMessage, error) {
	var value json.RawMessage
	got := make(chan json.RawMessage, 1)
	err := s.call(ctx, func() error {
		v := s.ui.Eval(js)
		got <- v.Bytes()
		return v.Err()
	})
	if err == nil {
		value = <-got
	}
	return value, err
}

// probe asks for two frames.
func (s *shell) probe(ctx context.Context) error {
	v, err := s.eval(ctx, "probe()")
	if err == nil && !bytes.Equal(v, []byte("true")) {
		err = fmt.Errorf("the shell answered %.40q", v)
	}
	return err
}

// lose marks the shell as lost.
func (s *shell) lose() { s.once.Do(func() { close(s.done) }) }

// kill ends the shell's processes, whatever lorca thinks of them.
func (s *shell) kill() {
	s.killTree()
	s.lose()
	if s.ui == nil {
		return
	}
	// Close reads what lorca writes when its process has ended, so that comes
	// first.
	closed := make(chan struct{})
	go func() {
		<-s.ui.Done()
		_ = s.ui.Close() // it is dead; this only lets lorca tidy up
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTime):
		s.log.Warn("the shell's remains do not close")
	}
}

// killTree kills the process that lorca started: bubblewrap, with which its
// whole namespace dies. It is the child of ours that carries the token; lorca
// does not tell its number.
func (s *shell) killTree() {
	stats, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range stats {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte(s.token)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		// A handle first, then a second look: the number cannot have been
		// given to somebody else in between.
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		if again, err := os.ReadFile(file); err == nil && bytes.Contains(again, []byte(s.token)) {
			_ = p.Kill() // gone already is what we want
		}
		_ = p.Release()
	}
}
