package screen

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func TestBrowserCoverAndShowTimes(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	all := views()
	show(t, s, all["welcome"])
	var cover, curtain, bar []time.Duration
	for range 20 {
		bar = append(bar, show(t, s, all["strip"]))
		start := time.Now()
		if err := s.Cover(); err != nil {
			t.Fatal(err)
		}
		cover = append(cover, time.Since(start))
		curtain = append(curtain, show(t, s, all["erasing"]))
		if d.Covered() {
			t.Fatal("still covered")
		}
	}
	for name, all := range map[string][]time.Duration{"Cover": cover, "Show of the curtain": curtain, "Show of the strip": bar} {
		slices.Sort(all)
		t.Logf("%s: p50 %v, p95 %v, max %v", name, all[9], all[18], all[19])
	}
	if cover[18] > 20*time.Millisecond {
		t.Errorf("Cover took %v, want at most 20 ms", cover[18])
	}
}

// The curtain that was asked for while a view was being drawn stays.
func TestBrowserCoverWins(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	show(t, s, views()["strip"])
	s.drawing.Lock() // somebody draws
	drawn := make(chan error, 1)
	go func() { drawn <- s.Show(t.Context(), views()["welcome"]) }()
	await(t, "the view to be wanted", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.wanted.State == fleet.Ready
	})
	if err := s.Cover(); err != nil {
		t.Fatal(err)
	}
	s.drawing.Unlock()
	if err := <-drawn; err != nil || !d.Covered() {
		t.Errorf("covered %v, %v", d.Covered(), err)
	}
	show(t, s, views()["welcome"])
	if d.Covered() {
		t.Error("the next view did not take the curtain away")
	}
}

func TestBrowserShellKilledIsReplaced(t *testing.T) {
	for _, how := range []string{"KILL", "STOP"} {
		t.Run(how, func(t *testing.T) {
			d := room(t, "1366x768")
			s := open(t, d)
			show(t, s, views()["strip"])
			old := current(s)
			killed := time.Now()
			for _, pid := range holders(t, old.token) {
				if how == "KILL" {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				} else {
					_ = syscall.Kill(pid, syscall.SIGSTOP)
				}
			}
			select {
			case <-s.Lost():
			case <-time.After(probeEvery + probeTime + 5*time.Second):
				t.Fatal("the loss was not noticed")
			}
			noticed := time.Since(killed)
			if !d.Covered() || s.Paints() {
				t.Errorf("covered %v, paints %v after the loss", d.Covered(), s.Paints())
			}
			if how == "KILL" {
				until(t, "the old shell is gone", func() bool { return len(holders(t, old.token)) == 0 })
			}
			show(t, s, views()["erasing"]) // waits for the new one
			t.Logf("noticed after %v, drawn again after %v", noticed.Round(time.Millisecond), time.Since(killed).Round(time.Millisecond))
			if d.Covered() || !s.Paints() || current(s) == old {
				t.Errorf("covered %v, paints %v, the same shell %v", d.Covered(), s.Paints(), current(s) == old)
			}
			await(t, "the end of the old one", func() bool { return len(holders(t, old.token)) == 0 })
		})
	}
}

// Without anybody who shows anything, the new shell shows what the old one
// did, but never a session's strip.
func TestBrowserNewShellShowsTheSame(t *testing.T) {
	for view, want := range map[string]kind{"welcome": welcome, "strip": erasing} {
		d := room(t, "1366x768")
		s := open(t, d)
		show(t, s, views()[view])
		old := current(s)
		for _, pid := range holders(t, old.token) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		await(t, "a new shell in use", func() bool { return current(s) != nil && current(s) != old && !d.Covered() })
		got, err := current(s).eval(t.Context(), "document.title")
		if err != nil || string(got) != strconv.Quote(string(want)) {
			t.Errorf("after %s: %s, want %s (%v)", view, got, want, err)
		}
		_ = s.Close()
	}
}

// holders are the processes whose command line holds the shell's token.
func holders(t *testing.T, token string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil && bytes.Contains(line, []byte(token)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// Nothing of the shell stays anywhere but in its own memory.
func TestBrowserShellLeavesNothing(t *testing.T) {
	d := room(t, "1366x768")
	before := time.Now()
	s := open(t, d)
	show(t, s, views()["welcome"])
	_ = s.Close()
	for _, dir := range []string{"/tmp", "/dev/shm", os.Getenv("HOME")} {
		_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return nil // not ours to read
			}
			st, ok := info.Sys().(*syscall.Stat_t)
			if ok && int(st.Uid) == os.Getuid() && info.ModTime().After(before) && strings.Contains(strings.ToLower(path), "chrom") &&
				!strings.HasSuffix(path, "/"+LauncherName) {
				t.Errorf("left behind: %s", path)
			}
			return nil
		})
	}
}
