package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The service manager hears that we live while we are well, and nothing more
// once we are not.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hear := func(d time.Duration) string {
		manager.SetReadDeadline(time.Now().Add(d))
		b := make([]byte, 100)
		n, err := manager.Read(b)
		if err != nil {
			return ""
		}
		return string(b[:n])
	}
	n := newNotify(map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000"})
	if err := n.say("READY=1"); err != nil {
		t.Fatal(err)
	}
	if got := hear(5 * time.Second); got != "READY=1" {
		t.Errorf("the manager heard %q", got)
	}
	var ill atomic.Bool
	asked := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go n.watchdog(ctx, func() bool { asked <- struct{}{}; return !ill.Load() })
	if got := hear(5 * time.Second); got != "WATCHDOG=1" {
		t.Errorf("the manager heard %q", got)
	}
	ill.Store(true)
	<-asked
	<-asked // whatever was under way is said by now
	for hear(10*time.Millisecond) != "" {
	}
	<-asked
	<-asked
	if got := hear(10 * time.Millisecond); got != "" {
		t.Errorf("an ill kiosk said %q", got)
	}
	if err := newNotify(nil).say("READY=1"); err != nil {
		t.Errorf("without a manager: %v", err)
	}
}

// A kiosk whose state machine is stuck ends; one that is only busy does not.
func TestDeadman(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var well atomic.Bool
		var code atomic.Int64
		well.Store(true)
		code.Store(-1)
		ctx, cancel := context.WithCancel(t.Context())
		go deadman(ctx, slog.New(slog.DiscardHandler), well.Load, func(c int) { code.Store(int64(c)) })
		time.Sleep(time.Hour)
		synctest.Wait()
		if code.Load() != -1 {
			t.Error("a kiosk that answers was ended")
		}
		well.Store(false)
		time.Sleep(stuckTime + time.Second)
		synctest.Wait()
		if code.Load() != 1 {
			t.Errorf("a stuck kiosk ended with %d", code.Load())
		}
		cancel()
	})
	stuck := stuckMachine{}
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		if answers(t.Context(), stuck) {
			t.Error("a stuck machine answers")
		}
		if took := time.Since(from); took != stuckTime {
			t.Errorf("given up after %v", took)
		}
	})
}

type stuckMachine struct{}

func (stuckMachine) Answers(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
