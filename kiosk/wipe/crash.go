package wipe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// NoCores makes the kernel write no memory of this process, or of any that it
// starts, to a disk when it crashes. The kiosk calls it before everything else.
func NoCores() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	return nil
}

// coreLimit is how large a core dump of ours, and so of a session's processes,
// could be made.
func coreLimit() (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
		return 0, err
	}
	return l.Max, nil
}

// coresGo tells where the memory of a process that crashes goes: a left-over on
// a machine of our own if that is a disk. With a limit of nothing the kernel
// writes none, and systemd's collector keeps none; other collectors do not ask.
func (w *Wiper) coresGo(hunt) (tally, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "sys/kernel/core_pattern"))
	if err != nil {
		return tally{}, fmt.Errorf("ask where core dumps go: %w", err)
	}
	limit, err := w.cores()
	if err != nil {
		return tally{}, fmt.Errorf("ask for the limit of core dumps: %w", err)
	}
	t := tally{looked: 1}
	if !w.c.SharedUser && coreReachesDisk(strings.TrimSpace(string(b)), limit) {
		t.found = 1
	}
	return t, nil
}

func coreReachesDisk(pattern string, limit uint64) bool {
	if pattern == "" {
		return false
	}
	if handler, piped := strings.CutPrefix(pattern, "|"); piped {
		program, _, _ := strings.Cut(strings.TrimSpace(handler), " ")
		switch filepath.Base(program) {
		case "false", "true": // the usual way to switch them off
			return false
		case "systemd-coredump":
			return limit > 0
		}
		return true
	}
	if strings.HasPrefix(pattern, "@") { // a socket: whoever listens need not ask for the limit
		return true
	}
	return limit > 0
}
