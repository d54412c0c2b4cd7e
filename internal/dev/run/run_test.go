package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/dev/guest"
)

// TestMain makes this test binary the program itself when it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv("YHTEISKONE_BE_RUN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestParentGone(t *testing.T) {
	// a shell that dies while its child, this program, watches it
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("/bin/sh", "-c", os.Args[0]+` -test.run '^TestParentGoneChild$' -test.v >`+out+` & sleep 0.5; kill -9 $$`)
	cmd.Env = append(os.Environ(), "YHTEISKONE_CHILD=1")
	_ = cmd.Run() // killed
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		if text, _ := os.ReadFile(out); bytes.Contains(text, []byte("--- PASS")) {
			return
		}
		<-tick.C
	}
	text, _ := os.ReadFile(out)
	t.Errorf("the child says %q", text)
}

func TestParentGoneChild(t *testing.T) {
	if os.Getenv("YHTEISKONE_CHILD") == "" {
		t.Skip("started by TestParentGone")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if err := parentGone(ctx); err != nil {
		t.Error(err)
	}
}

// runner is one `make run`: a shell in make's place, and the program below it.
type runner struct {
	shell *exec.Cmd
	pid   int // of the program
	out   *bytes.Buffer
	data  string
}

func startRun(t *testing.T, root string) *runner {
	t.Helper()
	r := &runner{out: &bytes.Buffer{}}
	r.shell = exec.Command("/bin/sh", "-c", `"$0" & echo pid $!; wait $!`, os.Args[0])
	r.shell.Dir = root
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DISPLAY=") {
			r.shell.Env = append(r.shell.Env, kv)
		}
	}
	r.shell.Env = append(r.shell.Env, "YHTEISKONE_BE_RUN=1")
	r.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := r.shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.shell.Stderr = r.shell.Stdout
	if err := r.shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-r.shell.Process.Pid, syscall.SIGKILL) })
	lines := bufio.NewScanner(io.TeeReader(pipe, r.out))
	for lines.Scan() {
		if pid, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			if r.pid, err = strconv.Atoi(pid); err != nil {
				t.Fatal(err)
			}
		}
		if _, data, ok := strings.Cut(lines.Text(), "its logs are in "); ok {
			r.data = strings.TrimSuffix(strings.Fields(data)[0], ".")
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C stops") {
			go io.Copy(io.Discard, pipe)
			return r
		}
	}
	t.Fatalf("it did not start:\n%s", r.out)
	return nil
}

// mark is in the environment of all that this run started.
func (r *runner) mark(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.data, "mark"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func member(t *testing.T, r *runner) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.data, "kiosk/member.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBrowserRun starts all of it, ends it in each way, and starts it again:
// the same kiosk comes back, and nothing is ever left running.
func TestBrowserRun(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "bin/kiosk")); err != nil {
		t.Skip("the programs are not built: run make test")
	}
	if os.Getenv("XDG_RUNTIME_DIR") == "" {
		t.Skip("there is no XDG_RUNTIME_DIR: run make test")
	}
	if os.Getuid() == 0 {
		t.Skip("a browser does not run as root: run make test")
	}
	if _, err := os.Stat(filepath.Join(root, "run")); err == nil {
		t.Skip("there is a run folder of somebody's in this tree, which stays untouched")
	}
	t.Cleanup(func() { os.RemoveAll(filepath.Join(root, "run")) })
	var first string
	for _, c := range []struct {
		name string
		end  func(r *runner) error
	}{
		{"Ctrl-C", func(r *runner) error { return syscall.Kill(r.pid, syscall.SIGINT) }},
		{"kill -9 of make", func(r *runner) error { return syscall.Kill(r.shell.Process.Pid, syscall.SIGKILL) }},
		{"kill -9 of the program", func(r *runner) error { return syscall.Kill(r.pid, syscall.SIGKILL) }},
		{"SIGTERM", func(r *runner) error { return syscall.Kill(r.pid, syscall.SIGTERM) }},
	} {
		r := startRun(t, root)
		said := r.out.String()
		for _, want := range []string{`https://127\.0\.0\.1:\d+/`, `sign in +satu\d*, one-time code [0-9A-Z-]{14}`, `import -window root`, `xdotool`} {
			if !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("%s: it does not say %s:\n%s", c.name, want, said)
			}
		}
		if strings.Contains(said, "not ready for clients") {
			t.Errorf("%s: %s", c.name, said)
		}
		if first == "" {
			first = member(t, r)
		} else if again := member(t, r); again != first {
			t.Errorf("%s: another kiosk came back:\n%s%s", c.name, first, again)
		}
		mark := r.mark(t)
		if n := len(guest.Left(mark)); n < 4 {
			t.Errorf("%s: only %d programs carry the mark", c.name, n)
		}
		if err := c.end(r); err != nil {
			t.Fatal(err)
		}
		for pid, line := range guest.Gone(context.Background(), mark, 30*time.Second) {
			t.Errorf("%s left %d %s", c.name, pid, line)
		}
		// browsers have an environment of their own, but stand in our folders
		for _, folder := range []string{r.data, os.Getenv("XDG_RUNTIME_DIR") + "/yhteiskone-run-"} {
			for pid, line := range guest.Gone(context.Background(), folder, 5*time.Second) {
				t.Errorf("%s left %d %s", c.name, pid, line)
			}
		}
		_ = r.shell.Wait() // ended by a signal, in three of four
	}
}
