package wipe

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

func TestMounts(t *testing.T) {
	m := newMachine(t)
	for _, c := range []struct {
		name, line    string
		found, shared uint32
	}{
		{"the sandbox's", "90 22 0:50 / /newroot/home rw - tmpfs tmpfs rw", 1, 1},
		{"the session's home", "90 22 0:50 / /home/client/profile rw - tmpfs tmpfs rw", 1, 1},
		{"bound from the session", "90 22 0:50 /home/client/x /mnt rw - tmpfs tmpfs rw", 1, 1},
		{"new, where the client writes", "90 22 0:50 / " + m.tmp + "/a\\040b rw - fuse x rw", 1, 0},
		{"new, elsewhere", "90 22 0:50 / /proc/nowhere rw - ext4 x rw", 0, 0},
		{"new and open to us, a stick for example", "90 22 0:50 / " + filepath.Dir(m.tmp) + " rw - vfat x rw", 1, 0},
		{"new, open to us, not to be written", "90 22 0:50 / " + filepath.Dir(m.tmp) + " ro,relatime - iso9660 x ro", 0, 0},
		{"a name that only begins alike", "90 22 0:50 / /home/clients rw - ext4 x rw", 0, 0},
	} {
		for shared, want := range map[bool]uint32{false: c.found, true: c.shared} {
			w := m.wiper(func(x *Config) { x.SharedUser = shared })
			m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo)
			mark := m.begin(w)
			m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo+c.line+"\n")
			got := find(t, w.Wipe(t.Context(), mark), LookMounts)
			if got.Found != want || got.Looked != 3 || got.Failed {
				t.Errorf("%s, shared %v: %+v, want %d found", c.name, shared, got, want)
			}
		}
	}
	w := m.wiper(nil)
	m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo+"90 22 0:50 / "+m.tmp+"/before rw - tmpfs x rw\n")
	mark := m.begin(w)
	if got := find(t, w.Wipe(t.Context(), mark), LookMounts); got.Found != 0 || got.Failed {
		t.Errorf("a mount of before: %+v", got)
	}
	for _, bad := range []string{"", "nonsense\n"} {
		m.write(filepath.Join(m.proc, "self/mountinfo"), bad)
		if got := find(t, w.Wipe(t.Context(), mark), LookMounts); !got.Failed {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestClipboard(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	if got := find(t, w.Wipe(t.Context(), mark), LookClipboard); got.Found != 0 || got.Failed || got.Looked == 0 || m.cleared != 1 {
		t.Errorf("%+v, cleared %d times", got, m.cleared)
	}
	m.selections = 2
	if got := find(t, w.Wipe(t.Context(), mark), LookClipboard); got.Found != 2 {
		t.Errorf("somebody holds them again: %+v", got)
	}
	m.selections, m.clipboardErr = 0, errors.New("the display is gone")
	if got := find(t, w.Wipe(t.Context(), mark), LookClipboard); !got.Failed {
		t.Errorf("no display: %+v", got)
	}
}

func TestSharedMemoryFiles(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	m.write(filepath.Join(m.shm, "x"), "y")
	if got := find(t, w.Wipe(t.Context(), mark), LookSharedMemory); got.Found != 1 || got.Failed {
		t.Errorf("%+v", got)
	}
	w = m.wiper(func(c *Config) { c.SharedUser = true })
	if got := find(t, w.Wipe(t.Context(), mark), LookSharedMemory); got.Found != 0 || got.Failed {
		t.Errorf("shared: %+v", got)
	}
}

// With the kernel's own list: a segment that holds the canary.
func TestSharedMemorySegments(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w)
	w.c.Proc = "/proc"
	make1 := func(text string) int {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
		if err != nil {
			t.Skip("no System V shared memory here")
		}
		b, err := unix.SysvShmAttach(id, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		copy(b, text)
		if err := unix.SysvShmDetach(b); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
		return id
	}
	secret, other := make1("x"+mark.Canary), make1("a person's")
	got, err := w.segmentsLook(w.hunt(t.Context(), mark))
	if err != nil || got.found != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	there := func(id int) bool {
		_, err := unix.SysvShmCtl(id, unix.IPC_STAT, new(unix.SysvShmDesc))
		return err == nil
	}
	if there(secret) || !there(other) {
		t.Errorf("the secret one is there: %v, the other: %v", there(secret), there(other))
	}
}

func TestSegments(t *testing.T) {
	const heading = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n"
	all, err := parseSegments(heading + "         0          7  1600               4096   123   124      2  1001  1001  1001  1001 1 2 1700000000 4096 0\n")
	if err != nil || len(all) != 1 || all[0].id != 7 || all[0].creator != 123 || all[0].uid != 1001 || all[0].changed.Unix() != 1700000000 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := parseSegments(heading + "0 7 1600\n"); err == nil {
		t.Error("half a line was read")
	}
}

func TestProofOfACleanMachine(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	looks := w.Wipe(t.Context(), mark)
	if !(fleet.WipeProof{Looks: looks}).Clean() {
		t.Errorf("%+v", looks)
	}
	if n := len(looks); n > 32 {
		t.Errorf("%d looks are more than a proof may hold", n)
	}
	if names := names(looks); names != everyLook {
		t.Errorf("the looks are %s", names)
	}
	w = m.wiper(func(c *Config) { c.AllowSwap, c.AllowMemory = true, true })
	if names := names(w.Wipe(t.Context(), mark)); !strings.Contains(names, " memory_allowed swap_allowed ") || strings.Contains(names, " swap ") {
		t.Errorf("where swap and memory are allowed the looks are %s", names)
	}
	for _, l := range w.Wipe(t.Context(), session.Mark{}) {
		if !l.Failed {
			t.Errorf("a wipe without a mark: %+v", l)
		}
	}
}

const everyLook = "processes files places mounts clipboard shared_memory semaphores message_queues sockets kernel_keys memory swap " +
	"crash_dumps caches certificates recent_files journal logs print_jobs print_files print_logs"

func names(looks []fleet.Look) string {
	var all []string
	for _, l := range looks {
		all = append(all, l.At)
	}
	return strings.Join(all, " ")
}

func TestNewRefusesHalfAConfiguration(t *testing.T) {
	good := Config{StateDir: t.TempDir(), Places: []Place{{Path: "/tmp"}},
		Selections: func() (int, error) { return 0, nil }, ClearSelections: func() error { return nil }}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no state folder":      func(c *Config) { c.StateDir = "" },
		"a state folder gone":  func(c *Config) { c.StateDir = "/does/not/exist" },
		"no places":            func(c *Config) { c.Places = nil },
		"no look at clipboard": func(c *Config) { c.Selections = nil },
		"no clearing of it":    func(c *Config) { c.ClearSelections = nil },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What knows the session's left-overs must not be able to send them.
func TestNoNetworkImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip("the go command is not here")
	}
	for _, p := range strings.Fields(string(out)) {
		if p == "net" || strings.HasPrefix(p, "net/") || p == "crypto/tls" || strings.Contains(p, "websocket") || strings.Contains(p, "/internal/link") {
			t.Errorf("the wipe imports %s", p)
		}
	}
}
