package spawn_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/spawn"
	"yhteiskone/kiosk/spawn/spawntest"
)

// holder makes the tests' program one that becomes the holder of a line.
const holder = "YHTEISKONE_TEST_HOLDER"

func TestMain(m *testing.M) {
	spawn.Act(os.Args)
	if socket := os.Getenv(holder); socket != "" {
		err := spawn.Become(context.Background(), socket, sh("echo started >&2; exec sleep 600"), os.Stderr)
		io.WriteString(os.Stderr, err.Error())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func sh(line string) spawn.Order {
	return spawn.Order{Path: "/bin/sh", Args: []string{"sh", "-c", line}, Env: []string{"PATH=/usr/bin:/bin"}}
}

// unit opens a socket and returns it with what tells of each process's end.
func unit(t *testing.T) (socket string, ended <-chan struct{}) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "unit")
	c := make(chan struct{}, 8)
	spawntest.Listen(t, socket, nil, func() { c <- struct{}{} })
	return socket, c
}

func within(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not come within 10 s", what)
	}
}

func TestRun(t *testing.T) {
	socket, ended := unit(t)
	for line, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": -1, "kill -9 $PPID; sleep 60": -1} {
		code, err := spawn.Run(t.Context(), socket, sh(line))
		if err != nil || code != want {
			t.Errorf("%q: %d, %v; want %d", line, code, err, want)
		}
		within(t, "the end of the unit's process", ended)
	}
}

func TestWhatItStartsWith(t *testing.T) {
	socket, ended := unit(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	extra, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	o := sh(`echo "$0" "$PWD" "$(env | grep -c ^MARK=yes)" "$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/3 | tr '\n' ' ')" >&2; read x; echo "got$x" >&2; exec ls /proc/self/fd >&2`)
	o.Args[0], o.Env = "name", append(o.Env, "MARK=yes")
	p, err := spawn.Start(t.Context(), socket, o, w, extra)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if p.UID != os.Getuid() || p.PID <= 1 {
		t.Errorf("it runs as %d with the number %d", p.UID, p.PID)
	}
	said, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	// The last handle is the one that ls looks with.
	if want := "name / 1 /dev/null /dev/null /dev/null \ngot\n0\n1\n2\n3\n4\n"; string(said) != want {
		t.Errorf("it said %q, want %q", said, want)
	}
	within(t, "its end", p.Exited())
	within(t, "the end of the unit's process", ended)
}

func TestKill(t *testing.T) {
	socket, ended := unit(t)
	for name, end := range map[string]func(*spawn.Program){
		"killed":            (*spawn.Program).Kill,
		"killed twice":      func(p *spawn.Program) { p.Kill(); p.Kill() },
		"ends by itself":    func(p *spawn.Program) { unix.Kill(p.PID, unix.SIGKILL) },
		"its unit is ended": func(p *spawn.Program) { unix.Kill(parent(p.PID), unix.SIGKILL) },
	} {
		p, err := spawn.Start(t.Context(), socket, sh("sleep 600 & exec sleep 600"))
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(p.PID, 0)
		if err != nil {
			t.Fatal(err)
		}
		end(p)
		within(t, name+": the end", p.Exited())
		within(t, name+": the end of the unit's process", ended)
		gone(t, name, fd)
		p.Kill() // says nothing any more
	}
}

// parent is the number of a process's parent, 0 if the process is gone.
func parent(pid int) int {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, after, _ := strings.Cut(string(b), "\nPPid:\t")
	line, _, _ := strings.Cut(after, "\n")
	n, _ := strconv.Atoi(line)
	return n
}

// gone waits for the end of the process behind the handle.
func gone(t *testing.T, what string, fd int) {
	t.Helper()
	defer unix.Close(fd)
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000); n != 1 {
		t.Fatalf("%s: the program still runs (%v)", what, err)
	}
}

func TestNoProgram(t *testing.T) {
	socket, ended := unit(t)
	for name, o := range map[string]spawn.Order{
		"not there":   {Path: "/no/such/program", Args: []string{"x"}},
		"no path":     {Path: "sh", Args: []string{"x"}},
		"no name":     {Path: "/bin/sh"},
		"a directory": {Path: "/tmp", Args: []string{"x"}},
	} {
		if _, err := spawn.Start(t.Context(), socket, o); err == nil {
			t.Errorf("%s was started", name)
		}
		within(t, "the end of the unit's process", ended)
	}
	if _, err := spawn.Start(t.Context(), socket, spawn.Order{Path: "/no/such", Args: []string{"x"}}); !errors.Is(err, spawn.ErrStart) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
	long := sh(strings.Repeat("x", spawn.MaxOrder))
	if _, err := spawn.Start(t.Context(), socket, long); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("an order that is too long: %v", err)
	}
	if _, err := spawn.Start(t.Context(), socket+"-none", sh("exit 0")); err == nil {
		t.Error("started without a unit")
	}
}

// A unit that does not answer keeps nobody longer than they will wait.
func TestPatience(t *testing.T) {
	socket, ended := unit(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if code, err := spawn.Run(ctx, socket, sh("exec sleep 600")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%d, %v", code, err)
	}
	within(t, "the end of the unit's process", ended)
}

// Whoever has become the holder of a line ends with the program, and the
// program with it.
func TestBecome(t *testing.T) {
	socket, ended := unit(t)
	for _, name := range []string{"the holder is killed", "the program ends"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		me, err := os.StartProcess(os.Args[0], []string{"holder"}, &os.ProcAttr{
			Env: []string{holder + "=" + socket, "PATH=/usr/bin:/bin"}, Files: []*os.File{nil, nil, w}})
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64)
		if n, err := r.Read(b); err != nil || string(b[:n]) != "started\n" {
			t.Fatalf("the program said %q, %v", b[:n], err)
		}
		r.Close()
		if name == "the holder is killed" {
			me.Kill()
		} else {
			end(t, socket)
		}
		if _, err := me.Wait(); err != nil {
			t.Fatal(err)
		}
		within(t, name+": the end of the unit's process", ended)
	}
}

// end kills the one process that was started behind the socket.
func end(t *testing.T, socket string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		b, err := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil || string(b) != "sleep\x00600\x00" {
			continue
		}
		if up, err := os.ReadFile("/proc/" + strconv.Itoa(parent(pid)) + "/cmdline"); err == nil && string(up) == spawn.Name+"\x00" {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
