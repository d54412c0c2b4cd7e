package wipe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Print says where the print server is and who prints.
type Print struct {
	Socket string   // where it listens; empty means Debian's
	Spool  string   // its folder for jobs; empty means Debian's
	Logs   string   // its folder for logs; empty means Debian's
	Users  []string // the names of our users
}

// sandboxUsers are the names under which the client's browser prints: that of
// the sandbox's own user, and what a program says whose user has no name.
func sandboxUsers() []string { return []string{"client", "unknown"} }

func (p Print) orDebians(system string) Print {
	for to, path := range map[*string]string{&p.Socket: "/run/cups/cups.sock", &p.Spool: "/var/spool/cups", &p.Logs: "/var/log/cups"} {
		if *to == "" {
			*to = filepath.Join(system, path)
		}
	}
	p.Users = append(sandboxUsers(), p.Users...)
	return p
}

// purgeTime is how long the server is given to stop a job that is being
// printed.
const purgeTime = time.Second

// printing empties the queues and then looks at them, at the spool and at the
// logs of the print server. A machine without one has nothing to look at.
func (w *Wiper) printing(ctx context.Context, h hunt, said survey) {
	t, err := w.printJobs(ctx, h)
	said.add(LookPrintJobs, t, err)
	t, err = w.spool(h)
	said.add(LookPrintFiles, t, err)
	t, err = w.printLogs(ctx, h)
	said.add(LookPrintLogs, t, err)
}

// printJobs purges the session's jobs: on a machine of our own all that there
// are, on a shared one those that a sandbox has made since the session began.
func (w *Wiper) printJobs(ctx context.Context, h hunt) (tally, error) {
	server := printServer{w.c.Print.Socket}
	jobs, err := w.ours(ctx, server, h)
	if errors.Is(err, errNoServer) {
		return tally{}, nil
	}
	if err != nil {
		return tally{}, err
	}
	t := tally{looked: 1 + uint32(len(jobs))} // the server itself is one thing that was looked at
	if len(jobs) == 0 {
		return t, nil
	}
	enough := time.NewTimer(purgeTime)
	defer enough.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		// Again and again: the server only stops a job that is being printed,
		// and forgets it when it is asked once more.
		for _, j := range jobs {
			if err := w.purge(ctx, server, j); err != nil {
				return t, err
			}
		}
		if jobs, err = w.ours(ctx, server, h); err != nil {
			return t, err
		}
		if t.found = uint32(len(jobs)); len(jobs) == 0 {
			return t, nil
		}
		select {
		case <-tick.C:
		case <-enough.C:
			return t, nil
		case <-ctx.Done():
			return t, nil
		}
	}
}

// purge purges one job in the name of whoever the server takes for its owner.
func (w *Wiper) purge(ctx context.Context, server printServer, j job) error {
	for _, user := range append([]string{j.owner}, w.c.Print.Users...) {
		if user == "" {
			continue
		}
		if done, err := server.purge(ctx, j.id, user); done || err != nil {
			return err
		}
	}
	return nil
}

// ours are the jobs that must go. The server tells nobody else whose a job is,
// so each user is asked for.
func (w *Wiper) ours(ctx context.Context, server printServer, h hunt) ([]job, error) {
	if !w.c.SharedUser {
		return server.jobs(ctx, sandboxUsers()[0])
	}
	var all []job
	for _, user := range sandboxUsers() {
		jobs, err := server.jobs(ctx, user)
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			if j.owner == user && (j.created == 0 || !time.Unix(int64(j.created), 0).Before(h.since.Truncate(time.Second))) {
				all = append(all, j)
			}
		}
	}
	return all, nil
}

// spool looks for what jobs left in the server's folder, where we may read it.
func (w *Wiper) spool(h hunt) (tally, error) {
	entries, err := os.ReadDir(w.c.Print.Spool)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return tally{}, nil
	}
	if err != nil {
		return tally{}, err
	}
	var t tally
	for _, e := range entries {
		path := filepath.Join(w.c.Print.Spool, e.Name())
		var st unix.Stat_t
		if !isSpooled(e.Name()) || unix.Lstat(path, &st) != nil {
			continue
		}
		t.looked++
		if w.c.SharedUser || time.Unix(st.Ctim.Unix()).Before(h.since) {
			continue // whose it is, only the list of jobs tells
		}
		t.found++
		os.Remove(path) // the server's own, so this may fail: it is counted anyway
	}
	return t, nil
}

// isSpooled knows the names of a job's control and data files.
func isSpooled(name string) bool {
	if len(name) < 6 || (name[0] != 'c' && name[0] != 'd') {
		return false
	}
	return strings.Trim(name[1:], "0123456789-") == ""
}

// printLogs looks at what was written to the server's logs since the session
// began, where we may read it. Left over is a token and, on a machine of our
// own, any line of the log of pages and any title in the log of errors: they
// are words of the client's.
func (w *Wiper) printLogs(ctx context.Context, h hunt) (tally, error) {
	var t tally
	var problem error
	for _, name := range []string{"access_log", "page_log", "error_log"} {
		needles := h.needle
		if !w.c.SharedUser {
			switch name {
			case "page_log":
				needles = append(slices.Clone(needles), []byte("\n"))
			case "error_log": // how the server logs a title, at its levels "debug" and "debug2"
				needles = append(slices.Clone(needles), []byte("argv[3]="), []byte("job-name="))
			}
		}
		found, looked, err := w.appended(ctx, h, filepath.Join(w.c.Print.Logs, name), needles)
		problem = errors.Join(problem, err)
		if looked {
			t.looked++
		}
		if found {
			t.found++
		}
	}
	return t, problem
}
