package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
)

// Kill implements session.Running. Killing the first process of a pid
// namespace makes the kernel kill all others, and that first process does not
// end before they have; the group, the sweep of the client's user and the count
// make sure.
func (r *running) Kill(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return nil
	}
	r.server.forget(r.wait)
	known, noteErr := r.note() // before: afterwards nobody knows whose they were
	err := errors.Join(noteErr, r.strike())
	if err == nil {
		err = r.endedOrSwept(ctx)
	}
	if err == nil && r.o.User != nil {
		err = r.o.User.sweep(ctx)
	}
	if err == nil {
		err = r.none(ctx, known)
	}
	if err == nil && r.group != nil {
		err = r.group.Empty(ctx)
	}
	if err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	if err := r.reign.end(); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	r.server.end(r.wait.visit)
	r.killed = true
	unix.Close(r.init)
	r.init = -1
	r.release()
	if err := r.leave(); err != nil {
		return fmt.Errorf("leave something behind for the test: %w", err)
	}
	return nil
}

// strike kills all there is, without waiting.
func (r *running) strike() (err error) {
	if r.group != nil {
		err = r.group.Kill()
	}
	if r.child != nil {
		r.child.kill()
	}
	if r.door != nil {
		r.door.kill()
	}
	if r.init >= 0 {
		e := unix.PidfdSendSignal(r.init, unix.SIGKILL, nil, 0)
		if e != nil && !errors.Is(e, unix.ESRCH) && r.o.Units == "" { // with units we have no right to

			err = errors.Join(err, e)
		}
	}
	return err
}

// abandon ends what a start that failed has begun.
func (r *running) abandon() error {
	err := r.strike()
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	if r.o.User != nil {
		err = errors.Join(err, r.o.User.sweep(ctx))
	}
	r.child.stop()
	r.door.stop()
	if r.group != nil {
		err = errors.Join(err, r.group.Empty(ctx))
	}
	if r.init >= 0 {
		unix.Close(r.init)
		r.init = -1
	}
	r.release()
	return err
}

// known is what the session's processes are recognised by.
type known struct {
	began     map[int]uint64 // by pid
	namespace string
}

func (r *running) note() (known, error) {
	k := known{began: map[int]uint64{}, namespace: r.namespace}
	now, err := procs.Began(procs.Root, r.child.pid())
	if err != nil || now != r.began {
		return k, err // it ended by itself and took all others with it
	}
	table, err := procs.Scan(procs.Root)
	if err != nil {
		return k, err
	}
	for pid := range table.Descendants(r.child.pid()) {
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

// heedTime is how long what was struck may take to end.
const heedTime = 2 * time.Second

// endedOrSwept waits until all has ended. In a unit, who broke out of the sandbox
// could stop the process that ends it; the sweep ends that one too.
func (r *running) endedOrSwept(ctx context.Context) error {
	if r.o.Units == "" {
		return r.ended(ctx)
	}
	soon, cancel := context.WithTimeout(ctx, heedTime)
	defer cancel()
	if r.ended(soon) == nil {
		return nil
	}
	if err := r.o.User.sweep(ctx); err != nil {
		return err
	}
	return r.ended(ctx)
}

// ended waits until the whole namespace is empty and the door is gone.
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
	for _, c := range []*child{r.child, r.door} {
		select {
		case <-c.exited:
		case <-ctx.Done():
			return fmt.Errorf("wait for the sandbox and its door: %w", ctx.Err())
		}
	}
	return nil
}

// none waits until no process is left that was the session's by its user, by
// descent, by namespace or by its environment.
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
	if r.o.User != nil {
		// Whose a process is everybody may know, so nothing escapes this; the
		// user is there for sessions only.
		return table.Living([]int{r.o.User.UID}), nil
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
		if !p.Of([]int{os.Getuid()}) {
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
