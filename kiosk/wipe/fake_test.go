package wipe

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// machine is a small machine in a folder: /proc, /tmp, /dev/shm, a home, the
// kiosk's own folders.
type machine struct {
	t                         testing.TB
	proc, tmp, shm, home, own string
	state, system             string
	selections                int
	cleared                   int
	clipboardErr              error
	killed                    map[int]uint64
	mountinfo                 string
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	root := t.TempDir()
	m := &machine{t: t, killed: map[int]uint64{},
		mountinfo: "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n23 22 0:21 / /proc rw - proc proc rw\n"}
	for name, to := range map[string]*string{"proc": &m.proc, "tmp": &m.tmp, "shm": &m.shm, "home": &m.home, "own": &m.own, "state": &m.state, "system": &m.system} {
		*to = filepath.Join(root, name)
		if err := os.Mkdir(*to, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m.write(filepath.Join(m.proc, "uptime"), "5000.00 9000.00\n")
	m.write(filepath.Join(m.proc, "sys/kernel/random/boot_id"), "boot-1\n")
	m.write(filepath.Join(m.proc, "self/net/unix"), "Num RefCount Protocol Flags Type St Inode Path\n")
	m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo)
	m.write(filepath.Join(m.proc, "meminfo"), "MemTotal:        4000000 kB\nShmem:            100000 kB\n")
	m.write(filepath.Join(m.proc, "swaps"), "Filename\tType\tSize\tUsed\tPriority\n")
	m.write(filepath.Join(m.proc, "sys/kernel/core_pattern"), "core\n")
	m.process(1, 0, 0, 1, "", 0)
	return m
}

func (m *machine) write(path, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// process adds a process. depth is its pid namespaces, 1 for our own.
func (m *machine) process(pid, ppid, uid, depth int, token string, began uint64) {
	m.t.Helper()
	dir := filepath.Join(m.proc, fmt.Sprint(pid))
	pids := strings.Repeat(fmt.Sprintf("\t%d", pid), depth)
	m.write(filepath.Join(dir, "status"), fmt.Sprintf("Name:\tx\nState:\tS (sleeping)\nPPid:\t%d\nUid:\t%d\t%d\t%d\t%d\nNSpid:%s\n", ppid, uid, uid, uid, uid, pids))
	m.write(filepath.Join(dir, "stat"), fmt.Sprintf("%d (a ) b) S %d%s %d 0\n", pid, ppid, strings.Repeat(" 0", 17), began))
	env := "HOME=/x\x00"
	if token != "" {
		env += "YHTEISKONE_SESSION=" + token + "\x00"
	}
	m.write(filepath.Join(dir, "environ"), env)
}

func (m *machine) wiper(change func(*Config)) *Wiper {
	m.t.Helper()
	c := Config{
		StateDir: m.state, Proc: m.proc, System: m.system, Homes: []string{m.home},
		Places:          []Place{{Path: m.tmp}, {Path: m.home}, {Path: m.own, Own: true}, {Path: m.state, Own: true}},
		Allow:           []string{m.state},
		Selections:      func() (int, error) { return m.selections, m.clipboardErr },
		ClearSelections: func() error { m.cleared++; return nil },
	}
	if change != nil {
		change(&c)
	}
	w, err := New(c)
	if err != nil {
		m.t.Fatal(err)
	}
	w.shm, w.queues = m.shm, filepath.Join(m.system, "mqueue")
	w.cores = func() (uint64, error) { return 0, nil }
	w.kill = func(pid int, began uint64) error { m.killed[pid] = began; return nil }
	return w
}

// begin begins a session in the past, as far as the clock of the file system
// can tell: files made from now on are newer.
func (m *machine) begin(w *Wiper) session.Mark {
	m.t.Helper()
	mark, err := w.Begin()
	if err != nil {
		m.t.Fatal(err)
	}
	return mark
}

// later makes everything in the tree older than the session. Nobody can put a
// change time back, so the session is put forward.
func later(mark session.Mark) session.Mark {
	mark.Token = strings.Repeat("0", 31) + "1" // not the one on the disk
	mark.Started = time.Now().Add(time.Hour)
	return mark
}

func find(t testing.TB, looks []fleet.Look, at string) fleet.Look {
	t.Helper()
	for _, l := range looks {
		if l.At == at {
			return l
		}
	}
	t.Fatalf("there is no look at %s in %+v", at, looks)
	return fleet.Look{}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// userName is ours, as a print server sees it.
func userName(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}
