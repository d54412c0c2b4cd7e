package storetest

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

// childDir tells a process of the suite's own which folder to work on.
const childDir = "STORETEST_DIR"

// Main is called at the beginning of TestMain: in a process that the suite
// started it does that process's work and never returns.
func Main(k Kind) {
	if dir := os.Getenv(childDir); dir != "" {
		applyForEver(k, dir)
	}
}

const (
	childKiosks = 4
	childOrders = 150
)

func childKiosk(n int) fleet.KioskID { return fleet.KioskID(fmt.Sprintf("kaaaaaaaaaaa%c", 'a'+n)) }

func childOrder(n int, seq uint64) string { return fmt.Sprintf("%04d%012d", n, seq) }

// applyForEver applies results of orders at several kiosks at once, and says
// so on the standard output once they are kept: as the gate acknowledges.
func applyForEver(k Kind, dir string) {
	e, err := k.Open(dir)
	if err != nil {
		panic(err)
	}
	for n := range childKiosks {
		go func() {
			id := childKiosk(n)
			seq, err := e.Applied(id)
			for ; err == nil; seq++ {
				_, found, fresh, bad := e.ApplyResult(id, seq+1, fleet.Result{Command: childOrder(n, seq+1)}, time.Now())
				if err = bad; err == nil {
					fmt.Printf("%d %d %v %v\n", n, seq+1, found, fresh)
				}
			}
			panic(err)
		}()
	}
	select {}
}

// A process that is killed at any moment loses nothing that it acknowledged
// and applies nothing twice: an order is on the list exactly as long as its
// result is not applied.
func killed(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	for n := range childKiosks {
		for i := range uint64(childOrders) {
			must(t, e.PutOrder("satu", order(childKiosk(n), childOrder(n, i+1)), "ranta", noon().Add(time.Duration(i))))
		}
	}
	must(t, e.Close())
	var acked [childKiosks]uint64
	for round := range 6 {
		c := exec.Command(os.Args[0])
		c.Env, c.Stderr = append(os.Environ(), childDir+"="+dir), os.Stderr
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		lines := bufio.NewScanner(out)
		for left := 20 + rand.IntN(60); left > 0 && lines.Scan(); left-- {
			heard(t, lines.Text(), &acked)
		}
		c.Process.Kill()
		for lines.Scan() { // what it still said before it died counts as well
			heard(t, lines.Text(), &acked)
		}
		c.Wait()
		e := k.open(t, dir)
		for n := range childKiosks {
			applied, err := e.Applied(childKiosk(n))
			must(t, err)
			if applied < acked[n] {
				t.Fatalf("round %d: kiosk %d: %d was acknowledged and only %d is applied", round, n, acked[n], applied)
			}
			left, err := e.Orders(childKiosk(n), noon())
			must(t, err)
			if want := max(0, childOrders-int(applied)); len(left) != want {
				t.Fatalf("round %d: kiosk %d: %d orders are left after %d results, want %d", round, n, len(left), applied, want)
			}
		}
		must(t, e.Close())
	}
	if acked[0] == 0 {
		t.Error("nothing was ever acknowledged: the test tests nothing")
	}
}

func heard(t *testing.T, line string, acked *[childKiosks]uint64) {
	var n int
	var seq uint64
	var found, fresh bool
	if _, err := fmt.Sscan(line, &n, &seq, &found, &fresh); err != nil {
		return // half a line of a process that died
	}
	if found != (seq <= childOrders) || !fresh {
		t.Errorf("kiosk %d: number %d found its order: %v, was fresh: %v", n, seq, found, fresh)
	}
	acked[n] = max(acked[n], seq)
}
