package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// forgetful puts a device under the open store's descriptor that takes every
// write and cannot sync, as a disk does that is dying: what was written is lost,
// and only the sync says so. The returned function puts the file back.
func forgetful(t *testing.T, dir string) (heal func()) {
	t.Helper()
	path, err := filepath.EvalSymlinks(filepath.Join(dir, store.FileName))
	must(t, err)
	all, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, e := range all {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || to != path {
			continue
		}
		fd, err := strconv.Atoi(e.Name())
		must(t, err)
		kept, err := unix.Dup(fd) // holds the lock meanwhile
		must(t, err)
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		must(t, err)
		defer null.Close()
		must(t, unix.Dup2(int(null.Fd()), fd))
		return func() {
			t.Helper()
			must(t, unix.Dup2(kept, fd))
			must(t, unix.Close(kept))
		}
	}
	t.Fatal("the store's file is not open")
	return nil
}

// A disk that takes data and cannot sync: nothing counts as kept, reading goes
// on, and once the disk is well everything that is sent again is kept once.
func TestSyncFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	apply := func(seq uint64) (bool, error) {
		return s.ApplyCounts(one, seq, fleet.Counts{Day: fmt.Sprintf("2026-%02d-%02d", 1+seq/25, 1+seq%25), Sessions: uint32(seq)}, time.Now())
	}
	const before = 60 // enough pages in the file, so that nothing fails but the sync
	for seq := uint64(1); seq <= before; seq++ {
		if fresh, err := apply(seq); err != nil || !fresh {
			t.Fatalf("%d: %v, %v", seq, fresh, err)
		}
	}
	heal := forgetful(t, dir)
	for seq := uint64(before + 1); seq < before+4; seq++ {
		if fresh, err := apply(seq); !errors.Is(err, unix.EINVAL) || fresh || s.Failing() == nil {
			t.Fatalf("%d counts as kept on a disk that cannot sync: %v, %v, %v", seq, fresh, err, s.Failing())
		}
	}
	if n, err := s.Applied(one); err != nil || n != before {
		t.Errorf("applied %d, %v", n, err)
	}
	heal()
	for seq := uint64(before); seq < before+4; seq++ {
		if fresh, err := apply(seq); err != nil || fresh != (seq > before) || fresh && s.Failing() != nil {
			t.Errorf("%d with the disk well again: %v, %v, %v", seq, fresh, err, s.Failing())
		}
	}
	must(t, s.Close())
	s = open(t, dir)
	if n, err := s.Applied(one); err != nil || n != before+3 {
		t.Errorf("after opening again: applied %d, %v", n, err)
	}
	if _, err := s.Check(); err != nil {
		t.Error(err)
	}
}
