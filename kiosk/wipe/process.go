package wipe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
)

// processes looks at every process of our users. Left over is
//   - one whose environment carries the session's token,
//   - on a machine of our own, one that carries any session's token, or that
//     lives in a pid namespace of its own and is not the shell's.
//
// A left-over is ended and counted.
func (w *Wiper) processes(ctx context.Context, h hunt) (tally, error) {
	var t tally
	table, err := procs.Scan(w.c.Proc)
	if err != nil {
		return t, err
	}
	self := table[os.Getpid()] // the zero value, depth 0, if /proc is not ours
	var problem error
	for pid, p := range table {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		if !p.Of(w.c.UIDs) || p.Zombie() {
			continue
		}
		t.looked++
		left, err := w.leftProcess(h, table, p, p.Depth > self.Depth)
		if err != nil {
			problem = errors.Join(problem, err)
		}
		if !left {
			continue
		}
		t.found++
		began, err := procs.Began(w.c.Proc, pid)
		if err == nil {
			err = w.kill(pid, began)
		}
		problem = errors.Join(problem, err)
	}
	return t, problem
}

func (w *Wiper) leftProcess(h hunt, table procs.Table, p procs.Process, nested bool) (bool, error) {
	environ, err := procs.Environ(w.c.Proc, p.PID)
	if err == nil {
		token := procs.Token(environ)
		if token == h.mark.Token || (token != "" && !w.c.SharedUser) {
			return true, nil
		}
	}
	if w.c.SharedUser {
		// A person's own browser has nested namespaces too, and programs such
		// as key agents hide their environment. What our sandbox starts hides
		// nothing from the user who owns it.
		return false, nil
	}
	if table.Under(p.PID, w.c.Ours) {
		return false, nil
	}
	if nested {
		return true, nil
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EPERM) {
		// It hides. Older than the session, it is none of its processes.
		began, err := procs.Began(w.c.Proc, p.PID)
		if err != nil || began == 0 {
			return false, err
		}
		if time.Duration(began)*time.Second/procs.TicksPerSecond < h.up {
			return false, nil
		}
		return false, errors.New("a process hides its environment")
	}
	return false, err
}
