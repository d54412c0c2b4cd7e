// Package group is the control group (cgroup v2) of a client's session: one
// that the kernel ends as a whole, says of whether anything is left in it, and
// keeps within bounds of memory and processes.
//
// It works where somebody (systemd's Delegate=, or root) has handed the kiosk
// a folder of the hierarchy. It never touches a group outside of that folder
// and never needs root itself.
//
// Caveats: bounds need the controllers "memory" and "pids", which only whoever
// hands out the folder can give; without them a group still ends as one. The
// kiosk itself moves into a sub-group of its own, because a group that holds
// processes cannot share out controllers.
package group

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNone says that this machine has handed us no group.
var ErrNone = errors.New("no control group is handed to the kiosk")

// Names of our sub-groups.
const (
	own     = "yhteiskone"
	session = "session-"
	probe   = "probe"
)

// Bounds are what a session may use; zero is no bound.
type Bounds struct {
	Memory int64 // bytes, files in memory included
	Tasks  int   // processes and threads
}

// Home is the folder that was handed to us.
type Home struct {
	dir     string
	bounded bool
}

// Open makes use of the folder dir of the hierarchy; an empty one means the
// group that this process is in. It ends what an earlier kiosk left there.
func Open(dir string) (*Home, error) {
	if dir == "" {
		var err error
		if dir, err = ownGroup("/proc"); err != nil {
			return nil, err
		}
	}
	var kind unix.Statfs_t
	if err := unix.Statfs(dir, &kind); err != nil {
		return nil, fmt.Errorf("%w: look at %s: %w", ErrNone, dir, err)
	}
	if kind.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, fmt.Errorf("%w: %s is not a folder of cgroup v2", ErrNone, dir)
	}
	h := &Home{dir: dir}
	if err := h.try(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if err := h.sweep(); err != nil {
		return nil, err
	}
	h.bounded = h.share() == nil
	return h, nil
}

// Bounded reports whether bounds take effect.
func (h *Home) Bounded() bool { return h.bounded }

// Bound reports whether the group that this process is in is held to a bound of
// memory. What cannot be read says no. proc is where /proc is.
func Bound(proc string) bool {
	dir, err := ownGroup(proc)
	if err != nil {
		return false
	}
	b, err := os.ReadFile(filepath.Join(dir, "memory.max"))
	return err == nil && strings.TrimSpace(string(b)) != "max"
}

// ownGroup finds the folder of the group that this process is in.
func ownGroup(proc string) (string, error) {
	groups, err := os.ReadFile(filepath.Join(proc, "self/cgroup"))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	mounts, err := os.ReadFile(filepath.Join(proc, "self/mountinfo"))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	return findGroup(string(groups), string(mounts))
}

func findGroup(groups, mounts string) (string, error) {
	path, found := "", false
	for line := range strings.Lines(groups) {
		if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			path, found = rest, true
		}
	}
	if !found || strings.Contains(path, "/../") || strings.HasSuffix(path, " (deleted)") {
		return "", fmt.Errorf("%w: this process is in none", ErrNone)
	}
	for line := range strings.Lines(mounts) {
		before, after, ok := strings.Cut(line, " - ")
		f, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(kind) == 0 || kind[0] != "cgroup2" {
			continue
		}
		// field 4 is what of the hierarchy is mounted there
		if inside, ok := strings.CutPrefix(path, strings.TrimSuffix(f[3], "/")); ok {
			return filepath.Join(f[4], inside), nil
		}
	}
	return "", fmt.Errorf("%w: the hierarchy is not mounted", ErrNone)
}

// try starts something in a group of ours and ends it: whether all of that is
// allowed nothing else tells.
func (h *Home) try() error {
	g, err := h.make(probe)
	if err != nil {
		return err
	}
	defer g.remove()
	c := exec.Command("/bin/sleep", "60")
	c.Dir, c.Env = "/", []string{}
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start something in a group: %w", err)
	}
	defer c.Wait()
	if err := g.Kill(); err != nil {
		c.Process.Kill()
		return err
	}
	return nil
}

// sweep ends what is left in groups of earlier sessions.
func (h *Home) sweep() error {
	all, err := os.ReadDir(h.dir)
	if err != nil {
		return fmt.Errorf("look for earlier sessions' groups: %w", err)
	}
	for _, e := range all {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), session) {
			continue
		}
		g, err := h.hold(e.Name())
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			err = errors.Join(g.Kill(), g.Empty(ctx))
			cancel()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("end an earlier session's group: %w", err)
		}
	}
	return nil
}

// share gives our sub-groups the controllers. Our own process has to leave the
// folder first.
func (h *Home) share() error {
	have, err := os.ReadFile(filepath.Join(h.dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	words := strings.Fields(string(have))
	for _, need := range []string{"memory", "pids"} {
		if !strings.Contains(" "+strings.Join(words, " ")+" ", " "+need+" ") {
			return fmt.Errorf("there is no controller %q", need)
		}
	}
	if at, err := ownGroup("/proc"); err == nil && at == h.dir {
		dir := filepath.Join(h.dir, own)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(h.dir, "cgroup.subtree_control"), []byte("+memory +pids"), 0)
}

// Group is one session's.
type Group struct {
	dir string
	f   *os.File
}

// New makes a group for a session. name tells it from others.
func (h *Home) New(name string, b Bounds) (*Group, error) {
	g, err := h.make(session + name)
	if err != nil {
		return nil, err
	}
	if h.bounded {
		if err := g.bound(b); err != nil {
			g.remove()
			return nil, err
		}
	}
	return g, nil
}

func (h *Home) make(name string) (*Group, error) {
	if err := os.Mkdir(filepath.Join(h.dir, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make a group: %w", err)
	}
	return h.hold(name)
}

func (h *Home) hold(name string) (*Group, error) {
	dir := filepath.Join(h.dir, name)
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("hold a group: %w", err)
	}
	return &Group{dir: dir, f: f}, nil
}

func (g *Group) bound(b Bounds) error {
	lines := map[string]string{}
	if b.Memory > 0 {
		lines["memory.max"] = strconv.FormatInt(b.Memory, 10)
		lines["memory.swap.max"] = "0"
	}
	if b.Tasks > 0 {
		lines["pids.max"] = strconv.Itoa(b.Tasks)
	}
	for name, value := range lines {
		err := os.WriteFile(filepath.Join(g.dir, name), []byte(value), 0)
		if name == "memory.swap.max" && errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without swap
		}
		if err != nil {
			return fmt.Errorf("bound a group: %w", err)
		}
	}
	return nil
}

// FD is the group as a handle, for starting a process in it.
func (g *Group) FD() int { return int(g.f.Fd()) }

// Kill ends every process in the group, and every one that they start
// meanwhile. It does not wait.
func (g *Group) Kill() error {
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		return fmt.Errorf("end a group: %w", err)
	}
	return nil
}

// Populated reports whether a process lives in the group.
func (g *Group) Populated() (bool, error) {
	b, err := os.ReadFile(filepath.Join(g.dir, "cgroup.events"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into a group: %w", err)
	}
	switch {
	case bytes.Contains(b, []byte("populated 0")):
		return false, nil
	case bytes.Contains(b, []byte("populated 1")):
		return true, nil
	}
	return false, errors.New("look into a group: the kernel does not say whether it is empty")
}

// Empty waits until nothing lives in the group, then removes it.
func (g *Group) Empty(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		populated, err := g.Populated()
		if err != nil {
			return err
		}
		if !populated {
			return g.remove()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until a group is empty: %w", ctx.Err())
		}
	}
}

// remove takes the group away. The kernel lets go of an ended process a moment
// after it has said that the group is empty.
func (g *Group) remove() error {
	defer g.f.Close()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Second)
	for {
		err := unix.Rmdir(g.dir)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("remove a group: %w", err)
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("remove a group: %w", err)
		}
	}
}
