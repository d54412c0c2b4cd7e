package main

import (
	"log/slog"
	"path/filepath"
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
