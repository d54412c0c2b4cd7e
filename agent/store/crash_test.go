package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// What a child process of these tests does, and on which folder.
const (
	childTask = "STORE_TEST_TASK"
	childDir  = "STORE_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childTask) {
	case "":
		os.Exit(m.Run())
	case "apply":
		applyForEver(os.Getenv(childDir))
	case "fill":
		fillUp(os.Getenv(childDir))
	}
}

func child(task, dir string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childTask+"="+task, childDir+"="+dir)
	c.Stderr = os.Stderr
	return c
}

// kioskN is one of the kiosks of the child.
func kioskN(n int) fleet.KioskID { return fleet.KioskID(fmt.Sprintf("kaaaaaaaaaaa%c", 'a'+n)) }

const kiosksOfChild = 4

// applyForEver applies results of orders at several kiosks at once, and says
// so on the standard output once they are kept: as the gate acknowledges.
func applyForEver(dir string) {
	s, err := store.Open(dir, time.Second)
	if err != nil {
		panic(err)
	}
	for n := range kiosksOfChild {
		go func() {
			id := kioskN(n)
			seq, err := s.Applied(id)
			for ; err == nil; seq++ {
				_, found, fresh, e := s.ApplyResult(id, seq+1, fleet.Result{Command: orderName(n, seq+1)})
				if err = e; err == nil {
					fmt.Printf("%d %d %v %v\n", n, seq+1, found, fresh)
				}
			}
			panic(err)
		}()
	}
	select {}
}

func orderName(n int, seq uint64) string { return fmt.Sprintf("%04d%012d", n, seq) }

// A process that is killed at any moment loses nothing that it acknowledged
// and applies nothing twice: an order is on the list exactly as long as its
// result is not applied.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	const orders = 150
	s, err := store.Open(dir, time.Second)
	must(t, err)
	for n := range kiosksOfChild {
		for i := range uint64(orders) {
			must(t, s.PutOrder("satu", gate.Order{Kiosk: kioskN(n), Command: fleet.Command{ID: orderName(n, i+1), Name: fleet.Identify},
				Expires: noon.Add(time.Hour)}, "ranta", noon.Add(time.Duration(i))))
		}
	}
	must(t, s.Close())
	var acked [kiosksOfChild]uint64
	for round := range 6 {
		c := child("apply", dir)
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		lines := bufio.NewScanner(out)
		for left := 20 + rand.IntN(60); left > 0 && lines.Scan(); left-- {
			ack(t, lines.Text(), &acked)
		}
		c.Process.Kill()
		for lines.Scan() { // what it still said before it died counts as well
			ack(t, lines.Text(), &acked)
		}
		c.Wait()
		s := openAgain(t, dir)
		for n := range kiosksOfChild {
			applied, err := s.Applied(kioskN(n))
			must(t, err)
			if applied < acked[n] {
				t.Fatalf("round %d: kiosk %d: %d was acknowledged and only %d is applied", round, n, acked[n], applied)
			}
			left, err := s.Orders(kioskN(n), noon)
			must(t, err)
			if want := orders - int(applied); len(left) != want {
				t.Fatalf("round %d: kiosk %d: %d orders are left after %d results, want %d", round, n, len(left), applied, want)
			}
		}
		must(t, s.Close())
	}
	if acked[0] == 0 {
		t.Error("nothing was ever acknowledged: the test tests nothing")
	}
}

func ack(t *testing.T, line string, acked *[kiosksOfChild]uint64) {
	var n int
	var seq uint64
	var found, fresh bool
	if _, err := fmt.Sscan(line, &n, &seq, &found, &fresh); err != nil {
		return // half a line of a process that died
	}
	if !found || !fresh {
		t.Errorf("kiosk %d: number %d found its order: %v, was fresh: %v", n, seq, found, fresh)
	}
	acked[n] = max(acked[n], seq)
}

func openAgain(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, 5*time.Second)
	must(t, err)
	return s
}

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
		err := s.PutOrder("satu", gate.Order{Kiosk: one, Command: fleet.Command{ID: orderName(0, i), Name: fleet.ShowMessage, Text: text},
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
		_, err = s.ApplyCounts(one, 7, fleet.Counts{Day: "2026-11-22", Sessions: 1})
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
	_, err = s.ApplyCounts(one, 8, fleet.Counts{Day: "2026-11-22", Sessions: 1})
	if err != nil || s.Failing() != nil {
		t.Errorf("with room again: %v", err)
	}
}
