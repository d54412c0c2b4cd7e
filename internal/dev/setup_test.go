package dev

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// machine is a tree with our set-up and a PATH on which the commands that it
// asks are short scripts. What they were asked is in calls.
type machine struct {
	root, bin string
}

func newMachine(t *testing.T, packages string) machine {
	t.Helper()
	m := machine{t.TempDir(), t.TempDir()}
	setup, err := os.ReadFile("setup")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"internal/dev/setup": string(setup),
		"images/packages.list": packages, "go.mod": "module m\n\ngo 1.26.0\n"} {
		path := filepath.Join(m.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range map[string]string{
		"go":         `exit 0`,
		"id":         `echo 1000`,
		"sudo":       `[ "$1" = -n ] && exit 0; exec "$@"`,
		"sleep":      `exit 0`,
		"dpkg-query": `echo present installed; echo removed config-files; exit 1`,
		"apt-get":    `exit 0`,
		"useradd":    `exit 0`,
	} {
		m.command(t, name, script)
	}
	return m
}

// command replaces one command of the machine.
func (m machine) command(t *testing.T, name, script string) {
	t.Helper()
	text := "#!/bin/sh\necho " + name + ` "$@" >>` + m.bin + "/calls\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(m.bin, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (m machine) setup(t *testing.T, sections ...string) (out, calls string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(m.root, "internal/dev/setup"), sections...)
	cmd.Env = []string{"PATH=" + m.bin + ":/usr/bin:/bin"}
	text, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	said, err := os.ReadFile(m.bin + "/calls")
	if err != nil {
		t.Fatal(err)
	}
	return string(text), string(said), cmd.ProcessState.ExitCode()
}

const list = "# all\n[kiosk]\npresent\nremoved # was once\nabsent\n[build]\npresent\n[test]\nother\nabsent\n[image]\nkernel\n[image-build]\ntool\n[boot-test]\nmachine\n"

func TestSetupInstallsWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		sections  []string
		installed string // the end of apt-get's arguments
	}{
		{nil, " removed absent other"},
		{[]string{"kiosk"}, " removed absent"},
		{[]string{"test", "build"}, " other absent"},
		{[]string{"image-build"}, " tool"},
	} {
		m := newMachine(t, list)
		out, calls, code := m.setup(t, c.sections...)
		want := "install --no-install-recommends" + c.installed + "\n"
		if code != 0 || !strings.Contains(calls, want) {
			t.Errorf("%v: exit %d, want apt-get with %q, called:\n%s%s", c.sections, code, want, calls, out)
		}
	}
}

func TestSetupIsSilentWhenNothingIsMissing(t *testing.T) {
	m := newMachine(t, list)
	begin := time.Now()
	out, calls, code := m.setup(t, "build")
	if code != 0 || out != "" || strings.Contains(calls, "apt-get") || strings.Contains(calls, "sudo") {
		t.Errorf("exit %d, said %q, called:\n%s", code, out, calls)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestSetupTriesAgain(t *testing.T) {
	m := newMachine(t, list)
	m.command(t, "apt-get", `case "$*" in *install*) [ -e "$0.failed" ] || { : >"$0.failed"; echo "mirror: connection reset" >&2; exit 100; };; esac`)
	m.command(t, "go", `case "$*" in "mod download") [ "$GOPROXY" = off ] && exit 1; [ -e "$0.failed" ] || { : >"$0.failed"; exit 1; };; esac`)
	out, _, code := m.setup(t)
	if code != 0 || strings.Count(out, "trying again") != 2 {
		t.Errorf("exit %d, said:\n%s", code, out)
	}
}

// Whatever it cannot do, it says in one sentence with one thing to do.
func TestSetupSaysWhatItCannotDo(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(m machine)
		args  []string
		says  string
	}{
		"old Go":                {func(m machine) { m.command(t, "go", `[ "$1" = env ] && echo go1.19.8 && exit 0; exit 1`) }, nil, "Go 1.26.0 or newer is needed, and this is go1.19.8. Install"},
		"no sudo password":      {func(m machine) { m.command(t, "sudo", `exit 1`) }, nil, "sudo needs a password. Run as root: apt-get install"},
		"a mirror that is away": {func(m machine) { m.command(t, "apt-get", `echo unreachable; exit 100`) }, nil, "apt could not install"},
		"no modules":            {func(m machine) { m.command(t, "go", `[ "$1" = mod ] && exit 1; exit 0`) }, nil, "Go modules could not be downloaded"},
		"an unknown section":    {func(machine) {}, []string{"kitchen"}, "no section of that name: kitchen"},
	} {
		m := newMachine(t, list)
		c.spoil(m)
		out, _, code := m.setup(t, c.args...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if last := lines[len(lines)-1]; code != 1 || !strings.Contains(last, c.says) {
			t.Errorf("%s: exit %d, the last line is %q", name, code, last)
		}
	}
}

func TestSetupMakesTheUser(t *testing.T) {
	m := newMachine(t, list)
	m.command(t, "id", `[ "$1" = -u ] && echo 0 && exit 0; exit 1`)
	_, calls, code := m.setup(t, "build")
	if code != 0 || !strings.Contains(calls, "useradd --system") || !strings.Contains(calls, " yhteiskone\n") {
		t.Errorf("exit %d, called:\n%s", code, calls)
	}
}
