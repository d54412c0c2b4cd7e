package wipe

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMarkLife(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	if _, ok, err := w.Left(); ok || err != nil {
		t.Fatalf("a fresh machine: %v, %v", ok, err)
	}
	mark := m.begin(w)
	if len(mark.Token) != 32 || len(mark.Canary) != 32 || mark.Token == mark.Canary || mark.Occupied {
		t.Errorf("the mark is %+v", mark)
	}
	if since := time.Since(mark.Started); since < 0 || since > time.Minute {
		t.Errorf("it started %v ago", since)
	}
	info, err := os.Stat(w.MarkPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	again := m.begin(w)
	if again.Token == mark.Token {
		t.Error("two sessions have one token")
	}
	if err := w.Occupy(mark); err == nil {
		t.Error("a session of before was marked as used")
	}
	if err := w.Occupy(again); err != nil {
		t.Fatal(err)
	}
	other := m.wiper(nil) // after a power cut
	left, ok, err := other.Left()
	if err != nil || !ok || !left.Occupied || left.Token != again.Token || left.Canary != again.Canary || !left.Started.Equal(again.Started) {
		t.Errorf("left is %+v, %v, %v", left, ok, err)
	}
	if _, err := other.Begin(); !errors.Is(err, ErrUnfinished) {
		t.Errorf("Begin over a used session: %v", err)
	}
	for range 2 {
		if err := other.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, _ := other.Left(); ok {
		t.Error("a finished session is still there")
	}
}

func TestMarkThatCannotBeRead(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	good := m.begin(w)
	whole, err := os.ReadFile(w.MarkPath())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "half": string(whole[:len(whole)/2]), "twice": string(whole) + string(whole),
		"no canary":       `{"token":"` + good.Token + `","started":"2026-11-21T10:00:00Z"}`,
		"before the boot": strings.Replace(string(whole), `"up":`, `"up":-`, 1),
		"wrong type":      strings.Replace(string(whole), `"occupied":false`, `"occupied":"no"`, 1),
		"short token":     strings.Replace(string(whole), good.Token, "abc", 1),
		"upper case":      strings.Replace(string(whole), good.Token, strings.Repeat("A", 32), 1),
		"too long":        strings.Repeat(" ", markLimit) + string(whole),
	} {
		m.write(w.MarkPath(), text)
		if _, ok, err := w.Left(); !errors.Is(err, ErrMark) || ok {
			t.Errorf("%s: Left says %v, %v", name, ok, err)
		}
		if _, err := w.Begin(); !errors.Is(err, ErrMark) {
			t.Errorf("%s: Begin says %v", name, err)
		}
		for _, l := range w.Wipe(t.Context(), good) {
			if !l.Failed {
				t.Errorf("%s: the look at %s passed", name, l.At)
			}
		}
	}
}

// An older kiosk must understand what a newer one left.
func TestMarkFromANewerKiosk(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	whole, err := os.ReadFile(w.MarkPath())
	if err != nil {
		t.Fatal(err)
	}
	m.write(w.MarkPath(), strings.Replace(string(whole), `{"`, `{"news":[1],"`, 1))
	if left, ok, err := w.Left(); err != nil || !ok || left.Token != mark.Token {
		t.Errorf("%+v, %v, %v", left, ok, err)
	}
}

func TestMarkSweepsOldTemporaryFiles(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	half, other := filepath.Join(m.state, ".session.json123"), filepath.Join(m.state, ".session.json.keep")
	m.write(half, "{")
	m.write(other, "x")
	m.begin(w)
	if exists(half) || !exists(other) {
		t.Errorf("half is there: %v, another is there: %v", exists(half), exists(other))
	}
}

// However often the kiosk is killed, the mark is whole or absent.
func TestMarkSurvivesKills(t *testing.T) {
	const child = "YHTEISKONE_TEST_STATE"
	if dir := os.Getenv(child); dir != "" {
		m := newMachine(t)
		w := m.wiper(func(c *Config) { c.StateDir = dir })
		for {
			mark, err := w.Begin()
			if err == nil {
				err = w.Occupy(mark)
			}
			if err == nil {
				err = w.Finish()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	m := newMachine(t)
	w := m.wiper(nil)
	theirs := t.TempDir() // the killed clean nothing up
	for i := range 15 {
		c := exec.Command(os.Args[0], "-test.run=^TestMarkSurvivesKills$")
		c.Env = append(os.Environ(), child+"="+m.state, "TMPDIR="+theirs)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.After(10 * time.Second)
		tick := time.NewTicker(time.Millisecond)
		for seen := 0; seen <= i%4; { // at another moment each time
			select {
			case <-tick.C:
				if all, _ := os.ReadDir(m.state); len(all) > 0 || seen > 0 {
					seen++
				}
			case <-deadline:
				t.Fatal("the child wrote nothing")
			}
		}
		tick.Stop()
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		if _, _, err := w.Left(); err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
		if err := w.Finish(); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add([]byte(`{"token":"0123456789abcdef0123456789abcdef","canary":"0123456789abcdef0123456789abcdef","started":"2026-11-21T10:00:00Z","occupied":true,"boot":"b","up":1,"mounts":["ext4 /"]}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := decodeMark(b)
		if err != nil {
			return
		}
		if len(k.Token) != 32 || len(k.Canary) != 32 || k.Started.IsZero() || k.Up < 0 {
			t.Errorf("%q became %+v", b, k)
		}
	})
}
