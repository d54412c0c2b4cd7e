// Package rig sets up a whole small Yhteiskone for a scenario: the built
// programs, an X server, an agent, a kiosk and the town, each as real as on a
// real machine.
//
// It is for tests only. It knows the programs by what they print, serve and
// answer, never by their code. Everything that it starts ends with the test,
// and a test that leaves a process behind fails.
//
// Caveats: it refuses to run as root, because no browser of ours does. A
// World's processes are found again as descendants of the test program (which
// is a subreaper), so tests with a World of their own do not run in parallel.
package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/slow"
)

// BinEnv names the folder of the built programs.
const BinEnv = "YHTEISKONE_BIN"

// PicturesEnv names the folder for pictures of failed tests.
const PicturesEnv = "YHTEISKONE_PICTURES"

// World is one scenario's surroundings.
type World struct {
	testing.TB
	Dir string // everything of this scenario
	Bin string // the built programs
	Ctx context.Context

	mu        sync.Mutex
	processes []*Process
}

// New starts a world; it ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	return NewFor(t, 4*time.Minute)
}

// NewFor starts a world for a scenario of many parts, which may take that long.
func NewFor(t testing.TB, patience time.Duration) *World {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Fatal("the scenarios start a browser and do not run as root; use `make test`, which runs them as a user without rights")
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(patience))
	w := &World{TB: t, Ctx: ctx, Bin: binaries(t)}
	// Short, because the name of a unix socket has 108 bytes at most.
	dir, err := os.MkdirTemp("", "yk")
	if err != nil {
		t.Fatal(err)
	}
	w.Dir = dir
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatalf("become a subreaper: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		w.end()
		if t.Failed() && os.Getenv("YHTEISKONE_KEEP") != "" {
			t.Logf("kept %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	return w
}

var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ykbin")
	if err != nil {
		return "", err
	}
	c := exec.Command("go", "build", "-o", dir+"/", "yhteiskone/kiosk", "yhteiskone/agent", "yhteiskone/provision")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w: %s", err, out)
	}
	return dir, nil
})

func binaries(t testing.TB) string {
	if dir := os.Getenv(BinEnv); dir != "" {
		return dir
	}
	dir, err := built()
	if err != nil {
		t.Fatalf("%v (or name the folder of built ones in %s)", err, BinEnv)
	}
	return dir
}

// Path is a path inside the world's folder.
func (w *World) Path(parts ...string) string {
	return filepath.Join(append([]string{w.Dir}, parts...)...)
}

// Write writes a file into the world's folder and returns its path.
func (w *World) Write(name, text string) string {
	w.Helper()
	path := w.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// Within returns a context that ends after d, or with the test.
func (w *World) Within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(w.Ctx, d)
}

// Until looks again and again until the condition holds, and fails the test
// when it does not within d, on a slow machine a multiple of it. It returns how
// long that took.
func (w *World) Until(d time.Duration, what string, holds func() (bool, string)) time.Duration {
	w.Helper()
	d = slow.Stretch(d)
	start := time.Now()
	tick := time.NewTicker(50 * time.Millisecond) // many looks start a program
	defer tick.Stop()
	for last := ""; ; {
		ok := false
		if ok, last = holds(); ok {
			return time.Since(start)
		}
		select {
		case <-tick.C:
		case <-w.Ctx.Done():
			w.Fatalf("%s: the scenario took too long (now: %s)", what, last)
		}
		if time.Since(start) > d {
			w.Fatalf("%s: not within %v (now: %s)", what, d, last)
		}
	}
}

// Picture keeps what the screen shows if the test has failed.
func (w *World) picture(h hand.Hand) {
	dir := os.Getenv(PicturesEnv)
	if !w.Failed() || dir == "" {
		return
	}
	name := filepath.Join(dir, strings.NewReplacer("/", "_", " ", "_").Replace(w.Name())+".png")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := h.Picture(ctx, name); err != nil {
		w.Logf("no picture of the screen: %v", err)
		return
	}
	w.Logf("what the screen showed: %s", name)
}

// Keeps keeps what the screen shows now, for people to look at, if PicturesEnv
// names a folder.
func (w *World) Keeps(d *Display, name string) {
	w.Helper()
	dir := os.Getenv(PicturesEnv)
	if dir == "" {
		return
	}
	ctx, cancel := w.Within(20 * time.Second)
	defer cancel()
	if err := d.Picture(ctx, filepath.Join(dir, w.Name()+"-"+name+".png")); err != nil {
		w.Errorf("no picture of %s: %v", name, err)
	}
}
