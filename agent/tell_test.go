package main

import (
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A call that hangs is noticed, one that is only slow is not.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if !answers(t.Context(), func() { time.Sleep(stuckTime / 2) }) {
			t.Error("a slow agent counts as stuck")
		}
		hold := make(chan struct{})
		from := time.Now()
		if answers(t.Context(), func() { <-hold }) {
			t.Error("a stuck agent answers")
		}
		if took := time.Since(from); took != stuckTime {
			t.Errorf("given up after %v", took)
		}
		close(hold)
	})
}

// The service manager hears that the agent is ready, lives and stops.
func TestServiceManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "20000")
	hear := func(want string) {
		t.Helper()
		b := make([]byte, 100)
		l.SetReadDeadline(time.Now().Add(30 * time.Second))
		for {
			n, err := l.Read(b)
			if err != nil {
				t.Fatalf("never heard %s: %v", want, err)
			}
			if string(b[:n]) == want {
				return
			}
		}
	}
	p := startAgent(t, filepath.Join(t.TempDir(), "data"))
	hear("READY=1")
	hear("WATCHDOG=1")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
}
