// Package browser starts, watches and ends the client's Chromium: one fresh
// browser per session, in bubblewrap namespaces of its own, with Chromium's
// own sandbox on and our managed policy over it.
//
// It is for session.Browser and session.Running. It never debugs the browser,
// never reads what it shows, keeps no address after handing it over and logs
// nothing. All files of a session lie in memory that ends with it.
//
// Caveats: the browser shares the network and the X server with the kiosk, so
// neither is a wall between them. /etc/resolv.conf is bound as it is at the
// start; a machine whose resolver file is replaced later needs a local
// resolver. Where the client's browser runs as our own user, a browser that
// broke out of both sandboxes would have our rights.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/session"
)

// Errors of Start and Check; errors.Is tells them apart.
var (
	ErrMissing = errors.New("a program is missing")
	ErrRoot    = errors.New("the kiosk never runs as root; start it as a user of its own")
)

// Rect is a place on the screen in pixels.
type Rect struct{ X, Y, W, H int }

// Windows is what the browser needs to know of the screen.
type Windows interface {
	// Room is where the client's browser stands: the screen above the strip.
	Room() Rect
	// Where finds the main window of a class, whether it is mapped and
	// whether there is one.
	Where(class string) (place Rect, mapped, found bool, err error)
	// Front puts the main window of a class back to its place if it left it,
	// and gives the keyboard to the newest window of the class: a pop-up that
	// somebody is filling in stays in front.
	Front(class string, place Rect) error
}

// Options say how the client's browser is started.
type Options struct {
	Chromium   string // empty means Debian's
	Bubblewrap string // empty means Debian's
	Display    string // as in DISPLAY
	Cookies    string // the X cookie file, as in XAUTHORITY; need not exist
	Windows    Windows
	SearchName string // empty means DuckDuckGo
	SearchURL  string // with {searchTerms}
	// Links are the services on the page that leads back to the start. May be
	// nil.
	Links func(lang string) []Link
	// Leftover makes every Kill leave something behind, for the test that the
	// proof then fails: "file", "process" or nothing.
	Leftover string
	// extra are more flags for Chromium, rules replaces the policy; for tests.
	extra []string
	rules func(Policy) []Rule
}

// Where Debian has the programs.
const (
	DefaultChromium   = "/usr/lib/chromium/chromium"
	DefaultBubblewrap = "/usr/bin/bwrap"
)

// Browser starts browsers. It implements session.Browser.
type Browser struct {
	o      Options
	server *server
}

var _ session.Browser = (*Browser)(nil)

// New opens the server of the waiting page. Close it at the end.
func New(o Options) (*Browser, error) {
	if o.Chromium == "" {
		o.Chromium = DefaultChromium
	}
	if o.Bubblewrap == "" {
		o.Bubblewrap = DefaultBubblewrap
	}
	if o.SearchURL == "" {
		o.SearchName, o.SearchURL = "DuckDuckGo", "https://duckduckgo.com/?q={searchTerms}"
	}
	if !strings.Contains(o.SearchURL, "{searchTerms}") {
		return nil, fmt.Errorf("set up the client's browser: the search address %q does not hold {searchTerms}", o.SearchURL)
	}
	if o.Windows == nil {
		return nil, errors.New("set up the client's browser: no screen is given")
	}
	switch o.Leftover {
	case "", LeftoverFile, LeftoverProcess:
	default:
		return nil, fmt.Errorf("set up the client's browser: leftover is %q; it must be %q, %q or nothing", o.Leftover, LeftoverFile, LeftoverProcess)
	}
	if o.rules == nil {
		o.rules = Policy.Rules
	}
	// What somebody left open in us must not be open in the sandbox. Our own
	// handles are closed on exec anyway.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, fmt.Errorf("set up the client's browser: keep our files to ourselves: %w", err)
	}
	s, err := newServer(o.Links)
	if err != nil {
		return nil, fmt.Errorf("set up the client's browser: %w", err)
	}
	return &Browser{o: o, server: s}, nil
}

// Close ends the server. Browsers that still run are their holder's.
func (b *Browser) Close() error { return b.server.close() }

// Check says whether a browser could be started, without starting one.
func (b *Browser) Check() error {
	if os.Geteuid() == 0 {
		return ErrRoot
	}
	for _, p := range []struct{ path, name, pkg string }{
		{b.o.Chromium, "Chromium", "chromium"}, {b.o.Bubblewrap, "bubblewrap", "bubblewrap"},
	} {
		if info, err := os.Stat(p.path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return fmt.Errorf("%w: %s is not at %s; install the package %s or set its path", ErrMissing, p.name, p.path, p.pkg)
		}
	}
	_, err := displayNumber(b.o.Display)
	return err
}

// Start starts a fresh browser on the waiting page.
func (b *Browser) Start(ctx context.Context, mark session.Mark, setup session.Setup) (session.Running, error) {
	if err := b.Check(); err != nil {
		return nil, fmt.Errorf("start the client's browser: %w", err)
	}
	lang := spoken(setup.Lang)
	wt, page := b.server.expect(lang)
	r, err := b.start(ctx, mark, lang, page)
	if err != nil {
		b.server.forget(wt)
		return nil, fmt.Errorf("start the client's browser: %w", err)
	}
	r.wait, r.server = wt, b.server
	go r.watch()
	return r, nil
}

func (b *Browser) start(ctx context.Context, mark session.Mark, lang, page string) (*running, error) {
	var h hand
	defer h.close()
	// The pipes first: a shell knows only handles of one digit.
	var readyFD, infoFD int
	ready, err := h.pipe(&readyFD)
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	info, err := h.pipe(&infoFD)
	if err != nil {
		return nil, err
	}
	defer info.Close()
	box, err := b.sandbox(&h, mark, lang, page)
	if err != nil {
		return nil, err
	}
	box.Ready, box.Info = readyFD, infoFD

	r := &running{mark: mark, o: b.o, lost: make(chan struct{}), exited: make(chan struct{}), init: -1}
	var said bytes.Buffer
	r.cmd = exec.Command(b.o.Bubblewrap, Args(box)...)
	r.cmd.Dir = "/"
	r.cmd.Env = []string{procs.EnvName + "=" + mark.Token}
	r.cmd.ExtraFiles = h.files
	r.cmd.Stderr = &limited{to: &said} // bubblewrap's own; Chromium's goes nowhere
	// Its own session keeps the terminal's Ctrl-C from it.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go r.hold(started)
	if err := <-started; err != nil {
		return nil, err
	}
	h.close() // so that the pipes end when the sandbox's own ends do
	if err := r.stands(ctx, ready, info); err != nil {
		r.cmd.Process.Kill()
		<-r.exited
		r.letGo()
		if line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); line != "" {
			err = fmt.Errorf("%w: %s", err, line)
		}
		return nil, err
	}
	return r, nil
}

// hold starts the program and waits for its end on one thread: the signal
// that ends it when we die belongs to the thread that started it.
func (r *running) hold(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := r.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	r.cmd.Wait()
	close(r.exited)
}

// stands waits until the sandbox is complete and Chromium is about to run.
func (r *running) stands(ctx context.Context, ready, info *os.File) error {
	stop := context.AfterFunc(ctx, func() { ready.Close(); info.Close() })
	defer stop()
	if n, err := ready.Read(make([]byte, 1)); n != 1 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the sandbox does not stand (%w)", err)
	}
	var made struct {
		Child int `json:"child-pid"`
	}
	if err := json.NewDecoder(info).Decode(&made); err != nil || made.Child <= 1 {
		return fmt.Errorf("bubblewrap does not say what it made: %w", errors.Join(err, ctx.Err()))
	}
	fd, err := unix.PidfdOpen(made.Child, 0)
	if err != nil {
		return fmt.Errorf("hold the sandbox's first process: %w", err)
	}
	r.init, r.first = fd, made.Child
	if r.namespace, err = procs.Namespace(procs.Root, r.first); err != nil {
		return err
	}
	r.began, err = procs.Began(procs.Root, r.cmd.Process.Pid)
	return err
}

// sandbox gathers everything that a session begins with.
func (b *Browser) sandbox(h *hand, mark session.Mark, lang, page string) (Sandbox, error) {
	display, err := displayNumber(b.o.Display)
	if err != nil {
		return Sandbox{}, err
	}
	cookie, err := wildCookie(b.o.Cookies, display)
	if err != nil {
		return Sandbox{}, err
	}
	home := b.server.address("/home", url.Values{"lang": {lang}})
	policy, err := JSON(b.o.rules(Policy{Home: home, SearchName: b.o.SearchName, SearchURL: b.o.SearchURL}))
	if err != nil {
		return Sandbox{}, err
	}
	all, err := contents(mark, policy, cookie, os.Getuid(), os.Getgid())
	if err != nil {
		return Sandbox{}, err
	}
	given, err := h.give(all)
	if err != nil {
		return Sandbox{}, err
	}
	room := b.o.Windows.Room()
	return Sandbox{Chromium: b.o.Chromium, Display: display, Lang: lang, Token: mark.Token, Width: room.W, Height: room.H,
		Page: page, Given: given, Etc: etcFiles(), Masked: present(maskedPrograms()), Extra: b.o.extra}, nil
}

func present(paths []string) []string {
	var there []string
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			there = append(there, p)
		}
	}
	return there
}

// pipe makes a pipe whose writing end the sandbox gets as number *fd.
func (h *hand) pipe(fd *int) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	*fd = h.take(w)
	return r, nil
}

// limited keeps the begin of what is written to it.
type limited struct{ to *bytes.Buffer }

func (l *limited) Write(b []byte) (int, error) {
	if room := 2048 - l.to.Len(); room > 0 {
		l.to.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

var _ io.Writer = (*limited)(nil)
