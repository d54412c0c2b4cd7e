// Package stage starts the built programs on this machine as they run in
// earnest: an agent, a screen, a kiosk enrolled in the ordinary way.
//
// It is for make run, make bench and make pictures. It uses the programs only
// by their commands and never reaches into them. As root everything runs as
// the user yhteiskone, out of a folder that this user can read.
//
// Caveat: what is started stops when its starter stops, however that ends; but
// a stage that was not closed by End leaves its data folder behind.
package stage

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

	"golang.org/x/sys/unix"

	"yhteiskone/internal/dev/guest"
)

// Stage is where everything runs: the folders, and whose they are.
type Stage struct {
	Who     guest.Guest
	Data    string // what survives: agent, kiosk, logs
	Runtime string // what does not
	out     io.Writer
	mark    string // in the environment of all that was started
	lock    *os.File
	parts   []*Part
}

// PathLimit is how long the data folder's name may be: the names of the unix
// sockets in it have a limit.
const PathLimit = 107 - len("/agent/agent.sock")

// Open makes the data folder and locks it. anew empties it first. out is told
// what happens.
func Open(who guest.Guest, data string, anew bool, out io.Writer) (*Stage, error) {
	s := &Stage{Who: who, Data: data, out: out, mark: rand.Text()}
	if err := who.MkdirAll(data); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	var err error
	if s.lock, err = lock(s.File("lock")); err != nil {
		return nil, err
	}
	s.Runtime = s.File("runtime")
	name := fmt.Sprintf("yhteiskone-run-%08x", crc32.ChecksumIEEE([]byte(data)))
	if who.Other() {
		s.Runtime = filepath.Join("/run", name)
	} else if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		s.Runtime = filepath.Join(dir, name)
	}
	if err := s.prepare(anew); err != nil {
		s.lock.Close()
		return nil, err
	}
	return s, nil
}

// File is a name in the data folder.
func (s *Stage) File(name string) string { return filepath.Join(s.Data, name) }

// lock makes sure that one stage at a time uses the folder. The lock goes with
// this process, however it ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another run uses %s: stop it first", filepath.Dir(path))
	}
	return f, nil
}

// prepare waits until nothing of an earlier stage is left, makes the folders
// and copies the programs to where the guest can read them.
func (s *Stage) prepare(anew bool) error {
	if old, err := os.ReadFile(s.File("mark")); err == nil && len(old) > 8 {
		for pid, line := range guest.Gone(context.Background(), string(old), 20*time.Second) {
			s.Say("An earlier run had left %.60s (process %d) behind; it was ended.", line, pid)
		}
	}
	if err := s.Who.WriteFile(s.File("mark"), []byte(s.mark)); err != nil {
		return err
	}
	if anew {
		for _, name := range []string{"agent", "kiosk", "join.toml", "port"} {
			if err := os.RemoveAll(s.File(name)); err != nil {
				return err
			}
		}
	}
	for _, dir := range []string{s.File("home"), s.File("bin"), s.File("agent"), s.Runtime} {
		if err := s.Who.MkdirAll(dir); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
	}
	if err := s.Who.Copy(s.File("bin"), "bin", nil); err != nil {
		return fmt.Errorf("copy the programs: %w", err)
	}
	return settle(s.File("bin"))
}

// settle has the programs read from the disk when they start, as after a start
// of the machine. The kernel keeps a file that was just written in pieces of up
// to 2 MiB and maps them whole, so that a program would look larger than it is.
func settle(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		err = f.Sync()
		if err == nil {
			err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		}
		f.Close()
		if err != nil {
			return fmt.Errorf("settle %s: %w", e.Name(), err)
		}
	}
	return nil
}

// Say tells whoever looks on.
func (s *Stage) Say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// Environ is what programs on the stage see.
func (s *Stage) Environ(more ...string) []string {
	return guest.Environ(s.File("home"), s.Runtime, append(more, "YHTEISKONE_RUN="+s.mark)...)
}

// Do runs one of our programs to its end and returns what it said.
func (s *Stage) Do(ctx context.Context, env []string, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := s.Who.Command(ctx, s.Environ(env...), s.File("bin/"+program), args...)
	cmd.Dir = s.Data
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", program, args[0], err, strings.TrimSpace(errOut.String()))
	}
	return string(out), nil
}

// Part is one program that goes on running.
type Part struct {
	Name string
	Log  string
	PID  int
	stop context.CancelFunc
	done chan struct{}
	err  error // valid once done is closed
}

// Start starts one of our programs; it goes on until Stop or End.
func (s *Stage) Start(name string, env []string, program string, args ...string) (*Part, error) {
	return s.start(name, s.Who, s.Environ(env...), s.File("bin/"+program), args...)
}

func (s *Stage) start(name string, who guest.Guest, env []string, program string, args ...string) (*Part, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Part{Name: name, Log: s.File(name + ".log"), stop: cancel, done: make(chan struct{})}
	if err := s.Who.WriteFile(p.Log, nil); err != nil {
		cancel()
		return nil, err
	}
	log, err := os.OpenFile(p.Log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		cancel()
		return nil, err
	}
	defer log.Close()
	cmd := who.Command(ctx, env, program, args...)
	cmd.Dir = s.Data
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.PID = cmd.Process.Pid
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	s.parts = append(s.parts, p)
	return p, nil
}

// Done is closed when the part has ended.
func (p *Part) Done() <-chan struct{} { return p.done }

// Stop asks the part to stop and waits until it has.
func (p *Part) Stop() {
	p.stop()
	<-p.done
}

// Ended is the sentence about a part that ended by itself.
func (p *Part) Ended() error {
	text, _ := os.ReadFile(p.Log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%s ended (%v); its last words: %s; see %s", p.Name, p.err, lines[len(lines)-1], p.Log)
}

// End stops every part, the latest first, so that a kiosk erases its session
// while display and agent are still there; then it lets go of the folder.
func (s *Stage) End() {
	for i := len(s.parts) - 1; i >= 0; i-- {
		s.parts[i].Stop()
	}
	for pid, line := range guest.Gone(context.Background(), s.mark, 5*time.Second) {
		s.Say("Left behind and ended: %.60s (process %d).", line, pid)
	}
	if s.Runtime != s.File("runtime") {
		_ = os.RemoveAll(s.Runtime) // the next run makes what it needs
	}
	s.lock.Close()
}

// errLate says that something took too long.
var errLate = errors.New("it takes too long")

// Await waits until the condition holds, the part ends or the time is over.
func Await(ctx context.Context, p *Part, patience time.Duration, holds func(context.Context) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errLate)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if holds(ctx) {
			return nil
		}
		select {
		case <-p.done:
			return p.Ended()
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; see %s", p.Name, context.Cause(ctx), p.Log)
		case <-tick.C:
		}
	}
}
