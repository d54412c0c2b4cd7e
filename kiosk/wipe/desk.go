package wipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// clipboard takes the selections away and then looks whether somebody has one
// again: a clipboard manager would.
func (w *Wiper) clipboard(context.Context, hunt) (tally, error) {
	if err := w.c.ClearSelections(); err != nil {
		return tally{}, err
	}
	n, err := w.c.Selections()
	if err != nil {
		return tally{}, err
	}
	if n < 0 {
		return tally{}, errors.New("count the selections: the answer is negative")
	}
	return tally{looked: selections, found: uint32(n)}, nil
}

// selections is how many the X server has that people use: PRIMARY, SECONDARY
// and CLIPBOARD.
const selections = 3

// printJobs looks whether anything waits for a printer. A machine without
// CUPS has no queue: nothing is looked at.
func (w *Wiper) printJobs(ctx context.Context, _ hunt) (tally, error) {
	ask := w.c.PrintJobs
	if ask == nil {
		ask = w.cups
	}
	looked, left, err := ask(ctx)
	if err != nil {
		return tally{}, err
	}
	if looked < 0 || left < 0 {
		return tally{}, errors.New("count the print jobs: the answer is negative")
	}
	return tally{looked: uint32(looked), found: uint32(left)}, nil
}

// Where CUPS listens and its programs are.
const (
	cupsSocket = "/run/cups/cups.sock"
	lpstat     = "/usr/bin/lpstat"
	cancel     = "/usr/bin/cancel"
)

// cups cancels what is in the queues and then looks at them; on a shared
// machine only our own user's jobs are meant.
func (w *Wiper) cups(ctx context.Context) (looked, left int, err error) {
	if _, err := os.Stat(cupsSocket); errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	}
	if _, err := os.Stat(lpstat); errors.Is(err, os.ErrNotExist) {
		return 0, 0, errors.New("look at the print jobs: CUPS runs but lpstat is missing; install cups-client")
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	which := "-o"
	if w.c.SharedUser {
		which = "-u"
	}
	jobs, err := queued(ctx, which)
	if err != nil || len(jobs) == 0 {
		return 1, 0, err
	}
	// A job that ended meanwhile cannot be cancelled; the second look decides.
	run(ctx, cancel, append([]string{"-x"}, jobs...)...)
	jobs, err = queued(ctx, which)
	return 1, len(jobs), err
}

// queued lists the numbers of the jobs. The rest of what lpstat says, a
// person's name among it, is not kept.
func queued(ctx context.Context, which string) ([]string, error) {
	out, err := run(ctx, lpstat, which)
	if err != nil {
		return nil, err
	}
	var jobs []string
	for line := range bytes.Lines(out) {
		if f := bytes.Fields(line); len(f) > 0 {
			jobs = append(jobs, string(f[0]))
		}
	}
	return jobs, nil
}

func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = []string{"LC_ALL=C"}
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	return out, nil
}
