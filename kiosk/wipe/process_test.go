package wipe

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestProcesses(t *testing.T) {
	const other = "ffffffffffffffffffffffffffffffff"
	me, somebody := os.Getuid(), os.Getuid()+1
	for _, c := range []struct {
		name   string
		add    func(m *machine, token string)
		own    []int // killed on a machine of our own
		shared []int // killed on a shared one
	}{
		{"none", func(m *machine, token string) { m.process(10, 1, me, 1, "", 9) }, nil, nil},
		{"our token", func(m *machine, token string) { m.process(10, 1, me, 1, token, 9) }, []int{10}, []int{10}},
		{"another session's token", func(m *machine, token string) { m.process(10, 1, me, 1, other, 9) }, []int{10}, nil},
		{"in a namespace of its own", func(m *machine, token string) { m.process(10, 1, me, 2, "", 9) }, []int{10}, nil},
		{"the shell's", func(m *machine, token string) {
			m.process(20, 1, me, 1, "", 9)
			m.process(21, 20, me, 2, "", 9)
			m.process(22, 21, me, 3, "", 9)
		}, nil, nil},
		{"below the shell, with our token", func(m *machine, token string) {
			m.process(20, 1, me, 1, "", 9)
			m.process(21, 20, me, 2, token, 9)
		}, []int{21}, []int{21}},
		{"somebody else's", func(m *machine, token string) { m.process(10, 1, somebody, 2, token, 9) }, nil, nil},
		{"a zombie", func(m *machine, token string) {
			m.process(10, 1, me, 2, token, 9)
			b, _ := os.ReadFile(filepath.Join(m.proc, "10/status"))
			m.write(filepath.Join(m.proc, "10/status"), strings.Replace(string(b), "S (sleeping)", "Z (zombie)", 1))
		}, nil, nil},
		{"one that ends meanwhile", func(m *machine, token string) {
			m.process(10, 1, me, 1, "", 9)
			_ = os.RemoveAll(filepath.Join(m.proc, "10/environ"))
		}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for shared, want := range map[bool][]int{false: c.own, true: c.shared} {
				m := newMachine(t)
				w := m.wiper(func(x *Config) {
					x.SharedUser = shared
					x.Ours = func(pid int) bool { return pid == 20 }
				})
				mark := m.begin(w)
				c.add(m, mark.Token)
				got := find(t, w.Wipe(t.Context(), mark), LookProcesses)
				killed := slices.Sorted(maps.Keys(m.killed))
				if got.Failed || got.Found != uint32(len(want)) || !slices.Equal(killed, want) {
					t.Errorf("shared %v: %+v, killed %v, want %v", shared, got, killed, want)
				}
				for pid, began := range m.killed {
					if began != 9 {
						t.Errorf("process %d was killed as the one that began at %d", pid, began)
					}
				}
			}
		})
	}
}

// A process that hides its environment is only trusted if it is older than
// the session.
// A shell that was just killed has lost its first process, by which it is
// known, a little before its others.
func TestProcessesThatAreDying(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	m.process(21, 1, os.Getuid(), 2, "", 9)
	ended := make(chan struct{})
	time.AfterFunc(dyingTime/6, func() {
		os.RemoveAll(filepath.Join(m.proc, "21"))
		close(ended)
	})
	if got := find(t, w.Wipe(t.Context(), mark), LookProcesses); got.Failed || got.Found != 0 || len(m.killed) != 0 {
		t.Errorf("%+v, killed %v", got, m.killed)
	}
	<-ended
}

func TestGuestProcessesHidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is hidden from root")
	}
	for _, c := range []struct {
		name           string
		began          uint64 // in ticks; the session begins at second 5000
		shared, failed bool
	}{{"older", 499700, false, false}, {"newer", 500100, false, true}, {"newer, shared", 500100, true, false}} {
		m := newMachine(t)
		w := m.wiper(func(x *Config) { x.SharedUser = c.shared })
		mark := m.begin(w)
		m.process(10, 1, os.Getuid(), 1, "", c.began)
		if err := os.Chmod(filepath.Join(m.proc, "10/environ"), 0); err != nil {
			t.Fatal(err)
		}
		got := find(t, w.Wipe(t.Context(), mark), LookProcesses)
		if got.Failed != c.failed || got.Found != 0 {
			t.Errorf("%s: %+v", c.name, got)
		}
		// No process outlives a start of the machine: the X server hides, too.
		m.write(filepath.Join(m.proc, "sys/kernel/random/boot_id"), "boot-2\n")
		if got := find(t, w.Wipe(t.Context(), mark), LookProcesses); got.Failed || got.Found != 0 {
			t.Errorf("%s, after another start: %+v", c.name, got)
		}
	}
}

func TestProcessesCannotBeListed(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	m.write(filepath.Join(m.proc, "10/status"), "Name:\tx\n")
	if got := find(t, w.Wipe(t.Context(), mark), LookProcesses); !got.Failed {
		t.Errorf("%+v", got)
	}
}

// Without a place on the clock the looks must fail, not pass.
func TestNoClockFails(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	m.write(filepath.Join(m.proc, "uptime"), "soon\n")
	for _, l := range w.Wipe(t.Context(), mark) {
		if !l.Failed {
			t.Errorf("%+v", l)
		}
	}
}

// What lies in memory after another start was made since; what lies on a disk
// may be the session's, and so may whatever carries its token.
func TestFilesAfterAnotherStart(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "yhteiskone-test.")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(shm) })
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.Places = append(c.Places, Place{Path: shm}) })
	mark := m.begin(w)
	inTmp := 1 // where this machine's folders for tests are on a disk
	var system unix.Statfs_t
	if err := unix.Statfs(m.tmp, &system); err != nil {
		t.Fatal(err)
	}
	if inMemory(system) {
		inTmp = 0
	}
	fill := func() {
		m.write(filepath.Join(m.tmp, "lock"), "x")
		m.write(filepath.Join(shm, "lock"), "x")
		m.write(filepath.Join(shm, "carries"), "x"+mark.Token)
	}
	fill()
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Failed || got.Found != 3 {
		t.Errorf("the same start: %+v", got)
	}
	fill()
	m.write(filepath.Join(m.proc, "sys/kernel/random/boot_id"), "boot-2\n")
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Failed || int(got.Found) != 1+inTmp {
		t.Errorf("another start: %+v, want %d", got, 1+inTmp)
	}
}

// After another boot every process is newer than the session, and its time on
// the old boot's clock means nothing.
func TestHuntAfterReboot(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	if h := w.hunt(t.Context(), mark); h.up != 5000*time.Second-leeway || h.err != nil {
		t.Errorf("the same boot: %v, %v", h.up, h.err)
	}
	m.write(filepath.Join(m.proc, "sys/kernel/random/boot_id"), "boot-2\n")
	m.write(filepath.Join(m.proc, "uptime"), "10.00 9.00\n")
	if h := w.hunt(t.Context(), mark); h.up >= 0 || !h.since.Equal(mark.Started.Add(-leeway)) || h.err != nil {
		t.Errorf("another boot: %v, %v, %v", h.up, h.since, h.err)
	}
}
