package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"yhteiskone/internal/dev/guest"
)

// host is where everything runs: the folders, and whose they are.
type host struct {
	who     guest.Guest
	data    string // what survives: agent, kiosk, logs
	runtime string // what does not
	mark    string // in the environment of all that was started
	out     io.Writer
	lock    *os.File
	parts   []*part
}

// socketLimit is the longest name of a unix socket, less the part that the
// programs add to the data folder.
const socketLimit = 107 - len("/agent/agent.sock")

// newHost chooses the folders and locks them. Simulated kiosks keep no keys, so
// a run with some begins anew each time, in a folder of its own.
func newHost(kiosks int) (*host, error) {
	who, err := guest.Find()
	if err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	h := &host{who: who, data: filepath.Join(here, "run"), mark: rand.Text(), out: os.Stdout}
	if !who.Reaches(h.data) || len(h.data) > socketLimit {
		h.data = fmt.Sprintf("/var/tmp/yhteiskone-run-%d", who.UID)
	}
	if kiosks > 1 {
		h.data += "/many"
		if err := who.MkdirAll(filepath.Dir(h.data)); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	if err := who.MkdirAll(h.data); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if h.lock, err = lock(h.file("lock")); err != nil {
		return nil, err
	}
	h.runtime = h.file("runtime")
	name := fmt.Sprintf("yhteiskone-run-%08x", crc32.ChecksumIEEE([]byte(h.data)))
	if who.Other() || os.Getuid() == 0 {
		h.runtime = filepath.Join("/run", name)
	} else if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		h.runtime = filepath.Join(dir, name)
	}
	return h, nil
}

func (h *host) file(name string) string { return filepath.Join(h.data, name) }

// lock makes sure that one run at a time uses the folder. The lock goes with
// this process, however it ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another make run uses %s: stop it first", filepath.Dir(path))
	}
	return f, nil
}

// prepare waits until nothing of an earlier run is left, makes the folders and
// copies the programs to where the guest can read them.
func (h *host) prepare(ctx context.Context, anew bool) error {
	if old, err := os.ReadFile(h.file("mark")); err == nil && len(old) > 8 {
		for pid, line := range guest.Gone(ctx, string(old), 20*time.Second) {
			h.say("An earlier run had left %.60s (process %d) behind; it was ended.", line, pid)
		}
	}
	if err := h.who.WriteFile(h.file("mark"), []byte(h.mark)); err != nil {
		return err
	}
	if anew {
		for _, name := range []string{"agent", "kiosk", "join.toml", "port"} {
			if err := os.RemoveAll(h.file(name)); err != nil {
				return err
			}
		}
	}
	for _, dir := range []string{h.file("home"), h.file("bin"), h.file("agent"), h.runtime} {
		if err := h.who.MkdirAll(dir); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
	}
	if err := h.who.Copy(h.file("bin"), "bin", nil); err != nil {
		return fmt.Errorf("copy the programs: %w", err)
	}
	return nil
}

func (h *host) say(format string, args ...any) { fmt.Fprintf(h.out, format+"\n", args...) }

// environ is what programs of ours see.
func (h *host) environ(more ...string) []string {
	return guest.Environ(h.file("home"), h.runtime, append(more, "YHTEISKONE_RUN="+h.mark)...)
}

// do runs one of our programs to its end and returns what it said.
func (h *host) do(ctx context.Context, env []string, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := h.who.Command(ctx, h.environ(env...), h.file("bin/"+program), args...)
	cmd.Dir = h.data
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", program, args[0], err, strings.TrimSpace(errOut.String()))
	}
	return string(out), nil
}

// part is one program that goes on running.
type part struct {
	name string
	log  string
	stop context.CancelFunc
	done chan struct{}
	err  error // valid once done is closed
}

// start starts a part; as says whether it runs as the guest or as the caller.
func (h *host) start(name string, who guest.Guest, env []string, program string, args ...string) (*part, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &part{name: name, log: h.file(name + ".log"), stop: cancel, done: make(chan struct{})}
	if err := h.who.WriteFile(p.log, nil); err != nil {
		cancel()
		return nil, err
	}
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		cancel()
		return nil, err
	}
	defer log.Close()
	cmd := who.Command(ctx, env, program, args...)
	cmd.Dir = h.data
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	h.parts = append(h.parts, p)
	return p, nil
}

// ended is the sentence about a part that ended by itself.
func (p *part) ended() error {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%s ended (%v); its last words: %s; see %s", p.name, p.err, lines[len(lines)-1], p.log)
}

// end stops every part, the latest first, so that a kiosk erases its session
// while display and agent are still there.
func (h *host) end() {
	for i := len(h.parts) - 1; i >= 0; i-- {
		h.parts[i].stop()
		<-h.parts[i].done
	}
	for pid, line := range guest.Gone(context.Background(), h.mark, 5*time.Second) {
		h.say("Left behind and ended: %.60s (process %d).", line, pid)
	}
	if h.runtime != h.file("runtime") {
		_ = os.RemoveAll(h.runtime) // the next run makes what it needs
	}
}

// errLate says that something took too long.
var errLate = errors.New("it takes too long")

// await waits until the condition holds, the part ends or the time is over.
func await(ctx context.Context, p *part, patience time.Duration, holds func(context.Context) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errLate)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if holds(ctx) {
			return nil
		}
		select {
		case <-p.done:
			return p.ended()
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; see %s", p.name, context.Cause(ctx), p.log)
		case <-tick.C:
		}
	}
}
