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

// outer leaves out places that lie in another one, so that nothing is counted
// twice. A shallow place holds no other, and the kiosk's own is kept apart
// because other rules hold there.
func outer(all []Place) []Place {
	var keep []Place
	for i, p := range all {
		p.Path = filepath.Clean(p.Path)
		inside := slices.ContainsFunc(all[:i], func(o Place) bool { return filepath.Clean(o.Path) == p.Path && o.Own == p.Own })
		for _, o := range all {
			o.Path = filepath.Clean(o.Path)
			if !o.Shallow && o.Own == p.Own && o.Path != p.Path && strings.HasPrefix(p.Path, strings.TrimSuffix(o.Path, "/")+"/") {
				inside = true
			}
		}
		if !inside {
			keep = append(keep, p)
		}
	}
	return keep
}

// walker goes through one place by folder handles, so that no symbolic link
// and no rename can lead it elsewhere.
type walker struct {
	w     *Wiper
	ctx   context.Context
	h     hunt
	place Place
	dev   uint64
	// memory says that the place lies on a file system that is empty after a start.
	memory bool
	said   survey
	buf    []byte
	kinds  map[string]string // folders and files that have a look of their own
	live   map[string]bool   // sockets that somebody listens on; shared machines only
}

// fail keeps an error for the look that it belongs to.
func (k *walker) fail(kind string, err error) { k.said.add(kind, tally{}, err) }

// walk goes through one place and adds what it saw to said.
func (w *Wiper) walk(ctx context.Context, h hunt, place Place, said survey) {
	kind := place.look
	if kind == "" {
		kind = LookFiles
	}
	said.add(kind, tally{}, nil)
	fd, err := unix.Open(place.Path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return
	}
	if err != nil {
		said.add(kind, tally{}, &fs.PathError{Op: "open", Path: place.Path, Err: err})
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		said.add(kind, tally{}, &fs.PathError{Op: "stat", Path: place.Path, Err: err})
		return
	}
	var system unix.Statfs_t
	if err := unix.Fstatfs(fd, &system); err != nil {
		said.add(kind, tally{}, &fs.PathError{Op: "statfs", Path: place.Path, Err: err})
		return
	}
	k := &walker{w: w, ctx: ctx, h: h, place: place, dev: uint64(st.Dev), memory: inMemory(system), buf: make([]byte, window), kinds: w.kinds, said: said}
	if w.c.SharedUser {
		if k.live, err = w.listening(); err != nil {
			k.fail(kind, err)
			return
		}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR { // a place may be one file
		k.single(place.Path, kind)
		return
	}
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EACCES) && !slices.Contains(w.c.UIDs, int(st.Uid)) {
		return // another user's folder that we may not read is one that we did not write
	}
	if err != nil {
		k.fail(kind, &fs.PathError{Op: "open", Path: place.Path, Err: err})
		return
	}
	k.folder(dir, place.Path, kind, place.Shallow, k.still(st.Ctim))
}

// single looks at a place that is one file.
func (k *walker) single(path, kind string) {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		if !gone(err) {
			k.fail(kind, &fs.PathError{Op: "open", Path: path, Err: err})
		}
		return
	}
	defer unix.Close(dir)
	k.entry(dir, path, filepath.Base(path), kind, true)
}

// still reports whether a folder of a person's own has the same entries as
// before the session: then only the folders in it are of interest. On a machine
// of our own every entry is looked at.
func (k *walker) still(changed unix.Timespec) bool {
	at := latest(unix.StatxTimestamp{Sec: changed.Sec, Nsec: uint32(changed.Nsec)})
	return k.place.prune && k.w.c.SharedUser && at.Before(k.h.since)
}

// folder looks at all entries of the open folder and closes it.
func (k *walker) folder(fd int, path, kind string, shallow, still bool) {
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	if still {
		entries, err := dir.ReadDir(-1)
		if err != nil && !gone(err) {
			k.fail(kind, err)
		}
		for _, e := range entries {
			if e.IsDir() {
				k.step(fd, path, e.Name(), kind, shallow)
			}
		}
		return
	}
	names, err := dir.Readdirnames(-1)
	if err != nil && !gone(err) {
		k.fail(kind, err)
	}
	for _, name := range names {
		if k.ctx.Err() != nil {
			break
		}
		k.step(fd, path, name, kind, shallow)
	}
}

// step looks at one entry; when the time is up it says so instead.
func (k *walker) step(fd int, path, name, kind string, shallow bool) {
	if err := k.ctx.Err(); err != nil {
		k.fail(kind, err)
		return
	}
	at := filepath.Join(path, name)
	if own, ok := k.kinds[at]; ok {
		kind = own
	} else if kind == LookFiles && isCore(name) {
		kind = LookCrashDumps
	}
	k.entry(fd, at, name, kind, shallow)
}

func (k *walker) entry(dir int, path, name, kind string, shallow bool) {
	if path == k.w.MarkPath() {
		return // it holds the tokens by purpose
	}
	var st unix.Statx_t
	err := unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st)
	if err != nil {
		if !gone(err) {
			k.fail(kind, &fs.PathError{Op: "stat", Path: path, Err: err})
		}
		return
	}
	ours := slices.Contains(k.w.c.UIDs, int(st.Uid))
	folder := st.Mode&unix.S_IFMT == unix.S_IFDIR
	found, carries := false, false
	if ours || (kind == LookCrashDumps && k.w.namesUs(name)) {
		found, carries = k.judge(dir, path, name, kind, st, folder)
		seen := tally{looked: 1}
		if found {
			seen.found = 1
		}
		k.said.add(kind, seen, nil)
	}
	remove := found && !k.w.allowed(path) && (carries || k.disposable(kind, name))
	if folder {
		if !shallow && unix.Mkdev(st.Dev_major, st.Dev_minor) == k.dev {
			k.into(dir, path, name, kind, ours, k.still(unix.Timespec{Sec: st.Ctime.Sec, Nsec: int64(st.Ctime.Nsec)}))
		}
		if remove {
			k.drop(dir, path, name, kind, unix.AT_REMOVEDIR) // only when it is empty by now
		}
		return
	}
	if found && (carries || remove) {
		k.drop(dir, path, name, kind, 0)
	}
}

// disposable reports whether a left-over of that kind may go although it holds
// no token: on a machine of our own nobody misses a cache.
func (k *walker) disposable(kind, name string) bool {
	return !k.w.c.SharedUser && (kind != LookFiles || chromiumName(name))
}

// into goes into a folder below. Another user's folder that we may not read is
// one that we cannot have written.
func (k *walker) into(dir int, path, name, kind string, ours, still bool) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		if gone(err) || (errors.Is(err, unix.EACCES) && !ours) {
			return
		}
		k.fail(kind, &fs.PathError{Op: "open", Path: path, Err: err})
		return
	}
	k.folder(fd, path, kind, false, still)
}

// judge tells whether the entry is left over, and whether for sure, because it
// carries a token.
func (k *walker) judge(dir int, path, name, kind string, st unix.Statx_t, folder bool) (found, carries bool) {
	for _, n := range k.h.needle {
		if strings.Contains(name, string(n)) {
			return true, true
		}
	}
	changed := latest(st.Ctime)
	if folder {
		// A folder changes whenever something in it does; only its birth
		// tells that it is new. A file system without births tells nothing.
		changed = time.Time{}
		if st.Mask&unix.STATX_BTIME != 0 {
			changed = latest(st.Btime)
		}
	}
	if changed.Before(k.h.since) {
		return false, false // nobody can put a change time back
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size > 0 {
		if kind == LookCrashDumps && !k.w.c.SharedUser && !k.w.allowed(path) {
			return true, false // as large as memory: nobody waits for it to be read
		}
		has, err := k.search(dir, name)
		foreign := kind == LookCrashDumps && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM))
		if err != nil && !gone(err) && !foreign {
			k.fail(kind, &fs.PathError{Op: "search", Path: path, Err: err})
		}
		if has {
			return true, true
		}
	}
	if k.w.allowed(path) || k.h.anew && k.memory {
		return false, false
	}
	if !k.w.c.SharedUser || k.place.Own {
		return true, false
	}
	if kind == LookCrashDumps && strings.Contains(name, "chrom") {
		return true, false // compressed memory: nothing in it can be read, so its name decides
	}
	direct := filepath.Dir(path) == k.place.Path // where Chromium puts such things
	return direct && chromiumName(name) && !k.live[filepath.Join(path, "SingletonSocket")], false
}

// inMemory reports whether a file system is kept in memory alone.
func inMemory(system unix.Statfs_t) bool {
	const queues = 0x19800202 // MQUEUE_MAGIC of the kernel's ipc/mqueue.c
	return system.Type == unix.TMPFS_MAGIC || system.Type == unix.RAMFS_MAGIC || system.Type == queues
}

// latest is the latest time that a time of a file can mean. Some file systems
// keep whole seconds (message queues), some every other one (sticks).
func latest(t unix.StatxTimestamp) time.Time {
	at := time.Unix(t.Sec, int64(t.Nsec))
	if t.Nsec == 0 {
		return at.Add(2 * time.Second)
	}
	return at
}

// drop removes a left-over. It was counted already; that it stays is told by
// the next look.
func (k *walker) drop(dir int, path, name, kind string, flags int) {
	err := unix.Unlinkat(dir, name, flags)
	if err != nil && !gone(err) && !errors.Is(err, unix.ENOTEMPTY) {
		k.fail(kind, &fs.PathError{Op: "remove", Path: path, Err: err})
	}
}

// chromiumName reports whether Chromium gives such names outside a profile.
func chromiumName(name string) bool {
	return strings.HasPrefix(strings.TrimPrefix(name, "."), "org.chromium.") ||
		strings.HasSuffix(name, ".crdownload")
}

// listening lists the socket files that a living process listens on: a
// browser of the person whose machine this is.
func (w *Wiper) listening() (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "self/net/unix"))
	if err != nil {
		return nil, err
	}
	live := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 8 && strings.HasPrefix(f[7], "/") {
			live[f[7]] = true
		}
	}
	return live, nil
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESTALE)
}
