package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yhteiskone/internal/identity"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/gpt"
	"yhteiskone/provision/write"
	"yhteiskone/provision/write/writetest"
)

// typing answers questions in order.
func typing(t *testing.T, asked *[]string, answers ...string) asker {
	return func(_ context.Context, question string) (string, error) {
		*asked = append(*asked, question)
		if len(answers) == 0 {
			return "", errors.New("nobody expected this question")
		}
		a := answers[0]
		answers = answers[1:]
		return a + "\n", nil
	}
}

func writeDisk(t *testing.T, ask asker, args ...string) (stdout, stderr string, code int, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	err = runWrite(t.Context(), args, ask, &out, &errOut)
	return out.String(), errOut.String(), exitCode(err), err
}

// stick is a file that stands for a disk, with something old in its beginning.
func stick(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stick")
	if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
	return path
}

func untouched(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 3)
	_, err = f.Read(b)
	return err == nil && string(b) == "old"
}

func joinFile(t *testing.T, expires time.Time) (string, enrol.Join) {
	t.Helper()
	id, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	j := enrol.Join{Agent: "https://agent.example.org:8443", Pin: string(id.Pin()), Code: "ABCD-EFGH-0123", Name: "Kone ä", Site: "illusia", Expires: expires}
	text, err := j.JSON()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "join.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, j
}

func TestWriteAsksAndWrites(t *testing.T) {
	image, to := writetest.Image(t, writetest.Parts()), stick(t, 100<<20)
	join, want := joinFile(t, time.Now().Add(time.Hour).UTC().Truncate(time.Second))
	var asked []string
	stdout, stderr, code, err := writeDisk(t, typing(t, &asked, "erase"), image, "--to", to, "--join", join)
	if code != 0 {
		t.Fatalf("exit %d: %v", code, err)
	}
	if len(asked) != 1 || !strings.Contains(asked[0], "Everything on "+to+" will be ERASED") {
		t.Errorf("asked %q", asked)
	}
	for _, says := range []string{"disk    " + to + ", 104.9 MB", "Written and read back", "It is ready."} {
		if !strings.Contains(stdout, says) {
			t.Errorf("it does not say %q but %q", says, stdout)
		}
	}
	if !strings.Contains(stderr, "writing 100 %") || !strings.Contains(stderr, "reading back 100 %") || !strings.Contains(stderr, "signature is not checked") {
		t.Errorf("progress: %q", stderr)
	}
	if _, err := exec.LookPath("mtype"); err != nil {
		t.Skip("no mtools to read it with")
	}
	text, err := exec.Command("mtype", "-i", to+"@@23068672", "::join.json").Output()
	var got enrol.Join
	if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Nothing happens without a clear yes to this very disk.
func TestWriteWantsAYes(t *testing.T) {
	image, to, large := writetest.Image(t, writetest.Small()), stick(t, 64<<20), stick(t, 129_000_000_000)
	past, _ := joinFile(t, time.Now().Add(-time.Minute))
	broken := filepath.Join(t.TempDir(), "join.toml")
	if err := os.WriteFile(broken, []byte("agent = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var asked []string
	for name, c := range map[string]struct {
		ask  asker
		args []string
		code int
		says string
	}{
		"no disk named":         {nil, []string{image}, 2, "none is chosen for you"},
		"no image named":        {nil, []string{"--to", to}, 2, "name one image"},
		"two images":            {nil, []string{image, image, "--to", to}, 2, "name one image"},
		"nobody there":          {nil, []string{image, "--to", to}, 2, "say --yes to erase"},
		"scripts are not asked": {typing(t, &asked), []string{image, "--to", to, "--json"}, 2, "say --yes"},
		"no":                    {typing(t, &asked, "no"), []string{image, "--to", to}, 2, "nothing was erased"},
		"yes is not erase":      {typing(t, &asked, "yes"), []string{image, "--to", to}, 2, "you did not type erase"},
		"wrong end":             {nil, []string{image, "--to", to, "--yes", "--serial-end", "zzzz"}, 2, "--serial-end is not the end"},
		"large":                 {nil, []string{image, "--to", large, "--yes"}, 2, "is large; say the last 4"},
		"large, wrong end":      {typing(t, &asked, "erase", "zzzz"), []string{image, "--to", large}, 2, "not the end"},
		"no such disk":          {nil, []string{image, "--to", "/dev/nowhere", "--yes"}, 2, "There is no disk /dev/nowhere"},
		"no disk at all":        {nil, []string{image, "--to", "/dev/null", "--yes"}, 2, "is not a disk"},
		"too small":             {nil, []string{image, "--to", stick(t, 1<<20), "--yes"}, 2, "the image needs"},
		"wrong image":           {nil, []string{to, "--to", to, "--yes"}, 2, "is not a kiosk's disk image"},
		"old code":              {nil, []string{image, "--to", to, "--yes", "--join", past}, 2, "too old. Make a new one"},
		"broken join file":      {nil, []string{image, "--to", to, "--yes", "--join", broken}, 2, "is not a join file"},
		"no join file":          {nil, []string{image, "--to", to, "--yes", "--join", "/nowhere"}, 2, "/nowhere"},
		"no key":                {nil, []string{image, "--to", to, "--yes", "--key", "/nowhere"}, 2, "key /nowhere cannot be read"},
		"unknown flag":          {nil, []string{image, "--colour"}, 2, "colour"},
		"dry run":               {nil, []string{image, "--to", to, "--dry-run"}, 0, ""},
	} {
		stdout, _, code, err := writeDisk(t, c.ask, c.args...)
		if code != c.code || c.code != 0 && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: exit %d: %v", name, code, err)
		}
		if name == "dry run" && !strings.Contains(stdout, "would be ERASED. Nothing was changed") {
			t.Errorf("dry run says %q", stdout)
		}
		if !untouched(t, to) || !untouched(t, large) {
			t.Fatalf("%s: the disk was changed", name)
		}
	}
}

// Events for scripts: each line is JSON, and the last says how it ended.
func TestWriteEvents(t *testing.T) {
	image := writetest.Image(t, writetest.Small())
	type line struct {
		Event, Phase, Code, Todo, SHA256, Path string
		Done, Total                            int64
		Exit                                   int
	}
	read := func(text string) (all []line) {
		for l := range strings.Lines(text) {
			var v line
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				t.Fatalf("%s: %v", l, err)
			}
			all = append(all, v)
		}
		return all
	}
	to := stick(t, 64<<20)
	stdout, stderr, code, err := writeDisk(t, nil, image, "--to", to, "--yes", "--json")
	all := read(stdout)
	if code != 0 || stderr != "" || len(all) < 4 {
		t.Fatalf("exit %d: %v: %s %s", code, err, stdout, stderr)
	}
	if last := all[len(all)-1]; last.Event != "done" || len(last.SHA256) != 64 || all[0].Event != "disk" || all[0].Path != to || all[1].Event != "progress" {
		t.Errorf("%+v", all)
	}
	stdout, _, code, _ = writeDisk(t, nil, image, "--to", stick(t, 1<<20), "--yes", "--json")
	if all := read(stdout); code != 2 || len(all) != 1 || all[0].Event != "error" || all[0].Code != "no_space" || all[0].Todo == "" || all[0].Exit != 2 {
		t.Errorf("%s", stdout)
	}
	stdout, _, code, _ = writeDisk(t, nil, image, "--json")
	if all := read(stdout); code != 2 || len(all) != 1 || all[0].Event != "error" || all[0].Exit != 2 {
		t.Errorf("%s", stdout)
	}
}

func TestStepOf(t *testing.T) {
	now := time.Now()
	s := stepOf(eventAt(now.Add(-4*time.Second), 40e6, 100e6), now)
	if s.Speed != 10e6 || s.Seconds != 6 || s.text() != "writing  40 %, 10 MB/s, 6s left" {
		t.Errorf("%+v %s", s, s.text())
	}
	if s := stepOf(eventAt(now, 0, 0), now); s.Speed != 0 || s.text() == "" {
		t.Errorf("%+v", s)
	}
}

func TestWriteList(t *testing.T) {
	if stdout, _, code, err := writeDisk(t, nil, "--list"); code != 0 || stdout == "" {
		t.Errorf("exit %d: %v", code, err)
	}
	stdout, _, code, err := writeDisk(t, nil, "--list", "--json")
	var all []struct{ Path string }
	if code != 0 || json.Unmarshal([]byte(stdout), &all) != nil {
		t.Errorf("exit %d: %v: %s", code, err, stdout)
	}
}

// A real block device, where this machine gives one: a loop device is opened
// exclusively, flushed and read back as a stick is.
func TestWriteALoopDevice(t *testing.T) {
	image, file := writetest.Image(t, writetest.Parts()), stick(t, 64<<20)
	out, err := exec.Command("losetup", "--find", "--show", file).Output()
	if err != nil {
		t.Skip("this machine gives no loop device:", err)
	}
	loop := strings.TrimSpace(string(out))
	defer exec.Command("losetup", "-d", loop).Run()
	join, _ := joinFile(t, time.Now().Add(time.Hour))
	if _, _, code, err := writeDisk(t, nil, image, "--to", loop, "--yes", "--join", join); code != 0 {
		t.Fatalf("exit %d: %v", code, err)
	}
	want, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// The table before it fits the disk; provision/write's own tests look at it.
	if conf := 22 << 20; !bytes.Equal(want[gpt.Head:conf], got[gpt.Head:conf]) {
		t.Error("the loop device does not hold the image")
	}
	held, err := os.OpenFile(loop, os.O_RDWR|os.O_EXCL, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, _, code, err := writeDisk(t, nil, image, "--to", loop, "--yes"); code != 3 || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("of a disk that is held: exit %d: %v", code, err)
	}
}

func eventAt(begun time.Time, done, total int64) write.Event {
	return write.Event{Phase: write.Writing, Done: done, Total: total, Begun: begun}
}
