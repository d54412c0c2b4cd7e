package wipe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
)

// processes looks at every process of our users. Left over is
//   - every one of the client's own user, if there is such a user,
//   - one whose environment carries the session's token,
//   - on a machine of our own, one that carries any session's token, or that
//     lives in a pid namespace of its own and is not the shell's.
//
// A left-over is ended and counted. One that is only told by its namespace gets
// a moment first: a shell that was just killed has lost its first process, by
// which it is known, a little before its others.
func (w *Wiper) processes(ctx context.Context, h hunt) (tally, error) {
	var t tally
	table, err := procs.Scan(w.c.Proc)
	if err != nil {
		return t, err
	}
	self := table[os.Getpid()] // the zero value, depth 0, if /proc is not ours
	var problem error
	var unsure []int
	for pid, p := range table {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		if !p.Of(w.c.UIDs) || p.Zombie() {
			continue
		}
		t.looked++
		said, err := w.judgeProcess(h, table, p, p.Depth > self.Depth)
		problem = errors.Join(problem, err)
		switch said {
		case leftOver:
			t.found++
			problem = errors.Join(problem, w.end(pid))
		case perhaps:
			unsure = append(unsure, pid)
		}
	}
	unsure, err = w.dying(ctx, unsure)
	for _, pid := range unsure {
		t.found++
		problem = errors.Join(problem, w.end(pid))
	}
	return t, errors.Join(problem, err)
}

// end kills one process.
func (w *Wiper) end(pid int) error {
	began, err := procs.Began(w.c.Proc, pid)
	if err != nil {
		return err
	}
	return w.kill(pid, began)
}

// dyingTime is how long processes are given that may be ending already.
const dyingTime = 300 * time.Millisecond

// dying waits for processes that may be ending and returns those that do not.
func (w *Wiper) dying(ctx context.Context, pids []int) ([]int, error) {
	if len(pids) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dyingTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		table, err := procs.Scan(w.c.Proc)
		if err != nil {
			return nil, err
		}
		pids = slices.DeleteFunc(pids, func(pid int) bool {
			p, there := table[pid]
			return !there || p.Zombie() || table.Under(pid, w.c.Ours)
		})
		if len(pids) == 0 {
			return nil, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return pids, nil
		}
	}
}

// verdict is what is thought of one process.
type verdict int

const (
	innocent verdict = iota
	leftOver
	perhaps // left over if it stays
)

func (w *Wiper) judgeProcess(h hunt, table procs.Table, p procs.Process, nested bool) (verdict, error) {
	if w.c.Client != 0 && p.Of([]int{w.c.Client}) {
		return leftOver, nil // that user runs nothing else
	}
	environ, err := procs.Environ(w.c.Proc, p.PID)
	if err == nil {
		token := procs.Token(environ)
		if token == h.mark.Token || (token != "" && !w.c.SharedUser) {
			return leftOver, nil
		}
	}
	if w.c.SharedUser {
		// A person's own browser has nested namespaces too, and programs such
		// as key agents hide their environment. What our sandbox starts hides
		// nothing from the user who owns it.
		return innocent, nil
	}
	if table.Under(p.PID, w.c.Ours) {
		return innocent, nil
	}
	if nested {
		return perhaps, nil
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EPERM) {
		if h.anew {
			return innocent, nil
		}
		// It hides. Older than the session, it is none of its processes.
		began, err := procs.Began(w.c.Proc, p.PID)
		if err != nil || began == 0 {
			return innocent, err
		}
		if time.Duration(began)*time.Second/procs.TicksPerSecond < h.up {
			return innocent, nil
		}
		return innocent, errors.New("a process hides its environment")
	}
	return innocent, err
}
