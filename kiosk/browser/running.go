package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/session"
)

// running is one browser of one session.
type running struct {
	mark   session.Mark
	o      Options
	cmd    *exec.Cmd
	server *server
	wait   *wait
	exited chan struct{}
	lost   chan struct{}
	opened atomic.Bool

	began uint64 // when bubblewrap did, in ticks: its pid may be another's later
	first int    // the first process of the session's pid namespace
	// namespace is that namespace's name.
	namespace string

	mu     sync.Mutex
	init   int // its handle, -1 when let go
	killed bool
}

var _ session.Running = (*running)(nil)

// Painted implements session.Running.
func (r *running) Painted() <-chan struct{} { return r.wait.painted }

// Lost implements session.Running.
func (r *running) Lost() <-chan struct{} { return r.lost }

// watch closes lost when the waiting page goes away before its time, or the
// browser at any time.
func (r *running) watch() {
	defer close(r.lost)
	select {
	case <-r.exited:
		return
	case <-r.wait.gone:
		if !r.opened.Load() {
			return
		}
	}
	<-r.exited
}

// openTime is how long the waiting page may take to hear the address.
const openTime = 2 * time.Second

// Open implements session.Running. Its errors do not name the address.
func (r *running) Open(address string) error {
	if address == "" {
		address = r.server.address("/home", url.Values{"lang": {r.wait.lang}})
	}
	address, err := checkAddress(address)
	if err != nil {
		return fmt.Errorf("open a page: %w", err)
	}
	select {
	case <-r.lost:
		return errors.New("open a page: the browser is gone")
	default:
	}
	select {
	case <-r.wait.painted:
	default:
		return errors.New("open a page: the browser is not ready")
	}
	if r.opened.Swap(true) {
		return errors.New("open a page: the browser has opened one before")
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	if err := r.wait.send(ctx, address); err != nil {
		return fmt.Errorf("open a page: %w", err)
	}
	r.server.forget(r.wait)
	return nil
}

// slack is how far a window may be from its place, in pixels: a border.
const slack = 2

// Look implements session.Running.
func (r *running) Look() session.Look {
	select {
	case <-r.exited:
		return session.Look{}
	default:
	}
	at, mapped, found, err := r.o.Windows.Where(Class)
	return session.Look{Alive: true, Placed: err == nil && found && mapped && near(at, r.o.Windows.Room()), Answers: true}
}

// Adjust implements session.Running.
func (r *running) Adjust(session.Comfort) error { return nil }

// OpenWeb implements session.Running.
func (r *running) OpenWeb() error { return nil }

func near(a, b Rect) bool {
	for _, d := range []int{a.X - b.X, a.Y - b.Y, a.W - b.W, a.H - b.H} {
		if d < -slack || d > slack {
			return false
		}
	}
	return true
}

// Raise implements session.Running.
func (r *running) Raise() error {
	if err := r.o.Windows.Front(Class, r.o.Windows.Room()); err != nil {
		return fmt.Errorf("give the browser the keyboard: %w", err)
	}
	return nil
}

// Kill implements session.Running. Killing the first process of a pid
// namespace makes the kernel kill all others, and that first process does not
// end before they have; the rest of it makes sure.
func (r *running) Kill(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return nil
	}
	r.server.forget(r.wait)
	known, noteErr := r.note() // before: afterwards nobody knows whose they were
	r.cmd.Process.Kill()
	if err := unix.PidfdSendSignal(r.init, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		noteErr = errors.Join(noteErr, err)
	}
	if noteErr != nil {
		return fmt.Errorf("end the session: %w", noteErr)
	}
	if err := r.ended(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	if err := r.none(ctx, known); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	r.killed = true
	unix.Close(r.init)
	r.init = -1
	if err := r.leave(); err != nil {
		return fmt.Errorf("leave something behind for the test: %w", err)
	}
	return nil
}

func (r *running) letGo() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.init >= 0 {
		unix.Close(r.init)
		r.init = -1
	}
}

// known is what the session's processes are recognised by.
type known struct {
	began     map[int]uint64 // by pid
	namespace string
}

func (r *running) note() (known, error) {
	k := known{began: map[int]uint64{}, namespace: r.namespace}
	now, err := procs.Began(procs.Root, r.cmd.Process.Pid)
	if err != nil || now != r.began {
		return k, err // it ended by itself and took all others with it
	}
	table, err := procs.Scan(procs.Root)
	if err != nil {
		return k, err
	}
	for pid := range table.Descendants(r.cmd.Process.Pid) {
		at, err := procs.Began(procs.Root, pid)
		if err != nil {
			return k, err
		}
		if at != 0 {
			k.began[pid] = at
		}
	}
	return k, nil
}

// ended waits until the whole namespace is empty.
func (r *running) ended(ctx context.Context) error {
	poll := []unix.PollFd{{Fd: int32(r.init), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, 20)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for the session's processes: %w", err)
		}
		if n > 0 {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the session's processes: %w", ctx.Err())
		}
	}
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the sandbox: %w", ctx.Err())
	}
}

// none waits until no process is left that was the session's by descent, by
// namespace or by its environment.
func (r *running) none(ctx context.Context, k known) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := r.count(k)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d processes are left: %w", n, ctx.Err())
		}
	}
}

func (r *running) count(k known) (int, error) {
	table, err := procs.Scan(procs.Root)
	if err != nil {
		return 0, err
	}
	n := 0
	for pid, p := range table {
		if p.Zombie() {
			continue
		}
		if at, ok := k.began[pid]; ok {
			if now, err := procs.Began(procs.Root, pid); err == nil && now == at {
				n++
				continue
			}
		}
		if !p.Of([]int{r.uid()}) {
			continue
		}
		// What cannot be read is none of ours: our sandbox belongs to us.
		if ns, err := procs.Namespace(procs.Root, pid); err == nil && ns != "" && ns == k.namespace {
			n++
			continue
		}
		if env, err := procs.Environ(procs.Root, pid); err == nil && procs.Token(env) == r.mark.Token {
			n++
		}
	}
	return n, nil
}
