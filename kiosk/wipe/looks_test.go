package wipe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// Every kind of file that a desktop keeps about what somebody did has a look of
// its own, which finds it and removes it.
func TestKindsOfFiles(t *testing.T) {
	for _, c := range []struct {
		look, path, text string
		shared           bool
		found            bool
		stays            bool
	}{
		{look: LookCaches, path: ".cache/thumbnails/normal/0123.png", found: true},
		{look: LookCaches, path: ".cache/mesa_shader_cache/ab/cdef", found: true},
		{look: LookCaches, path: ".cache/fontconfig/0123-le64.cache-8", found: true},
		{look: LookCaches, path: ".cache/something-new/x", found: true},
		{look: LookCaches, path: ".config/dconf/user", found: true},
		{look: LookCaches, path: ".nv/GLCache/x", found: true},
		{look: LookCertificates, path: ".pki/nssdb/cert9.db", found: true},
		{look: LookRecent, path: ".local/share/recently-used.xbel", found: true},
		{look: LookRecent, path: ".local/share/Trash/files/statement.pdf", found: true},
		{look: LookCrashDumps, path: ".config/chromium/Crash Reports/pending/1.dmp", found: true},
		{look: LookCrashDumps, path: "core", found: true},
		{look: LookCrashDumps, path: "core.4711", found: true},
		{look: LookFiles, path: "core.c", found: true, stays: true},
		// On a person's own desktop only a session's tokens tell.
		{look: LookCaches, path: ".cache/thumbnails/normal/0123.png", shared: true, stays: true},
		{look: LookCaches, path: ".cache/thumbnails/normal/0123.png", shared: true, text: "canary", found: true},
		{look: LookCertificates, path: ".pki/nssdb/cert9.db", shared: true, text: "canary", found: true},
		{look: LookRecent, path: ".local/share/recently-used.xbel", shared: true, text: "token", found: true},
		{look: LookRecent, path: ".local/share/recently-used.xbel", shared: true, stays: true},
	} {
		t.Run(fmt.Sprint(c.path, " shared ", c.shared, " ", c.text), func(t *testing.T) {
			m := newMachine(t)
			w := m.wiper(func(x *Config) {
				x.SharedUser = c.shared
				if c.shared {
					x.Places = []Place{{Path: m.tmp}, {Path: m.home, Shallow: true}, {Path: m.own, Own: true}}
				}
			})
			mark := m.begin(w)
			path := filepath.Join(m.home, c.path)
			m.write(path, map[string]string{"": "x", "canary": "<" + mark.Canary + ">", "token": "<" + mark.Token + ">"}[c.text])
			got := find(t, w.Wipe(t.Context(), mark), c.look)
			if (got.Found > 0) != c.found || got.Failed || got.Looked == 0 {
				t.Errorf("%+v, want found: %v", got, c.found)
			}
			if exists(path) != c.stays {
				t.Errorf("it is there: %v", exists(path))
			}
			if c.look != LookFiles && c.found && !c.shared {
				if l := find(t, w.Wipe(t.Context(), mark), c.look); l.Found > 1 { // the home folders that were just made may stay
					t.Errorf("again: %+v", l)
				}
			}
		})
	}
}

// Crash dumps that the system keeps, in its own folder and under its own user's
// name, are told by the number in their name.
func TestSystemsCrashDumps(t *testing.T) {
	m := newMachine(t)
	other := os.Getuid() + 1
	w := m.wiper(func(c *Config) { c.UIDs = []int{os.Getuid() + 7, os.Getuid()} })
	mark := m.begin(w)
	dir := filepath.Join(m.system, "var/lib/systemd/coredump")
	m.write(filepath.Join(dir, fmt.Sprintf("core.chromium.%d.0123abcd.77.1795000000.zst", os.Getuid()+7)), "x")
	if l := find(t, w.Wipe(t.Context(), mark), LookCrashDumps); l.Found == 0 || l.Failed {
		t.Errorf("the client's user: %+v", l)
	}
	if os.Getuid() == 0 {
		path := filepath.Join(dir, fmt.Sprintf("core.chromium.%d.0123abcd.78.1795000000.zst", other))
		m.write(path, "x")
		if err := os.Chown(path, other, other); err != nil {
			t.Fatal(err)
		}
		before := find(t, w.Wipe(t.Context(), mark), LookCrashDumps).Found
		if err := os.Remove(path); err != nil {
			t.Fatalf("somebody else's dump was removed: %v", err)
		}
		if after := find(t, w.Wipe(t.Context(), mark), LookCrashDumps).Found; after != before {
			t.Errorf("somebody else's dump was counted: %d, without it %d", before, after)
		}
	}
}

func TestCoresThatReachADisk(t *testing.T) {
	for _, c := range []struct {
		pattern string
		limit   uint64
		want    bool
	}{
		{"core", 0, false},
		{"core", 1 << 20, true},
		{"/var/cores/%e.%p", 0, false},
		{"/var/cores/%e.%p", unix.RLIM_INFINITY, true},
		{"", unix.RLIM_INFINITY, false},
		{"|/bin/false", unix.RLIM_INFINITY, false},
		{"|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h", 0, false},
		{"|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h", unix.RLIM_INFINITY, true},
		{"|/usr/share/apport/apport -p%p", 0, true},
		{"@/run/cores", 0, true},
	} {
		m := newMachine(t)
		w := m.wiper(nil)
		w.cores = func() (uint64, error) { return c.limit, nil }
		mark := m.begin(w)
		m.write(filepath.Join(m.proc, "sys/kernel/core_pattern"), c.pattern+"\n")
		if l := find(t, w.Wipe(t.Context(), mark), LookCrashDumps); (l.Found == 1) != c.want || l.Failed {
			t.Errorf("%q with the limit %d: %+v", c.pattern, c.limit, l)
		}
	}
}

func TestSwap(t *testing.T) {
	const head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for text, want := range map[string]fleet.Look{
		head:                                    {At: LookSwap},
		head + "/dev/zram0 partition 1 0 100\n": {At: LookSwap, Looked: 1},
		head + "/dev/zram0 partition 1 0 100\n/swapfile file 1 0 -2\n": {At: LookSwap, Looked: 2, Found: 1},
		head + "/dev/zramp1 partition 1 0 100\n":                       {At: LookSwap, Looked: 1, Found: 1},
		head + "/dev/dm-1 partition 1 0 100\n":                         {At: LookSwap, Looked: 1, Found: 1},
		"nonsense\n":                                                   {At: LookSwap, Failed: true},
	} {
		m := newMachine(t)
		for _, allow := range []bool{false, true} {
			w := m.wiper(func(c *Config) { c.AllowSwap = allow })
			mark := m.begin(w)
			m.write(filepath.Join(m.proc, "swaps"), text)
			want := want
			if allow {
				want.At, want.Found = StatedSwap, 0
			}
			if got := find(t, w.Wipe(t.Context(), mark), want.At); got != want {
				t.Errorf("%q, allowed %v: %+v, want %+v", text, allow, got, want)
			}
		}
	}
}

// The level of shared memory, by the kernel's own words.
func TestMemoryLevel(t *testing.T) {
	m := newMachine(t)
	shmem := func(kib int) { m.write(filepath.Join(m.proc, "meminfo"), fmt.Sprintf("Shmem: %d kB\n", kib)) }
	w := m.wiper(nil)
	w.used = func(string) (uint64, int64, error) { return unix.Mkdev(0, 33), 40 << 20, nil }
	m.mountinfo += "33 22 0:33 / /run rw - tmpfs tmpfs rw\n34 22 0:33 / /run/again rw - tmpfs tmpfs rw\n"
	m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo)
	mark := m.begin(w) // 100000 KiB, 40 MiB of which are files in /run
	for _, c := range []struct{ kib, want int }{{100000, 0}, {100000 + memoryTolerance, 0}, {100001 + memoryTolerance, 1}, {1, 0}} {
		shmem(c.kib)
		if l := find(t, w.Wipe(t.Context(), mark), LookMemory); int(l.Found) != c.want || l.Failed || l.Looked != 1 {
			t.Errorf("%d KiB: %+v", c.kib, l)
		}
	}
	// What lies in a file system that we see is looked at file by file.
	shmem(100000 + 200<<10)
	w.used = func(string) (uint64, int64, error) { return unix.Mkdev(0, 33), 240 << 20, nil }
	if l := find(t, w.Wipe(t.Context(), mark), LookMemory); l.Found != 0 {
		t.Errorf("files in /run: %+v", l)
	}
	// A session's memory goes a moment after its last process.
	w.settle = time.Minute
	w.used = func(string) (uint64, int64, error) { return 0, 0, errors.New("hidden") }
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Millisecond)
	given := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(given)
		next := filepath.Join(m.proc, "meminfo.next")
		m.write(next, "Shmem: 100000 kB\n")
		if err := os.Rename(next, filepath.Join(m.proc, "meminfo")); err != nil {
			t.Error(err)
		}
	})
	defer stop()
	if l := find(t, w.Wipe(t.Context(), mark), LookMemory); l.Found != 0 || l.Failed {
		t.Errorf("memory that is still being given back: %+v", l)
	}
	<-given
	w.settle = settleTime
	m.write(filepath.Join(m.proc, "meminfo"), "MemTotal: 1 kB\n")
	if l := find(t, w.Wipe(t.Context(), mark), LookMemory); !l.Failed {
		t.Errorf("a kernel that does not say: %+v", l)
	}
	shmem(1 << 30)
	m.write(filepath.Join(m.proc, "sys/kernel/random/boot_id"), "boot-2\n")
	if l := find(t, w.Wipe(t.Context(), mark), LookMemory); l.Found != 0 || l.Looked != 0 {
		t.Errorf("after a power cut: %+v", l)
	}
}

// With real memory of this machine: what a process keeps for itself raises the
// level, a file in /dev/shm does not.
func TestMemoryLevelIsReal(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.Proc = "/proc" })
	level := func() int64 {
		kib, err := w.level()
		if err != nil {
			t.Fatal(err)
		}
		return kib
	}
	const size = 512 << 20
	before := level()
	fd, err := unix.MemfdCreate("left", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Fallocate(fd, 0, 0, size); err != nil {
		t.Skipf("no memory for this: %v", err)
	}
	if grew := level() - before; grew < size>>11 { // half of it: others use this machine too
		t.Errorf("the level rose by %d KiB", grew)
	}
}

func TestLogs(t *testing.T) {
	const journal = "var/log/journal/0123/system.journal"
	// A journal as long as it was made, written up to the given place.
	written := func(upTo int, text string) string {
		b := make([]byte, 4096)
		copy(b, journalMagic)
		binary.LittleEndian.PutUint64(b[journalTail:], uint64(upTo))
		copy(b[200:], text)
		return string(b)
	}
	for _, c := range []struct {
		name, look, path string
		before           func(session.Mark) string // nothing for a log that is not there yet
		after            func(session.Mark) string
		found            uint32
	}{
		{"the journal", LookJournal, journal, func(session.Mark) string { return written(200, "older") },
			func(m session.Mark) string { return written(300, "older and "+m.Token) }, 1},
		{"the journal of before", LookJournal, journal, func(session.Mark) string { return written(300, "") },
			func(m session.Mark) string { return written(400, m.Token) }, 0},
		{"a new journal", LookJournal, journal, nil, func(m session.Mark) string { return written(300, m.Canary) }, 1},
		{"the X server's", LookLogs, "var/log/Xorg.0.log", func(session.Mark) string { return "older\n" }, func(m session.Mark) string { return "older\n" + m.Canary }, 1},
		{"the system's", LookLogs, "var/log/syslog", func(session.Mark) string { return "older\n" }, func(m session.Mark) string { return "older\nnewer\n" }, 0},
		{"the system's, with a token", LookLogs, "var/log/syslog", func(session.Mark) string { return "older\n" }, func(m session.Mark) string { return "older\n" + m.Token }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			w := m.wiper(nil)
			path := filepath.Join(m.system, c.path)
			if c.before != nil {
				m.write(path, c.before(session.Mark{}))
			}
			mark := m.begin(w)
			m.write(path, c.after(mark))
			if l := find(t, w.Wipe(t.Context(), mark), c.look); l.Found != c.found || l.Failed || l.Looked != 1 {
				t.Errorf("%+v", l)
			}
			if b, err := os.ReadFile(path); c.found == 0 {
				return
			} else if err != nil || strings.Contains(string(b), mark.Token) || strings.Contains(string(b), mark.Canary) {
				t.Errorf("the log still holds it (%v)", err)
			}
		})
	}
	t.Run("a person's", func(t *testing.T) {
		m := newMachine(t)
		w := m.wiper(nil)
		mark := m.begin(w)
		m.write(filepath.Join(m.home, ".xsession-errors"), "x "+mark.Canary)
		looks := w.Wipe(t.Context(), mark)
		if find(t, looks, LookLogs).Found == 0 && find(t, looks, LookFiles).Found == 0 {
			t.Errorf("%+v", looks)
		}
	})
	t.Run("read from where it was", func(t *testing.T) {
		m := newMachine(t)
		w := m.wiper(nil)
		path := filepath.Join(m.system, "var/log/syslog")
		m.write(path, "older\n")
		mark := m.begin(w)
		b := &before{Logs: map[string]int64{}}
		_, st, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		b.Logs[logKey(st)] = 6 + 32
		m.write(path, "older\n"+mark.Token+"\n")
		h := w.hunt(t.Context(), mark)
		h.before = b
		if found, looked, err := w.appended(t.Context(), h, path, h.needle); found || !looked || err != nil {
			t.Errorf("what was there before was searched: %v %v %v", found, looked, err)
		}
	})
}
