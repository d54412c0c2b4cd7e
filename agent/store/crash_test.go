package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/agent/store/storetest"
	"yhteiskone/internal/fleet"
)

// What a child process of these tests does, and on which folder.
const (
	childTask = "STORE_TEST_TASK"
	childDir  = "STORE_TEST_DIR"
)

func TestMain(m *testing.M) {
	storetest.Main(kind())
	switch os.Getenv(childTask) {
	case "":
		os.Exit(m.Run())
	case "fill":
		fillUp(os.Getenv(childDir))
	}
}

// kind is this engine, for the suite that every engine must pass.
func kind() storetest.Kind {
	return storetest.Kind{
		Open: func(dir string) (storetest.Engine, error) { return store.Open(dir, 5*time.Second) },
		Sessions: func(e storetest.Engine, now func() time.Time) staff.Sessions {
			return e.(*store.Store).Web(now)
		},
	}
}

func TestEngine(t *testing.T) { storetest.Run(t, kind()) }

func child(task, dir string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childTask+"="+task, childDir+"="+dir)
	c.Stderr = os.Stderr
	return c
}

func orderName(seq uint64) string { return fmt.Sprintf("%016d", seq) }

// fillUp writes until the disk is full, which here is a limit on the size of
// files, and says how far it came.
func fillUp(dir string) {
	signal.Ignore(syscall.SIGXFSZ) // the write then fails with EFBIG
	limit := syscall.Rlimit{Cur: 256 << 10, Max: 256 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
	s, err := store.Open(dir, time.Second)
	if err != nil {
		panic(err)
	}
	text := strings.Repeat("x", 2000)
	for i := uint64(1); i < 100000; i++ {
		err := s.PutOrder("satu", gate.Order{Kiosk: one, Command: fleet.Command{ID: orderName(i), Name: fleet.ShowMessage, Text: text},
			Expires: noon.Add(time.Hour)}, "ranta", noon.Add(time.Duration(i)))
		switch {
		case err == nil:
			fmt.Println("kept", i)
			continue
		case !errors.Is(err, store.ErrFull):
			fmt.Println("wrong error:", err)
		case s.Failing() == nil:
			fmt.Println("the store does not say that it fails")
		}
		// A small write must fail or be kept, but never half; reading works.
		_, err = s.ApplyCounts(one, 7, fleet.Counts{Day: "2026-11-22", Sessions: 1}, time.Now())
		n, _ := s.Applied(one)
		if (err == nil) != (n == 7) {
			fmt.Println("half a write:", err, n)
		}
		all, err := s.Orders(one, noon)
		fmt.Println("full", len(all), n, err)
		os.Exit(0)
	}
	os.Exit(1)
}

// A full disk is a clear error; nothing that was kept is lost, and with room
// the store goes on.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	out, err := child("fill", dir).Output()
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var kept, applied int
	for i, l := range lines {
		if i < len(lines)-1 && l != fmt.Sprint("kept ", i+1) {
			t.Fatalf("line %d: %q", i+1, l)
		}
	}
	if _, err := fmt.Sscanf(lines[len(lines)-1], "full %d %d <nil>", &kept, &applied); err != nil || kept < 10 || kept != len(lines)-1 {
		t.Fatalf("%q after %d lines", lines[len(lines)-1], len(lines)-1)
	}
	s := open(t, dir)
	if all, err := s.Orders(one, noon); err != nil || len(all) != kept {
		t.Errorf("%d orders after opening again, want %d (%v)", len(all), kept, err)
	}
	if n, _ := s.Applied(one); int(n) != applied {
		t.Errorf("applied %d, want %d", n, applied)
	}
	_, err = s.ApplyCounts(one, 8, fleet.Counts{Day: "2026-11-22", Sessions: 1}, time.Now())
	if err != nil || s.Failing() != nil {
		t.Errorf("with room again: %v", err)
	}
}
