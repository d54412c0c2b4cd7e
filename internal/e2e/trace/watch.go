package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// WatchFolders watches folders and all below them, where this user may.
func WatchFolders(folders ...string) (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", err)
	}
	w := &Watcher{fd: fd, done: make(chan struct{}), folders: map[int32]string{}, owners: map[string]int{}, more: (*Watcher).inotify}
	for _, f := range folders {
		w.below(f, false)
	}
	return w, w.begin()
}

const inotifyMask = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_ATTRIB |
	unix.IN_DONT_FOLLOW | unix.IN_EXCL_UNLINK | unix.IN_ONLYDIR

// below watches a folder and those in it. When it is new, what is in it
// already came before we looked: it counts as created.
func (w *Watcher) below(root string, fresh bool) {
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // not for this user, or gone
		}
		if fresh && path != root {
			w.add(Change{Path: path, What: "created", UID: w.owner(path)})
		}
		w.owner(path)
		if !d.IsDir() {
			return nil
		}
		wd, err := unix.InotifyAddWatch(w.fd, path, inotifyMask)
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEM) {
			w.fail(fmt.Errorf("watch %s: the kernel has no more watches; raise fs.inotify.max_user_watches", path))
			return fs.SkipAll
		}
		if err == nil {
			w.folders[int32(wd)] = path
		}
		return nil
	})
}

// owner is whose a path is, or was when it was there; -1 if it went too soon.
func (w *Watcher) owner(path string) int {
	var st unix.Stat_t
	if unix.Lstat(path, &st) == nil {
		w.owners[path] = int(st.Uid)
	}
	if uid, ok := w.owners[path]; ok {
		return uid
	}
	return -1
}

// inotify reads one event and returns its length.
func (w *Watcher) inotify(event []byte) int {
	e := (*unix.InotifyEvent)(unsafe.Pointer(&event[0]))
	size := unix.SizeofInotifyEvent + int(e.Len)
	if e.Mask&unix.IN_Q_OVERFLOW != 0 {
		w.fail(errors.New("watch folders: the kernel dropped events"))
		return size
	}
	dir, ok := w.folders[e.Wd]
	if !ok || e.Mask&unix.IN_IGNORED != 0 {
		return size
	}
	name := string(bytes.TrimRight(event[unix.SizeofInotifyEvent:size], "\x00"))
	path := filepath.Join(dir, name)
	for bit, what := range map[uint32]string{unix.IN_CREATE: "created", unix.IN_MODIFY: "modified", unix.IN_DELETE: "deleted",
		unix.IN_MOVED_FROM: "moved", unix.IN_MOVED_TO: "moved", unix.IN_ATTRIB: "attributes"} {
		if e.Mask&bit != 0 {
			w.add(Change{Path: path, What: what, UID: w.owner(path)})
		}
	}
	if e.Mask&unix.IN_ISDIR != 0 && e.Mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 {
		w.below(path, true)
	}
	return size
}

// begin reads events in the background.
func (w *Watcher) begin() error {
	if err := unix.Pipe2(w.stop[:], unix.O_CLOEXEC); err != nil {
		unix.Close(w.fd)
		return fmt.Errorf("watch: %w", err)
	}
	go func() {
		defer close(w.done)
		buf := make([]byte, 256<<10)
		for {
			poll := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}, {Fd: int32(w.stop[0]), Events: unix.POLLIN}}
			if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
				w.fail(fmt.Errorf("watch: %w", err))
				return
			}
			for { // all that there is, before the end
				n, err := unix.Read(w.fd, buf)
				if n <= 0 || err != nil {
					break
				}
				for at := 0; at < n; {
					at += w.more(w, buf[at:n])
				}
			}
			if poll[1].Revents != 0 {
				return
			}
		}
	}()
	return nil
}

// Stop ends the watch and returns what happened.
func (w *Watcher) Stop() ([]Change, error) {
	unix.Write(w.stop[1], []byte{0})
	<-w.done
	for _, fd := range []int{w.fd, w.stop[0], w.stop[1]} {
		unix.Close(fd)
	}
	for _, m := range w.mounts {
		unix.Close(m.fd)
	}
	return w.changes, w.err
}

// mountHandle is a file system that fanotify watches.
type mountHandle struct {
	fd int
	id [2]int32
}

const fanotifyMask = unix.FAN_CREATE | unix.FAN_MODIFY | unix.FAN_DELETE | unix.FAN_MOVED_FROM | unix.FAN_MOVED_TO | unix.FAN_ATTRIB | unix.FAN_ONDIR

// WatchFileSystems watches every file system at the mount points, whole. Only
// root may.
func WatchFileSystems(points ...string) (*Watcher, error) {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_DFID_NAME|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_UNLIMITED_QUEUE, unix.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("watch file systems: %w", err)
	}
	w := &Watcher{fd: fd, done: make(chan struct{}), more: (*Watcher).fanotify}
	for _, p := range points {
		var st unix.Statfs_t
		mfd, err := unix.Open(p, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Fstatfs(mfd, &st)
		}
		if err == nil {
			err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, fanotifyMask, unix.AT_FDCWD, p)
		}
		if err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("watch the file system at %s: %w", p, err)
		}
		w.mounts = append(w.mounts, mountHandle{mfd, st.Fsid.Val})
	}
	return w, w.begin()
}

// fanotify reads one event and returns its length. Its layout is that of
// fanotify(7): a head, then a file handle of the folder and a name.
func (w *Watcher) fanotify(event []byte) int {
	e := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&event[0]))
	size := int(e.Event_len)
	if e.Mask&unix.FAN_Q_OVERFLOW != 0 {
		w.fail(errors.New("watch file systems: the kernel dropped events"))
		return size
	}
	info := event[e.Metadata_len:size]
	if len(info) < 20 || info[0] != unix.FAN_EVENT_INFO_TYPE_DFID_NAME {
		return size
	}
	id := [2]int32{int32(binary.NativeEndian.Uint32(info[4:])), int32(binary.NativeEndian.Uint32(info[8:]))}
	length, kind := int(binary.NativeEndian.Uint32(info[12:])), int32(binary.NativeEndian.Uint32(info[16:]))
	if len(info) < 20+length {
		return size
	}
	name, _, _ := bytes.Cut(info[20+length:], []byte{0})
	dir := w.folder(id, unix.NewFileHandle(kind, info[20:20+length]))
	path := filepath.Join(dir, string(name))
	uid := ownerOf(int(e.Pid), path)
	for bit, what := range map[uint64]string{unix.FAN_CREATE: "created", unix.FAN_MODIFY: "modified", unix.FAN_DELETE: "deleted",
		unix.FAN_MOVED_FROM: "moved", unix.FAN_MOVED_TO: "moved", unix.FAN_ATTRIB: "attributes"} {
		if e.Mask&bit != 0 {
			w.add(Change{Path: path, What: what, UID: uid})
		}
	}
	return size
}

// folder is the path of a folder by its handle.
func (w *Watcher) folder(id [2]int32, handle unix.FileHandle) string {
	for _, m := range w.mounts {
		if m.id != id {
			continue
		}
		fd, err := unix.OpenByHandleAt(m.fd, handle, unix.O_PATH|unix.O_CLOEXEC)
		if err != nil {
			break
		}
		defer unix.Close(fd)
		if path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil {
			return path
		}
	}
	return "(a folder that is gone)"
}

// ownerOf is whose process it is, or whose file if the process has ended.
func ownerOf(pid int, path string) int {
	var st unix.Stat_t
	if unix.Stat(fmt.Sprintf("/proc/%d", pid), &st) == nil {
		return int(st.Uid)
	}
	if unix.Lstat(path, &st) == nil {
		return int(st.Uid)
	}
	return -1
}
