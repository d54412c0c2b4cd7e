package notify_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// TestMain lets the tests start this program again as one that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("NOTIFY_CHILD"); dir != "" {
		port, _ := strconv.Atoi(os.Getenv("NOTIFY_PORT"))
		if err := child(dir, port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child tells the numbers that it reads, says when each is kept, and sends.
func child(dir string, port int) error {
	st, err := store.Open(dir, 10*time.Second)
	if err != nil {
		return err
	}
	n := notify.New(notify.Config{Store: st, Texts: watch.Texts{}, Address: func() string { return "https://a.fi" }, Location: time.UTC, Log: slog.New(slog.DiscardHandler),
		Reach: func(string, fleet.SiteID) bool { return true },
		Mail:  &notify.Mail{Host: "127.0.0.1", Port: port, From: "a@example.fi", TLS: notify.Plain}})
	t := notify.Target{ID: "0000000000000001", Channel: notify.ByMail, Address: "b@example.fi", Lang: "fi", Faults: true, Help: true, Digest: -1}
	if err := st.PutTarget("satu", t); err != nil {
		return err
	}
	go n.Run(context.Background())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		i, _ := strconv.Atoi(in.Text())
		if err := n.Tell(calls(i, time.Now()), time.Now()); err != nil {
			return err
		}
		fmt.Println("kept", i)
	}
	return nil
}

// Killed with no warning, at the worst moments: after a mail was taken and
// before it was said, and at any other. Whatever was kept arrives, and if it
// arrives twice, then under the same identifier.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	box := newLetterbox(t, nil)
	var running atomic.Pointer[exec.Cmd]
	var taken atomic.Int32
	box.taken = func(string) {
		if taken.Add(1)%2 == 1 { // every second mail is the last thing that the sender does
			running.Load().Process.Kill()
		}
	}
	const all = 12
	kept := 0
	for round := 0; round < 40; round++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "NOTIFY_CHILD="+dir, "NOTIFY_PORT="+strconv.Itoa(box.port))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		running.Store(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; i < 2 && kept < all; i++ {
			io.WriteString(in, strconv.Itoa(kept)+"\n")
			if !lines.Scan() {
				break // killed before it could say so: it is told again, and kept once
			}
			kept++
		}
		if kept == all && len(box.numbers()) == all {
			cmd.Process.Kill()
			cmd.Wait()
			break
		}
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		for late, tick := time.After(4*time.Second), time.Tick(50*time.Millisecond); ; {
			select {
			case <-done:
			case <-late:
				cmd.Process.Kill()
				<-done
			case <-tick:
				if kept < all || len(box.numbers()) < all {
					continue
				}
				cmd.Process.Kill()
				<-done
			}
			break
		}
	}
	numbers := box.numbers()
	for i := range all {
		if len(numbers[i]) == 0 {
			t.Errorf("%d was kept and never arrived", i)
		}
		if len(numbers[i]) > 1 {
			t.Errorf("%d arrived under %d identifiers: %v", i, len(numbers[i]), numbers[i])
		}
	}
	if kept != all || int(taken.Load()) <= all/2 {
		t.Errorf("%d kept, %d mails", kept, taken.Load())
	}
	t.Logf("%d mails for %d events", taken.Load(), all)
}

var numberShape = regexp.MustCompile(`Illusia, Kone (\d+): `)

// numbers are the identifiers under which each number arrived.
func (b *letterbox) numbers() map[int]map[string]bool {
	n := map[int]map[string]bool{}
	for _, m := range b.all() {
		for _, found := range numberShape.FindAllStringSubmatch(m.body, -1) {
			i, _ := strconv.Atoi(found[1])
			if n[i] == nil {
				n[i] = map[string]bool{}
			}
			n[i][m.id] = true
		}
	}
	return n
}
