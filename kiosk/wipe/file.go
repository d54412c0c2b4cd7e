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

// files looks at everything of our users in the places. Left over is
//   - a file that carries a token of the session in its name or content,
//   - on a machine of our own, anything that is newer than the session and not
//     the kiosk's; on a shared one only in the kiosk's own folders or, directly
//     in a place, under a name that Chromium gives.
func (w *Wiper) files(ctx context.Context, h hunt) (tally, error) {
	var t tally
	var problem error
	for _, p := range outer(w.c.Places) {
		one, err := w.walk(ctx, h, p)
		t.looked += one.looked
		t.found += one.found
		problem = errors.Join(problem, err)
	}
	return t, problem
}

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
	t     tally
	buf   []byte
	live  map[string]bool // sockets that somebody listens on; shared machines only
	err   error
}

func (w *Wiper) walk(ctx context.Context, h hunt, place Place) (tally, error) {
	fd, err := unix.Open(place.Path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return tally{}, nil
	}
	if err != nil {
		return tally{}, &fs.PathError{Op: "open", Path: place.Path, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return tally{}, &fs.PathError{Op: "stat", Path: place.Path, Err: err}
	}
	k := &walker{w: w, ctx: ctx, h: h, place: place, dev: uint64(st.Dev), buf: make([]byte, window)}
	if w.c.SharedUser {
		if k.live, err = w.listening(); err != nil {
			unix.Close(fd)
			return tally{}, err
		}
	}
	k.folder(fd, place.Path, place.Shallow)
	return k.t, k.err
}

// folder looks at all entries of the open folder and closes it.
func (k *walker) folder(fd int, path string, shallow bool) {
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil && !gone(err) {
		k.err = errors.Join(k.err, err)
	}
	for _, name := range names {
		if err := k.ctx.Err(); err != nil {
			k.err = errors.Join(k.err, err)
			return
		}
		k.entry(fd, filepath.Join(path, name), name, shallow)
	}
}

func (k *walker) entry(dir int, path, name string, shallow bool) {
	if path == k.w.MarkPath() {
		return // it holds the tokens by purpose
	}
	var st unix.Statx_t
	err := unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st)
	if err != nil {
		if !gone(err) {
			k.err = errors.Join(k.err, &fs.PathError{Op: "stat", Path: path, Err: err})
		}
		return
	}
	ours := slices.Contains(k.w.c.UIDs, int(st.Uid))
	folder := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if ours {
		k.t.looked++
	}
	found, carries := false, false
	if ours {
		found, carries = k.judge(dir, path, name, st, folder)
	}
	if found {
		k.t.found++
	}
	if folder {
		if !shallow && unix.Mkdev(st.Dev_major, st.Dev_minor) == k.dev {
			k.into(dir, path, name, ours)
		}
		if found && carries && !k.w.allowed(path) {
			k.drop(dir, path, name, unix.AT_REMOVEDIR) // only when it is empty by now
		}
		return
	}
	if found && (carries || (!k.w.c.SharedUser && chromiumName(name))) {
		k.drop(dir, path, name, 0)
	}
}

// into goes into a folder below. Another user's folder that we may not read is
// one that we cannot have written.
func (k *walker) into(dir int, path, name string, ours bool) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		if gone(err) || (errors.Is(err, unix.EACCES) && !ours) {
			return
		}
		k.err = errors.Join(k.err, &fs.PathError{Op: "open", Path: path, Err: err})
		return
	}
	k.folder(fd, path, false)
}

// judge tells whether the entry is left over, and whether for sure, because it
// carries a token.
func (k *walker) judge(dir int, path, name string, st unix.Statx_t, folder bool) (found, carries bool) {
	for _, n := range k.h.needle {
		if strings.Contains(name, string(n)) {
			return true, true
		}
	}
	changed := time.Unix(st.Ctime.Sec, int64(st.Ctime.Nsec))
	if folder {
		// A folder changes whenever something in it does; only its birth
		// tells that it is new. A file system without births tells nothing.
		changed = time.Time{}
		if st.Mask&unix.STATX_BTIME != 0 {
			changed = time.Unix(st.Btime.Sec, int64(st.Btime.Nsec))
		}
	}
	if changed.Before(k.h.since) {
		return false, false // nobody can put a change time back
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size > 0 {
		has, err := k.search(dir, name)
		if err != nil && !gone(err) {
			k.err = errors.Join(k.err, &fs.PathError{Op: "search", Path: path, Err: err})
		}
		if has {
			return true, true
		}
	}
	if k.w.allowed(path) {
		return false, false
	}
	if !k.w.c.SharedUser || k.place.Own {
		return true, false
	}
	direct := filepath.Dir(path) == k.place.Path // where Chromium puts such things
	return direct && chromiumName(name) && !k.live[filepath.Join(path, "SingletonSocket")], false
}

// drop removes a left-over. It was counted already; that it stays is told by
// the next look.
func (k *walker) drop(dir int, path, name string, flags int) {
	err := unix.Unlinkat(dir, name, flags)
	if err != nil && !gone(err) && !errors.Is(err, unix.ENOTEMPTY) {
		k.err = errors.Join(k.err, &fs.PathError{Op: "remove", Path: path, Err: err})
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
