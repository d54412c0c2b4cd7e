package wipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// How long a wipe waits for the places to be known: after a session that a
// client used, and otherwise. The search itself takes as long as it takes.
const (
	placesPatience = 8 * time.Second
	idlePatience   = time.Duration(0)
)

// writable are the folders in which our users can write, beyond the configured
// ones. They are searched for once, because that is a walk over the whole disk.
type writable struct {
	mu     sync.Mutex
	begun  bool
	done   chan struct{}
	places []Place
	err    error
}

// FindPlaces looks through every file system that can be written for folders
// in which our users can write; from then on they are places like the
// configured ones. It takes a second on most machines and is gentle on the
// others: call it in a goroutine of its own, once. On a shared machine there is
// nothing to do. It never stops the kiosk: that it failed is told by the looks.
func (w *Wiper) FindPlaces(ctx context.Context) {
	if w.c.SharedUser {
		return
	}
	f := &w.writable
	f.mu.Lock()
	if f.begun {
		f.mu.Unlock()
		return
	}
	f.begun, f.done = true, make(chan struct{})
	f.mu.Unlock()
	places, err := w.findPlaces(ctx)
	f.mu.Lock()
	f.places, f.err = places, err
	f.mu.Unlock()
	close(f.done)
}

// wait returns the places. After a session that a client used it waits for
// them; not to know them then is an error.
func (f *writable) wait(ctx context.Context, used bool) ([]Place, error) {
	f.mu.Lock()
	begun, done := f.begun, f.done
	f.mu.Unlock()
	if !begun {
		return nil, nil
	}
	patience := idlePatience
	if used {
		patience = placesPatience
	}
	select {
	case <-done:
	default:
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-done:
		return slices.Clone(f.places), nil // an error is told by the look at places alone
	default:
	}
	if used {
		return nil, errors.New("find the places: the search takes too long")
	}
	return nil, nil
}

// known is what the look at places says.
func (f *writable) known() (tally, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return tally{}, f.err
}

// kernels reports whether a file system is a view into the kernel, where no
// session can leave a file.
func kernels(kind string) bool {
	return slices.Contains([]string{"proc", "sysfs", "cgroup", "cgroup2", "devpts", "securityfs", "debugfs", "tracefs", "pstore", "bpf",
		"configfs", "fusectl", "efivarfs", "autofs", "binfmt_misc", "nsfs", "rpc_pipefs", "mqueue", "selinuxfs", "hugetlbfs", "fuse.portal",
		"fuse.lxcfs", "squashfs", "iso9660", "erofs"}, kind)
}

// findPlaces walks over the folders of every mount, the outermost writable ones
// are places.
func (w *Wiper) findPlaces(ctx context.Context) ([]Place, error) {
	// On a thread of its own, which ends with it, so that nobody else is slow.
	runtime.LockOSThread()
	unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19)
	all, err := w.mountPoints()
	if err != nil {
		return nil, err
	}
	known := []string{w.shm, w.queues, filepath.Join(w.c.System, "/proc"), filepath.Join(w.c.System, "/sys")}
	for _, p := range w.c.Places {
		if !p.Shallow {
			known = append(known, filepath.Clean(p.Path))
		}
	}
	f := finder{ctx: ctx, w: w, known: known, seen: map[[2]uint64]bool{}}
	for _, m := range all {
		if !m.readOnly && !kernels(m.kind) && strings.HasPrefix(m.at, w.c.System) {
			f.mount(m.at)
		}
	}
	return f.places, f.err
}

// finder is one search.
type finder struct {
	ctx    context.Context
	w      *Wiper
	known  []string
	seen   map[[2]uint64]bool // device and inode: one file system may be mounted twice
	places []Place
	err    error
}

func (f *finder) mount(at string) {
	fd, err := unix.Open(at, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return // one file that is mounted over another, or a folder hidden from us
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		f.folder(fd, at, st, st.Dev)
	}
}

// folder judges one folder, given by a handle, and goes on below. A writable
// one is a place as a whole.
func (f *finder) folder(fd int, path string, st unix.Stat_t, dev uint64) {
	if f.err == nil {
		f.err = f.ctx.Err()
	}
	at := [2]uint64{uint64(st.Dev), st.Ino}
	if f.err != nil || uint64(st.Dev) != dev || f.seen[at] || slices.Contains(f.known, path) {
		return
	}
	f.seen[at] = true
	if f.w.canWrite(fd, st) {
		f.places = append(f.places, Place{Path: path})
		return
	}
	open, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		open, err = unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		if !gone(err) && !errors.Is(err, unix.EACCES) { // what we cannot list is what we cannot reach by name either
			f.err = fmt.Errorf("find the places: %w", err)
		}
		return
	}
	dir := os.NewFile(uintptr(open), path)
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil && !gone(err) {
		f.err = fmt.Errorf("find the places: %w", err)
		return
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		below, err := unix.Openat(open, e.Name(), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(below, &st) == nil {
			f.folder(below, filepath.Join(path, e.Name()), st, dev)
		}
		unix.Close(below)
	}
}

// canWrite reports whether one of our users can make a file in the folder. For
// our own the kernel answers; for another the mode does, and a group or an
// access list that could be theirs counts as theirs.
func (w *Wiper) canWrite(fd int, st unix.Stat_t) bool {
	const own = unix.W_OK | unix.X_OK
	for _, uid := range w.c.UIDs {
		if uid == os.Geteuid() {
			if uid != 0 && unix.Faccessat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), own, unix.AT_EACCESS) == nil {
				return true
			}
			continue
		}
		if int(st.Uid) == uid && st.Mode&0o200 != 0 || st.Mode&0o002 != 0 || (st.Mode&0o020 != 0 && st.Gid != 0) {
			return true
		}
	}
	return false
}
