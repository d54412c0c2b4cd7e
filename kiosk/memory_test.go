package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPowerOffRunsItsCommand(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if powerOff(&config{}, log) != nil {
		t.Error("a machine without a command would be turned off")
	}
	mark := filepath.Join(t.TempDir(), "off")
	powerOff(&config{PowerOff: "touch " + mark}, log)()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !there(mark) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the command was not run")
		}
	}
}

// The machine is restarted once for an order, however often it comes; a command
// that fails is tried again with the next.
func TestRebootOnce(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	script := filepath.Join(dir, "restart")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho again >> "+log+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if reboot(&config{State: dir}) != nil {
		t.Error("a machine without a command can restart")
	}
	c := &config{State: dir, Restart: script}
	count := func() int { text, _ := os.ReadFile(log); return strings.Count(string(text), "again") }
	for range 2 { // the second is after the restart
		if err := reboot(c)("00000000000000a1"); err != nil || count() != 1 {
			t.Fatalf("%v, restarted %d times", err, count())
		}
	}
	if err := reboot(c)("00000000000000a2"); err != nil || count() != 2 {
		t.Errorf("another order: %v, restarted %d times", err, count())
	}
	bad := &config{State: dir, Restart: "/bin/false"}
	for range 2 {
		if err := reboot(bad)("00000000000000a3"); err == nil {
			t.Error("a command that fails is a restart")
		}
	}
}
