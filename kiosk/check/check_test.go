package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// healthy is a machine on which everything is as it should be; a test spoils
// one thing of it. Programs are scripts in its folder.
type healthy struct {
	Config
	dir string
}

func newHealthy(t *testing.T) *healthy {
	t.Helper()
	dir := t.TempDir()
	h := &healthy{dir: dir}
	h.proc, h.uid = filepath.Join(dir, "proc"), 1000
	h.built = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	h.now = func() time.Time { return h.built.AddDate(1, 0, 0) }
	h.State = filepath.Join(dir, "state")
	h.Screen = func(context.Context) (int, int, error) { return 1366, 768, nil }
	h.look = func(name string) (string, error) {
		path := filepath.Join(dir, name)
		_, err := os.Stat(path)
		return path, err
	}
	h.chromium = []string{filepath.Join(dir, "chromium")}
	h.file(t, "chromium", "#!/bin/sh\necho Chromium 156.0.8078.79 built on Debian\n")
	h.file(t, "bwrap", "#!/bin/sh\nexit 0\n")
	h.file(t, "openbox", "#!/bin/sh\n")
	h.file(t, "fc-match", "#!/bin/sh\necho Noto Sans\n")
	h.file(t, "proc/meminfo", "MemTotal:        3900000 kB\nMemFree: 1 kB\n")
	h.file(t, "proc/swaps", "Filename\t\t\t\tType\t\tSize\n/dev/zram0 partition 100\n")
	h.file(t, "state/key.pem", "")
	return h
}

func (h *healthy) file(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestHealthyMachine(t *testing.T) {
	h := newHealthy(t)
	for _, f := range Check(t.Context(), h.Config) {
		if f.Level != OK || f.Todo != "" {
			t.Errorf("%+v", f)
		}
	}
	if left, err := os.ReadDir(h.State); err != nil || len(left) != 1 {
		t.Errorf("the state folder holds %v, %v", left, err)
	}
}

// One thing is spoiled at a time: exactly that is found, with what to do.
func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, h *healthy)
		level Level
		code  string
		says  string
		todo  string
	}{
		"root":          {func(t *testing.T, h *healthy) { h.uid = 0 }, Bad, "user", "root", "runuser"},
		"no chromium":   {func(t *testing.T, h *healthy) { os.Remove(h.dir + "/chromium") }, Bad, "chromium", "missing", "apt-get install chromium"},
		"named wrongly": {func(t *testing.T, h *healthy) { h.Chromium = h.dir + "/chrome" }, Bad, "chromium", "/chrome", "apt-get install chromium"},
		"does not start": {func(t *testing.T, h *healthy) {
			h.file(t, "chromium", "#!/bin/sh\necho libfoo.so: cannot open >&2\nexit 127\n")
		}, Bad, "chromium", "does not start: libfoo.so: cannot open.", "reinstall"},
		"old chromium": {func(t *testing.T, h *healthy) { h.file(t, "chromium", "#!/bin/sh\necho Chromium 90.0.4430.212\n") }, Warn, "chromium", "90.0.4430.212", "Update"},
		"no openbox":   {func(t *testing.T, h *healthy) { os.Remove(h.dir + "/openbox") }, Bad, "openbox", "missing", "apt-get install openbox"},
		"no namespaces": {func(t *testing.T, h *healthy) {
			h.file(t, "bwrap", "#!/bin/sh\necho bwrap: No permissions to create new namespace >&2; exit 1\n")
		}, Bad, "namespaces", "No permissions", "kernel"},
		"namespaces switched off": {func(t *testing.T, h *healthy) {
			h.file(t, "bwrap", "#!/bin/sh\nexit 1\n")
			h.file(t, "proc/sys/kernel/unprivileged_userns_clone", "0\n")
		}, Bad, "namespaces", "cannot", "kernel.unprivileged_userns_clone=1"},
		"namespaces limited": {func(t *testing.T, h *healthy) {
			h.file(t, "bwrap", "#!/bin/sh\nexit 1\n")
			h.file(t, "proc/sys/kernel/unprivileged_userns_clone", "1\n")
			h.file(t, "proc/sys/user/max_user_namespaces", "0\n")
		}, Bad, "namespaces", "cannot", "user.max_user_namespaces"},
		"no display": {func(t *testing.T, h *healthy) {
			h.Screen = func(context.Context) (int, int, error) { return 0, 0, errors.New("DISPLAY is empty") }
		}, Bad, "display", "DISPLAY is empty", "startx"},
		"small screen": {func(t *testing.T, h *healthy) {
			h.Screen = func(context.Context) (int, int, error) { return 1024, 599, nil }
		}, Bad, "display", "1024 × 599", "xrandr"},
		"1 GiB":   {func(t *testing.T, h *healthy) { h.file(t, "proc/meminfo", "MemTotal: 1000000 kB\n") }, Bad, "memory", "1.0 GiB", "Add"},
		"2 GiB":   {func(t *testing.T, h *healthy) { h.file(t, "proc/meminfo", "MemTotal: 1990000 kB\n") }, Warn, "memory", "1.9 GiB", "Add"},
		"no proc": {func(t *testing.T, h *healthy) { os.Remove(h.dir + "/proc/meminfo") }, Warn, "memory", "cannot be read", "/proc"},
		"swap": {func(t *testing.T, h *healthy) {
			h.file(t, "proc/swaps", "Filename\tType\n/dev/sda2                               partition\t1000\n")
		}, Warn, "swap", "disk", "swapoff"},
		"no state folder named": {func(t *testing.T, h *healthy) { h.State = "" }, Bad, "state", "named", "kiosk.toml"},
		"state is a file":       {func(t *testing.T, h *healthy) { h.State = h.dir + "/openbox" }, Bad, "state", "not a folder", "install -d"},
		"state under a file":    {func(t *testing.T, h *healthy) { h.State = h.dir + "/openbox/state" }, Bad, "state", "not a directory", "install -d"},
		"state on proc":         {func(t *testing.T, h *healthy) { h.State = "/proc/self" }, Bad, "state", "/proc/self", "install -d"},
		"no fonts":              {func(t *testing.T, h *healthy) { h.file(t, "fc-match", "#!/bin/sh\necho DejaVu Sans\n") }, Warn, "fonts", "Noto Sans", "apt-get install"},
		"no fontconfig":         {func(t *testing.T, h *healthy) { os.Remove(h.dir + "/fc-match") }, Warn, "fonts", "fc-match", "apt-get install"},
		"an empty battery":      {func(t *testing.T, h *healthy) { h.now = func() time.Time { return time.Unix(0, 0) } }, Bad, "clock", "1970-01-01", "battery"},
		"from the future":       {func(t *testing.T, h *healthy) { h.now = func() time.Time { return h.built.AddDate(40, 0, 0) } }, Bad, "clock", "2066", "timedatectl"},
	} {
		h := newHealthy(t)
		c.spoil(t, h)
		all := Check(t.Context(), h.Config)
		for _, f := range all {
			switch {
			case f.Code != c.code && f.Level != OK:
				t.Errorf("%s: also %+v", name, f)
			case f.Code == c.code && (f.Level != c.level || !strings.Contains(f.Text, c.says) || !strings.Contains(f.Todo, c.todo)):
				t.Errorf("%s: %+v", name, f)
			}
		}
		if Able(all) != (c.level != Bad) {
			t.Errorf("%s: able is %v", name, Able(all))
		}
	}
}

// A folder that is not there yet is made by the kiosk: what counts is whether
// it could.
func TestStateToBeMade(t *testing.T) {
	h := newHealthy(t)
	h.State = filepath.Join(h.dir, "new", "state")
	if f := h.state(); f.Level != OK {
		t.Errorf("%+v", f)
	}
	if _, err := os.Stat(filepath.Dir(h.State)); err == nil {
		t.Error("the check made a folder")
	}
}

func TestOutput(t *testing.T) {
	all := []Finding{ok("clock", "The clock says 12:00."), {Warn, "swap", "Swap is on.", "Switch it off."}, {Bad, "user", "Root.", "Do not."}}
	for n, last := range map[int]string{1: "This machine can run a kiosk.", 2: "This machine can run a kiosk, with 1 to look at.", 3: "This machine cannot run a kiosk yet: 1 to mend."} {
		var out bytes.Buffer
		if err := WriteText(&out, all[:n]); err != nil || !strings.HasSuffix(out.String(), "\n"+last+"\n") {
			t.Errorf("%q, %v", out.String(), err)
		}
	}
	var out bytes.Buffer
	if err := WriteJSON(&out, all); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Able     bool
		Findings []Finding
	}
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.Able || len(back.Findings) != 3 || back.Findings[1].Code != "swap" {
		t.Errorf("%+v, %v", back, err)
	}
}

// TestThisMachine runs it for real: whatever it finds, it finds something of
// everything, and says so in sentences.
func TestThisMachine(t *testing.T) {
	all := Check(t.Context(), Config{State: t.TempDir()})
	if len(all) != 11 {
		t.Errorf("%d findings", len(all))
	}
	for _, f := range all {
		t.Logf("%-4s %s %s", f.Level, f.Text, f.Todo)
		if f.Level != OK && f.Todo == "" || !strings.HasSuffix(f.Text, ".") {
			t.Errorf("%+v", f)
		}
	}
}

// A technician sees which languages nobody has reviewed.
func TestLanguages(t *testing.T) {
	for _, c := range []struct {
		languages, drafts []string
		want              string
	}{
		{[]string{"fi", "sv"}, nil, "The languages are fi sv."},
		{[]string{"fi", "ru", "ar"}, []string{"ru", "ar"}, "The languages are fi ru ar; unreviewed drafts: ru ar."},
	} {
		if f := (&Config{Languages: c.languages, Drafts: c.drafts}).languages(); f.Text != c.want || f.Level != OK {
			t.Errorf("%+v, want %q", f, c.want)
		}
	}
}
