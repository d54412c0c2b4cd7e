// Package browser starts, watches and ends the client's Chromium: one fresh
// browser per session, in bubblewrap namespaces of its own, with Chromium's
// own sandbox on and our managed policy over it.
//
// It is for session.Browser and session.Running. It never debugs the browser,
// never reads what it shows, keeps no address after handing it over and logs
// nothing. All files of a session lie in memory that ends with it.
//
// What a client may open is Chromium's own URL block list in the managed policy;
// it lies in a folder of ours that the sandbox has read-only, and so it can be
// changed while the browser runs (OpenWeb). A small extension of our own, which
// has no right to any page, shows our words for a blocked page and makes open
// pages follow the client's size; without it nothing more is open. In a frame of
// a page the words stay Chromium's.
//
// The walls around it: the namespaces of bubblewrap, among them one of the
// network with no way out but the session's door (package door); a user of its
// own where the machine has one (Options.User), a control group of its own
// where one is handed to us (Options.Group) or a unit of systemd's
// (Options.Units), an X cookie that the server does not trust
// (Options.Untrusted). The last three are not everywhere: without them the browser runs as our own user in its namespaces, and a browser that
// broke out of both sandboxes would have our rights.
package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/door"
	"yhteiskone/kiosk/group"
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
	// Silent asks the main window of a class whether it lives, and is how long
	// it has owed an answer; 0 while that is not known.
	Silent(class string) time.Duration
	// Answer is how its answers are known. Answered takes one of a window that
	// the X server did not deliver.
	Answer() door.Answer
	Answered(window uint32)
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
	// Allow are the hosts that are open when only errands are, in the words of
	// fleet.CheckHost. It is asked at the start of each browser. May be nil.
	Allow func() []string
	// Dir is where the policy of a running browser lies, best in memory; empty
	// means the system's folder for temporary files. The user of the client's
	// browser must be able to go through it.
	Dir string
	// Printer is the socket of the print server that clients print with; empty
	// for none.
	Printer string
	// Card reports whether a card reader is plugged in. It is asked at the start of
	// each browser. May be nil.
	Card func() bool
	// Leftover makes every Kill leave something behind, for the test that the
	// proof then fails: "file", "process" or nothing.
	Leftover string
	// Program is our own binary, which has the launcher and the door in it
	// (door.Act); empty means the one that runs.
	Program string
	// Reach are addresses on this machine that the browser may reach, besides
	// our own pages; for tests.
	Reach []netip.AddrPort
	// User is whose processes a session's are; nil means our own user.
	User *User
	// Units is the folder of the sockets behind which systemd starts a session's
	// programs as User (package spawn); empty means that we start them. Group is
	// nil then.
	Units string
	// Group is where sessions get their control groups; nil for none.
	Group *group.Home
	// Untrusted makes an X cookie for one session, for which the server keeps
	// it apart from all others; release ends it. The session's door uses it,
	// nobody inside the sandbox knows it. Nil means that the browser gets the
	// cookie of Cookies, and goes to the server itself.
	Untrusted func() (cookie []byte, release func(), err error)
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
	memory int64                 // the machine's, in bytes
	reigns atomic.Pointer[reign] // the newest; nil before the first
}

var _ session.Browser = (*Browser)(nil)

// New opens the server of the waiting page, and ends whatever runs as the
// client's user. Close it at the end.
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
	if o.Units != "" && (o.User == nil || o.Group != nil) {
		return nil, errors.New("set up the client's browser: in units it has a user, and no group of ours")
	}
	if o.Allow == nil {
		o.Allow = func() []string { return nil }
	}
	if o.rules == nil {
		o.rules = Policy.Rules
	}
	// What somebody left open in us must not be open in the sandbox. Our own
	// handles are closed on exec anyway.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, fmt.Errorf("set up the client's browser: keep our files to ourselves: %w", err)
	}
	if o.Program == "" {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("set up the client's browser: find our own program: %w", err)
		}
		o.Program = strings.TrimSuffix(program, " (deleted)") // an update put another there
	}
	total, err := memoryTotal()
	if err != nil {
		return nil, fmt.Errorf("set up the client's browser: %w", err)
	}
	if o.User != nil {
		if err := o.User.clear(context.Background()); err != nil {
			return nil, fmt.Errorf("set up the client's browser: %w", err)
		}
	}
	if err := forgetRulebooks(o.Dir); err != nil {
		return nil, fmt.Errorf("set up the client's browser: %w", err)
	}
	s, err := newServer(o.Links)
	if err != nil {
		return nil, fmt.Errorf("set up the client's browser: %w", err)
	}
	return &Browser{o: o, server: s, memory: total}, nil
}

// Close ends the server. Browsers that still run are their holder's.
func (b *Browser) Close() error { return b.server.close() }

// UIDs are the users whose processes and files may be a session's.
func (b *Browser) UIDs() []int {
	if b.o.User != nil {
		return []int{os.Getuid(), b.o.User.UID}
	}
	return []int{os.Getuid()}
}

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
	reign, err := b.reign(setup)
	if err != nil {
		return nil, fmt.Errorf("start the client's browser: %w", err)
	}
	wt, page := b.server.expect(b.server.begin(setup))
	r, err := b.start(ctx, mark, setup, page, reign.book.dir)
	if err != nil {
		b.server.forget(wt)
		b.server.end(wt.visit)
		return nil, fmt.Errorf("start the client's browser: %w", errors.Join(err, reign.end()))
	}
	r.wait, r.server, r.reign = wt, b.server, reign
	go r.watch()
	return r, nil
}

// sandbox gathers everything that a session begins with.
func (b *Browser) sandbox(h *hand, mark session.Mark, setup session.Setup, page, policies string) (Sandbox, error) {
	display, err := displayNumber(b.o.Display)
	if err != nil {
		return Sandbox{}, err
	}
	var cookie []byte
	if b.o.Untrusted == nil {
		if cookie, err = wildCookie(b.o.Cookies, display); err != nil {
			return Sandbox{}, err
		}
	}
	uid, gid := os.Getuid(), os.Getgid()
	if u := b.o.User; u != nil {
		uid, gid = u.UID, u.GID
	}
	all, err := contents(mark, setup, cookie, uid, gid)
	if err != nil {
		return Sandbox{}, err
	}
	card := b.card()
	given, err := h.give(append(all, card...))
	if err != nil {
		return Sandbox{}, err
	}
	room := b.o.Windows.Room()
	return Sandbox{Chromium: b.o.Chromium, Display: display, Guarded: b.o.Untrusted != nil, Locale: speak(setup.Lang).locale, Contrast: setup.Comfort.Contrast, Policies: policies, Token: mark.Token, Width: room.W, Height: room.H,
		Page: page, Given: given, Etc: etcFiles(), Masked: present(maskedPrograms()), Extra: b.o.extra,
		Launcher: b.o.Program, Memory: b.memory, Printer: b.o.Printer, Card: card != nil}, nil
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
