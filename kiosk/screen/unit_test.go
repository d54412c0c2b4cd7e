package screen

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/spawn"
	"yhteiskone/kiosk/spawn/spawntest"
)

// In a unit the shell is pressed as anywhere, comes back when the unit was ended
// and ends with the screen.
func TestBrowserShellInUnit(t *testing.T) {
	d := room(t, "1366x768")
	unit, ended := filepath.Join(t.TempDir(), "shell"), make(chan struct{}, 8)
	spawntest.Listen(t, unit, nil, func() { ended <- struct{}{} })
	s := openIn(t, d, unit)
	for _, again := range []bool{false, true} {
		if again {
			old := current(s)
			if err := syscall.Kill(ours(t), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			gone(t, ended)
			await(t, "another shell", func() bool { now := current(s); return now != nil && now != old })
		}
		show(t, s, views()["welcome"])
		settle(t, s)
		click(t, s, `[data-arg="kela"]`)
		want(t, s, session.Press{What: "tile", Arg: "kela"})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, ended)
}

func gone(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(slow.Stretch(20 * time.Second)):
		t.Fatal("the unit's process lives on")
	}
}

// ours is the process of the unit.
func ours(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	parent := "\nPPid:\t" + strconv.Itoa(os.Getpid()) + "\n"
	for _, path := range all {
		line, _ := os.ReadFile(path)
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		if string(line) == spawn.Name+"\x00" && strings.Contains(string(status), parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("the unit has no process")
	return 0
}
