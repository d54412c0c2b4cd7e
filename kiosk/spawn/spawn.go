// Package spawn starts programs in systemd units of their own, without a right
// over anybody: so the kiosk of the image gets its browsers, and what is done as
// the client's user.
//
// Behind a socket that only the kiosk may open, systemd starts a unit for each
// connection (Accept=yes), with the user, the namespaces and the bounds that
// stand in the unit's file. In it our own binary (Act) takes one order, starts
// that program, and ends with it. The connection is the program's life: when it
// is closed, by whoever, the program is killed, and systemd ends whatever else
// is in the unit.
//
// It knows nothing of what it starts, keeps no order, and never asks for more
// than the unit has.
//
// Caveats: what runs as the unit's user can stop this process of the unit, which
// then does not see the connection close; whoever relies on an end counts, as
// package browser does. An order is one message of at most MaxOrder bytes.
package spawn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// Name is the name under which our own binary is the program of the units.
const Name = "yhteiskone-spawn"

// MaxOrder is how long an order may be, in bytes; MaxFiles how many files it may
// bring.
const (
	MaxOrder = 128 << 10
	MaxFiles = 64
)

// Order is what is to be started: the program's path, its arguments with its
// name as the first one, and all of its environment. It starts in "/", with
// nothing to read and nowhere to write but the files that come with the order.
type Order struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"env"`
}

// answer is what comes back: first what was started, or why nothing was; then,
// after its end, how it ended.
type answer struct {
	PID     int    `json:"pid,omitempty"`
	UID     int    `json:"uid,omitempty"`
	Bounded bool   `json:"bounded,omitempty"`
	Error   string `json:"error,omitempty"`
	Exit    *int   `json:"exit,omitempty"` // -1 for a signal
}

// ErrStart says that the program was not started.
var ErrStart = errors.New("the program was not started")

// Program is one that was started.
type Program struct {
	PID     int  // in our own pid namespace
	UID     int  // whom it runs as
	Bounded bool // its unit holds it to a bound of memory
	line    *net.UnixConn
	over    sync.Once
	exited  chan struct{}
	code    int // once exited is closed; -1 if it is not known
}

// Start asks the unit behind the socket to start a program. Its standard error
// is the first of files, the others are its handles from 3 on; they stay open
// here. The error wraps ErrStart if the unit was there and could not.
func Start(ctx context.Context, socket string, o Order, files ...*os.File) (*Program, error) {
	p, err := start(ctx, socket, o, files)
	if err != nil {
		return nil, fmt.Errorf("ask for a program: %w", err)
	}
	go p.wait()
	return p, nil
}

func start(ctx context.Context, socket string, o Order, files []*os.File) (*Program, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if len(text) > MaxOrder || len(files) > MaxFiles {
		return nil, fmt.Errorf("the order has %d bytes and %d files, more than %d and %d", len(text), len(files), MaxOrder, MaxFiles)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unixpacket", socket)
	if err != nil {
		return nil, err
	}
	p := &Program{line: c.(*net.UnixConn), exited: make(chan struct{}), code: -1}
	stop := context.AfterFunc(ctx, p.hangUp)
	first, err := p.ask(text, files)
	if !stop() { // hung up already
		err = ctx.Err()
	}
	if err != nil {
		p.hangUp()
		return nil, err
	}
	p.PID, p.UID, p.Bounded = first.PID, first.UID, first.Bounded
	return p, nil
}

func (p *Program) ask(text []byte, files []*os.File) (answer, error) {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := p.line.WriteMsgUnix(text, rights, nil); err != nil {
		return answer{}, err
	}
	first, err := p.hear()
	if err == nil && first.PID <= 1 {
		err = fmt.Errorf("%w: %s", ErrStart, first.Error)
	}
	return first, err
}

// hear reads one answer.
func (p *Program) hear() (a answer, err error) {
	b := make([]byte, 4096)
	n, err := p.line.Read(b)
	if err != nil {
		return a, err
	}
	if n == 0 {
		return a, errors.New("the unit hung up")
	}
	return a, json.Unmarshal(b[:n], &a)
}

// wait hears how the program ended, then that the unit has hung up.
func (p *Program) wait() {
	defer close(p.exited)
	defer p.hangUp()
	if a, err := p.hear(); err == nil && a.Exit != nil {
		p.code = *a.Exit
	}
}

func (p *Program) hangUp() { p.over.Do(func() { p.line.Close() }) }

// Exited is closed once the program has ended, or nobody can say so any more.
func (p *Program) Exited() <-chan struct{} { return p.exited }

// Kill hangs up, and so ends the program and all of its unit. It does not wait
// for that.
func (p *Program) Kill() { p.line.CloseWrite() }

// Run starts a program, waits for its end and returns its exit code; -1 if it
// did not end by itself.
func Run(ctx context.Context, socket string, o Order) (int, error) {
	p, err := Start(ctx, socket, o)
	if err != nil {
		return -1, err
	}
	select {
	case <-p.exited:
		return p.code, nil
	case <-ctx.Done():
		p.hangUp()
		return -1, ctx.Err()
	}
}

// Become asks for a program and then turns this process into one that holds the
// line and does nothing else: it ends when the program does, and the program
// when it does. It returns only with an error.
func Become(ctx context.Context, socket string, o Order, files ...*os.File) error {
	p, err := start(ctx, socket, o, files)
	if err != nil {
		return fmt.Errorf("ask for a program: %w", err)
	}
	return fmt.Errorf("hold a program's line: %w", p.holdOn())
}

// holdOn becomes a program that reads until the other end hangs up.
func (p *Program) holdOn() error {
	f, err := p.line.File()
	if err != nil {
		return err
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for to, from := range []*os.File{f, null, null} {
		if err := unix.Dup3(int(from.Fd()), to, 0); err != nil {
			return err
		}
	}
	// What came with the order is not this process's to keep.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return err
	}
	if err := unix.SetNonblock(0, false); err != nil {
		return err
	}
	return unix.Exec(cat, []string{"cat"}, nil)
}
