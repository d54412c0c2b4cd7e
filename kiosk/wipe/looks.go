package wipe

import (
	"context"
	"errors"
	"sync"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// The fixed names of the looks.
const (
	LookProcesses    = "processes"
	LookFiles        = "files"         // anything new where our users can write
	LookPlaces       = "places"        // whether all such places are known
	LookMounts       = "mounts"        // file systems of the session
	LookClipboard    = "clipboard"     // selections with an owner
	LookSharedMemory = "shared_memory" // System V segments and /dev/shm
	LookSemaphores   = "semaphores"
	LookQueues       = "message_queues"
	LookSockets      = "sockets"
	LookKeys         = "kernel_keys"
	LookMemory       = "memory" // shared memory back to where it was
	LookSwap         = "swap"   // none on a disk
	LookCrashDumps   = "crash_dumps"
	LookCaches       = "caches"       // fonts, GPU, thumbnails, settings
	LookCertificates = "certificates" // the NSS database
	LookRecent       = "recent_files" // lists of them, and the waste basket
	LookJournal      = "journal"
	LookLogs         = "logs" // the X server's and the system's
	LookPrintJobs    = "print_jobs"
	LookPrintFiles   = "print_files" // the spool
	LookPrintLogs    = "print_logs"

	// Instead of LookMemory and LookSwap, where the settings allow it: the
	// proof says that it does not answer for them.
	StatedMemory = "memory_allowed"
	StatedSwap   = "swap_allowed"
)

// order is that of the looks in a proof. What is missing there was not made.
func (w *Wiper) order() []string {
	memory, swap := LookMemory, LookSwap
	if w.c.AllowMemory {
		memory = StatedMemory
	}
	if w.c.AllowSwap {
		swap = StatedSwap
	}
	return []string{LookProcesses, LookFiles, LookPlaces, LookMounts, LookClipboard, LookSharedMemory, LookSemaphores, LookQueues,
		LookSockets, LookKeys, memory, swap, LookCrashDumps, LookCaches, LookCertificates, LookRecent, LookJournal, LookLogs,
		LookPrintJobs, LookPrintFiles, LookPrintLogs}
}

type tally struct{ looked, found uint32 }

// seen is what one look saw. The error stays here: it may name a path.
type seen struct {
	tally
	err error
}

// survey is what a group of looks saw, by name.
type survey map[string]seen

func (s survey) add(look string, t tally, err error) {
	was := s[look]
	s[look] = seen{tally{was.looked + t.looked, was.found + t.found}, errors.Join(was.err, err)}
}

// group makes looks that belong together.
type group func(ctx context.Context, h hunt, said survey)

// groups may run at the same time.
func (w *Wiper) groups() []group {
	one := func(name string, f func(context.Context, hunt) (tally, error)) group {
		return func(ctx context.Context, h hunt, said survey) {
			t, err := f(ctx, h)
			said.add(name, t, err)
		}
	}
	return []group{w.disk, w.printing, w.logs, w.kernel, w.memory, one(LookClipboard, w.clipboard), one(LookMounts, w.mounts)}
}

// Wipe removes what the session may have left and looks for it. Whatever it
// finds is counted even when it could be removed: it should not have been
// there. Print jobs are the exception: a paper that was not printed in time is
// cancelled, and only what then stays counts. An error of a look is in the
// look.
func (w *Wiper) Wipe(ctx context.Context, mark session.Mark) []fleet.Look {
	h := w.hunt(ctx, mark)
	all := survey{}
	// Processes first: one that still ran could go on writing.
	t, err := w.processes(ctx, h)
	all.add(LookProcesses, t, err)
	groups := w.groups()
	each := make([]survey, len(groups))
	var wait sync.WaitGroup
	for i, g := range groups {
		each[i] = survey{}
		wait.Go(func() { g(ctx, h, each[i]) })
	}
	wait.Wait()
	for _, said := range each {
		for name, s := range said {
			all.add(name, s.tally, s.err)
		}
	}
	var looks []fleet.Look
	for _, name := range w.order() {
		s, made := all[name]
		failed := !made || s.err != nil || h.err != nil || ctx.Err() != nil
		looks = append(looks, fleet.Look{At: name, Looked: s.looked, Found: s.found, Failed: failed})
	}
	return looks
}

// before is how the machine was when the session began. It says nothing of the
// session.
type before struct {
	Memory  *int64           `json:"memory,omitempty"` // shared memory outside of file systems that we see, KiB
	Sockets []string         `json:"sockets"`          // abstract names
	Keys    []string         `json:"keys"`             // serial numbers
	Logs    map[string]int64 `json:"logs"`             // how far each log was, by device and inode
}

// afterBoot is what still holds when the machine was started anew: the disk.
func (b *before) afterBoot() *before { return &before{Logs: b.Logs} }

// now notes how the machine is.
func (w *Wiper) now() (*before, error) {
	level, err := w.level()
	if err != nil {
		return nil, err
	}
	sockets, err := w.abstract()
	if err != nil {
		return nil, err
	}
	b := &before{Memory: &level, Sockets: []string{}, Keys: []string{}, Logs: w.logEnds()}
	for _, s := range sockets {
		b.Sockets = append(b.Sockets, s.name)
	}
	keys, err := w.keys()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		b.Keys = append(b.Keys, k.serial)
	}
	return b, nil
}
