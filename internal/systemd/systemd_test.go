package systemd

import (
	"context"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// The service manager hears that we live while we are well, and nothing more
// once we are not.
func TestManager(t *testing.T) {
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
	n := Of(func(name string) string {
		return map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000"}[name]
	})
	if err := n.Say("READY=1"); err != nil {
		t.Fatal(err)
	}
	if got := hear(5 * time.Second); got != "READY=1" {
		t.Errorf("the manager heard %q", got)
	}
	var ill atomic.Bool
	asked := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go n.Watchdog(ctx, func() bool { asked <- struct{}{}; return !ill.Load() })
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
		t.Errorf("an ill program said %q", got)
	}
	if err := Of(func(string) string { return "" }).Say("READY=1"); err != nil {
		t.Errorf("without a manager: %v", err)
	}
}
