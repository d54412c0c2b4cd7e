package wipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// memoryTolerance is how much the shared memory outside of the file systems
// that we see may have grown since the session began, in KiB: our shell's own
// pictures come and go. A session's home, its downloads and its pages' shared
// memory are not among what is tolerated unless they are smaller.
const memoryTolerance = 64 << 10

// settleTime is how long the kernel is given to take a session's memory back;
// it unmounts file systems a little after the last process.
const settleTime = 150 * time.Millisecond

// memory looks whether the session's memory was given back, and whether any of
// it could lie in swap.
func (w *Wiper) memory(ctx context.Context, h hunt, said survey) {
	t, err := w.swap()
	if w.c.AllowSwap {
		said.add(StatedSwap, tally{looked: t.looked}, err)
	} else {
		said.add(LookSwap, t, err)
	}
	t, err = w.settled(ctx, h)
	if w.c.AllowMemory {
		said.add(StatedMemory, tally{looked: t.looked}, err)
	} else {
		said.add(LookMemory, t, err)
	}
}

// settled waits until the level is back.
func (w *Wiper) settled(ctx context.Context, h hunt) (tally, error) {
	if h.before == nil || h.before.Memory == nil {
		return tally{}, nil // another boot: that memory is gone
	}
	ctx, stop := context.WithTimeout(ctx, w.settle)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := w.level()
		if err != nil {
			return tally{}, err
		}
		if now <= *h.before.Memory+memoryTolerance {
			return tally{looked: 1}, nil
		}
		if w.c.AllowMemory {
			return tally{looked: 1, found: 1}, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return tally{looked: 1, found: 1}, nil
		}
	}
}

// level is how much shared memory is in use that belongs to no file system of
// ours, in KiB: the sandbox's file systems, pictures that were handed to the X
// server, segments. What is in /tmp and the like is looked at file by file.
func (w *Wiper) level() (int64, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "meminfo"))
	if err != nil {
		return 0, fmt.Errorf("ask for the shared memory: %w", err)
	}
	total := int64(-1)
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Shmem:"); ok {
			f := strings.Fields(rest)
			if len(f) != 2 || f[1] != "kB" {
				return 0, errors.New("ask for the shared memory: the answer is unclear")
			}
			if total, err = strconv.ParseInt(f[0], 10, 64); err != nil {
				return 0, fmt.Errorf("ask for the shared memory: %w", err)
			}
		}
	}
	if total < 0 {
		return 0, errors.New("ask for the shared memory: the kernel does not say")
	}
	mounts, err := w.mountPoints()
	if err != nil {
		return 0, err
	}
	counted := map[uint64]bool{}
	for _, m := range mounts {
		if m.kind != "tmpfs" && m.kind != "devtmpfs" {
			continue
		}
		dev, bytes, err := w.used(m.at)
		if err != nil || counted[dev] || fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)) != m.dev {
			continue // hidden below another mount, or somebody else's
		}
		counted[dev] = true
		total -= bytes >> 10
	}
	return total, nil
}

// usedMemory is how much of a file system is in use.
func usedMemory(path string) (dev uint64, bytes int64, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, 0, err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return 0, 0, err
	}
	return uint64(st.Dev), int64(fs.Blocks-fs.Bfree) * int64(fs.Bsize), nil
}

// swap looks whether memory could be on a disk. Compressed memory (zram) is
// memory.
func (w *Wiper) swap() (tally, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "swaps"))
	if errors.Is(err, os.ErrNotExist) {
		return tally{}, nil // a kernel without swap
	}
	if err != nil {
		return tally{}, fmt.Errorf("ask for the swap: %w", err)
	}
	lines := slices.Collect(strings.Lines(string(b)))
	if len(lines) > 0 && !strings.HasPrefix(lines[0], "Filename") {
		return tally{}, errors.New("ask for the swap: the answer is unclear")
	}
	var t tally
	for _, line := range lines[min(1, len(lines)):] {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		t.looked++
		if name, ok := strings.CutPrefix(f[0], "/dev/zram"); !ok || strings.Trim(name, "0123456789") != "" {
			t.found++
		}
	}
	return t, nil
}
