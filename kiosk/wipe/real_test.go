package wipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/fleet"
)

// The strict rules with real processes and the real /tmp, in a small machine
// of our own: other programs of our user must not suffer from it.
func TestWipeOnOurOwnMachine(t *testing.T) {
	const inside = "YHTEISKONE_TEST_INSIDE"
	if os.Getenv(inside) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev",
			"--mqueue", "/dev/mqueue", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp", "--tmpfs", "/dev/shm", "--ro-bind", self, "/tmp/wipe.test", "--setenv", inside, "1",
			"/tmp/wipe.test", "-test.v", "-test.run=^TestWipeOnOurOwnMachine$")
		c.Dir = "/"
		out, err := c.CombinedOutput()
		if err != nil && strings.Contains(string(out), "bwrap:") {
			t.Skipf("no sandbox here: %s", out)
		}
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		t.Log(string(out))
		return
	}
	if err := NoCores(); err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	w, err := New(Config{StateDir: state, Places: DefaultPlaces("", "", false, state), Allow: []string{state, "/tmp/wipe.test"},
		Selections: func() (int, error) { return 0, nil }, ClearSelections: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	mark, err := w.Begin()
	if err != nil {
		t.Fatal(err)
	}
	look := func(at string) fleet.Look {
		began := time.Now()
		looks := w.Wipe(t.Context(), mark)
		t.Logf("%v: %+v", time.Since(began), looks)
		return find(t, looks, at)
	}
	// The test's own folders were made a moment ago.
	own := look(LookFiles)
	if l := look(LookProcesses); l.Found != 0 || l.Failed {
		t.Errorf("before: %+v", l)
	}

	leave := func(env []string, args ...string) <-chan struct{} {
		c := exec.Command(args[0], args[1:]...)
		c.Env = env
		var said strings.Builder
		c.Stdout, c.Stderr = &said, &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			t.Logf("%s ended: %v %s", args[0], c.Wait(), said.String())
			close(done)
		}()
		return done
	}
	nested := []string{"bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "sleep", "60"}
	for _, c := range []struct {
		name, env string
		args      []string
	}{
		{"token", "YHTEISKONE_SESSION=" + mark.Token, []string{"sleep", "60"}},
		{"nested", "PATH=/usr/bin", nested},
	} {
		name, done := c.name, leave([]string{c.env}, c.args...)
		found := uint32(0)
		end := time.After(10 * time.Second)
	wait:
		for {
			found += look(LookProcesses).Found
			select {
			case <-done:
				break wait
			case <-end:
				t.Fatalf("%s: it was not ended", name)
			default:
			}
		}
		if found == 0 {
			t.Errorf("%s: it was ended but not found", name)
		}
	}
	for _, path := range []string{"/tmp/x", "/var/tmp/y", "/dev/shm/z"} {
		if err := os.WriteFile(path, []byte(mark.Canary), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	looks := w.Wipe(t.Context(), mark)
	if f, s := find(t, looks, LookFiles), find(t, looks, LookSharedMemory); f.Found != own.Found+2 || s.Found != 1 || f.Failed || s.Failed {
		t.Errorf("%+v, %+v, before %+v", f, s, own)
	}
	for _, path := range []string{"/tmp/x", "/var/tmp/y", "/dev/shm/z"} {
		if exists(path) {
			t.Errorf("%s is still there", path)
		}
	}
	plantInKernel(t, look)
}

// plantInKernel leaves what has no file where the wipe looks, and sees it found
// and gone.
func plantInKernel(t *testing.T, look func(at string) fleet.Look) {
	for _, c := range []struct {
		look  string
		plant func() error
	}{
		{LookSemaphores, func() error { return errno(unix.Syscall(unix.SYS_SEMGET, unix.IPC_PRIVATE, 3, unix.IPC_CREAT|0o600)) }},
		{LookQueues, func() error { return errno(unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)) }},
		{LookQueues, func() error {
			name := append([]byte("left"), 0)
			fd, _, e := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(&name[0])), unix.O_CREAT|unix.O_RDWR, 0o600, 0, 0, 0)
			if e == 0 {
				unix.Close(int(fd))
			}
			return errno(0, 0, e)
		}},
		{LookSharedMemory, func() error {
			return errno(unix.Syscall(unix.SYS_SHMGET, unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600))
		}},
		{LookKeys, func() error {
			_, err := unix.AddKey("user", "left", []byte("a secret"), unix.KEY_SPEC_USER_KEYRING)
			return err
		}},
	} {
		if l := look(c.look); l.Found != 0 || l.Failed {
			t.Errorf("%s before: %+v", c.look, l)
		}
		if err := c.plant(); err != nil {
			if c.look == LookKeys {
				t.Logf("no kernel keys here: %v", err)
				continue
			}
			t.Errorf("plant in %s: %v", c.look, err)
			continue
		}
		if l := look(c.look); l.Found != 1 || l.Failed {
			t.Errorf("%s with one planted: %+v", c.look, l)
		}
		if l := look(c.look); l.Found != 0 || l.Failed {
			t.Errorf("%s after the wipe: %+v", c.look, l)
		}
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(pattern)) == "core" { // a real one, where the kernel writes it beside the program
		if err := os.Mkdir("/tmp/crash", 0o700); err != nil {
			t.Fatal(err)
		}
		look(LookCrashDumps)
		before := look(LookCrashDumps)
		// NoCores holds for children too; so the memory is written by hand.
		c := exec.Command("sh", "-c", "ulimit -c; kill -ABRT $$")
		c.Dir = "/tmp/crash"
		out, err := c.CombinedOutput()
		if l := look(LookCrashDumps); strings.TrimSpace(string(out)) != "0" || err == nil || l.Found != before.Found || exists("/tmp/crash/core") {
			t.Errorf("a program that crashes under the kiosk: limit %s, %v, %+v", out, err, l)
		}
		if err := os.WriteFile("/tmp/crash/core", []byte("\x7fELF"), 0o600); err != nil {
			t.Fatal(err)
		}
		if l := look(LookCrashDumps); l.Found != before.Found+1 || exists("/tmp/crash/core") {
			t.Errorf("a core dump: %+v", l)
		}
	}
}

func errno(_, _ uintptr, e unix.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

// A wipe must be quick enough that nobody waits for it.
func TestWipeIsQuick(t *testing.T) {
	m := newMachine(t)
	for i := range 3000 {
		m.write(filepath.Join(m.tmp, string(rune('a'+i%20)), "f", string(rune('a'+i/20%26))+strings.Repeat("x", i/520)), strings.Repeat("z", 2000))
	}
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w) // the files are as new as the session: all are searched
	var took []time.Duration
	for range 9 {
		began := time.Now()
		if looks := w.Wipe(t.Context(), mark); !(fleet.WipeProof{Looks: looks}).Clean() {
			t.Fatalf("%+v", looks)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("3000 new files: p50 %v, max %v", took[4], took[8])
	if took[0] > 150*time.Millisecond {
		t.Errorf("the quickest of nine took %v, more than 150 ms", took[0])
	}
}
