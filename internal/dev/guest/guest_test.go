package guest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func guest(t *testing.T) Guest {
	t.Helper()
	g, err := Find()
	if err != nil {
		t.Skip(err)
	}
	return g
}

// place is a folder that the guest can reach, unlike the test's own.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-guest.")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCommandIsNotRoot(t *testing.T) {
	g := guest(t)
	out, err := g.Command(t.Context(), []string{"A=b"}, "/bin/sh", "-c", "id -u; id -G; env").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	if lines[0] == "0" || strings.Contains(string(out), "HOME=") || !strings.Contains(string(out), "A=b") {
		t.Errorf("it ran with:\n%s", out)
	}
	if g.Other() && strings.Contains(lines[1], " ") {
		t.Errorf("it kept groups: %s", lines[1])
	}
}

func TestCommandStops(t *testing.T) {
	g := guest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := g.Command(ctx, nil, "/bin/sh", "-c", "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, err := out.Read(buf)
	if err != nil || string(buf[:n]) != "up\n" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	cancel()
	n, err = out.Read(buf)
	if err != nil || string(buf[:n]) != "asked\n" {
		t.Errorf("it was not asked: %q, %v", buf[:n], err)
	}
	_ = cmd.Wait() // the context's error
}

func TestMkdirAllRefusesATrap(t *testing.T) {
	g := guest(t)
	dir := place(t)
	own := filepath.Join(dir, "own")
	for range 2 {
		if err := g.MkdirAll(own); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(own); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	if err := g.MkdirAll(link); err == nil {
		t.Error("it took a link for a folder")
	}
	if g.Other() {
		roots := filepath.Join(dir, "roots")
		if err := os.Mkdir(roots, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := g.MkdirAll(roots); err == nil {
			t.Error("it took somebody else's folder")
		}
	}
}

func TestCopyIsReadableByTheGuest(t *testing.T) {
	g := guest(t)
	from := t.TempDir()
	for name, text := range map[string]string{"a/run": "#!/bin/sh\ncat b\n", "a/b": "text", "bin/c": "x"} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(from, "a/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(place(t), "copy")
	if !g.Reaches(to) {
		t.Fatalf("%s cannot be reached", to)
	}
	for range 2 {
		if err := g.Copy(to, from, func(path string) bool { return path == "bin" }); err != nil {
			t.Fatal(err)
		}
	}
	cmd := g.Command(t.Context(), nil, filepath.Join(to, "a/run"))
	cmd.Dir = filepath.Join(to, "a")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "text" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(to, "bin")); err == nil {
		t.Error("what was to be skipped was copied")
	}
	if g.Other() && g.Reaches(filepath.Join(from, "a")) {
		t.Errorf("%s is said to be reachable", from)
	}
}

func TestGoneKillsWhatIsLeft(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	cmd := exec.Command("/bin/sleep", "100")
	cmd.Env = []string{"MARK=" + mark}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	if left := Gone(t.Context(), mark, 200*time.Millisecond); left[cmd.Process.Pid] != "/bin/sleep 100" || len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if left := Gone(t.Context(), mark, 5*time.Second); left != nil {
		t.Errorf("still left: %v", left)
	}
}
