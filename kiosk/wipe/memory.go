package wipe

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// segmentsLook looks at System V segments. The sandbox has its own, so anything
// here came from outside of it; the shell's are known by the process that made
// them. The files of /dev/shm are a place like others.
func (w *Wiper) segmentsLook(h hunt) (tally, error) {
	var t tally
	var problem error
	segments, err := w.segments()
	if err != nil {
		return t, err
	}
	ours := w.parents()
	for _, s := range segments {
		if !slices.Contains(w.c.UIDs, s.uid) && !slices.Contains(w.c.UIDs, s.cuid) {
			continue
		}
		t.looked++
		if s.changed.Before(h.since.Truncate(time.Second)) {
			continue
		}
		left, err := w.leftSegment(h, s, ours)
		if left {
			t.found++
			if _, e := unix.SysvShmCtl(s.id, unix.IPC_RMID, nil); e != nil && !errors.Is(e, unix.EINVAL) && !errors.Is(e, unix.EIDRM) {
				err = errors.Join(err, fmt.Errorf("remove shared memory: %w", e))
			}
		}
		problem = errors.Join(problem, err)
	}
	return t, problem
}

func (w *Wiper) leftSegment(h hunt, s segment, ours func(pid int) bool) (bool, error) {
	if !w.c.SharedUser {
		return !h.anew && !ours(s.creator), nil
	}
	// A person's programs share memory all the time: only the content tells.
	b, err := unix.SysvShmAttach(s.id, 0, unix.SHM_RDONLY)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EIDRM) {
		return false, nil // gone by now
	}
	if err != nil {
		return false, fmt.Errorf("look at shared memory: %w", err)
	}
	defer unix.SysvShmDetach(b)
	for _, n := range h.needle {
		if bytes.Contains(b, n) {
			return true, nil
		}
	}
	return false, nil
}

// parents returns a question: does the process, or one above it, belong to
// the shell?
func (w *Wiper) parents() func(pid int) bool {
	return func(pid int) bool {
		for n := 0; pid > 1 && n < 64; n++ {
			if w.c.Ours(pid) {
				return true
			}
			b, err := os.ReadFile(filepath.Join(w.c.Proc, strconv.Itoa(pid), "stat"))
			if err != nil {
				return false
			}
			rest := b[bytes.LastIndexByte(b, ')')+1:]
			f := bytes.Fields(rest)
			if len(f) < 2 {
				return false
			}
			if pid, err = strconv.Atoi(string(f[1])); err != nil {
				return false
			}
		}
		return false
	}
}

type segment struct {
	id, creator, uid, cuid int
	changed                time.Time
}

// segments lists the System V segments; a kernel without them has none.
func (w *Wiper) segments() ([]segment, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "sysvipc/shm"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the shared memory: %w", err)
	}
	return parseSegments(string(b))
}

func parseSegments(list string) ([]segment, error) {
	var all []segment
	first := true
	for line := range strings.Lines(list) {
		if first { // the heading
			first = false
			continue
		}
		// key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap
		f := strings.Fields(line)
		if len(f) < 14 {
			return nil, errors.New("list the shared memory: a line is unclear")
		}
		n := map[int]int{}
		for _, i := range []int{1, 4, 7, 9, 13} {
			v, err := strconv.Atoi(f[i])
			if err != nil {
				return nil, fmt.Errorf("list the shared memory: %w", err)
			}
			n[i] = v
		}
		all = append(all, segment{id: n[1], creator: n[4], uid: n[7], cuid: n[9], changed: time.Unix(int64(n[13]), 0)})
	}
	return all, nil
}
