package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/store"
)

// health is how the agent itself is, for its page and for /metrics.
func (a *agent) health() dashboard.Health {
	h := dashboard.Health{Started: a.started, Failing: a.store.Failing() != nil, Goroutines: runtime.NumGoroutine(),
		Memory: memory(), Plain: a.plain}
	h.Connected, _ = a.gate.Count()
	h.Kiosks, h.ClockOff = len(a.board.Views()), a.board.ClockOff()
	h.Connections, h.Refused = a.listener.Count()
	path := filepath.Join(a.dir, store.FileName)
	if info, err := os.Stat(path); err == nil {
		h.Store = info.Size()
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(a.dir, &disk) == nil {
		h.Free = int64(disk.Bavail) * disk.Bsize
	}
	if a.public != nil {
		h.Certificate = a.public.Expires()
	}
	last, err := a.backup.Last()
	h.Backup = dashboard.BackupHealth{Never: a.config.Backup.Every.Duration == 0, At: last.At, Bytes: last.Bytes, Count: last.Count, Failed: err != nil}
	if m, ok, err := a.store.Mended(); ok && err == nil {
		h.Mended = dashboard.MendedHealth{At: m.At, Made: m.Made, Kept: m.Kept}
	}
	return h
}

// memory is what the process has in memory, as the system counts it.
func memory() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
