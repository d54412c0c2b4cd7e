// Package rest keeps a long-lived program small while it has little to do.
//
// It is for programs most of whose memory is small and lives long: it has the
// collector come more often, and it gives memory back to the system after
// something large was done. It never limits what a program may use. A GOGC in
// the environment goes before it.
package rest

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// every is how often it looks whether memory is held for nothing.
const every = 10 * time.Second

// seldom is after how many looks at the latest the program file is let go of
// once more. What is used all the time costs some two hundred small faults then,
// less than a millisecond.
const seldom = 3

// Often has the collector come when the heap has grown by that many percent, by
// itself it comes at 100: that costs little where little is thrown away.
func Often(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// GiveBack returns memory to the system after something large was done, such
// as hashing a password (19 MiB each) or starting. By itself the runtime takes
// minutes. It acts when the heap holds an eighth more than after the last time,
// so a heap that is large because there is much to hold is left alone, and when
// an eighth of what it holds is free: that is left of something that had begun
// before. Of the program file, and of a store that is read through memory, it
// lets go after that and then every half minute: what is used all the time comes
// back at once. It returns nil when the context ends.
func GiveBack(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	rest, looks, due := uint64(0), 0, 0
	for {
		all, free := heap()
		large := all > rest+rest/8+512<<10 || free > all/8+512<<10
		if large {
			debug.FreeOSMemory()
			looks, due = 0, 0
		}
		if looks >= due {
			dropPages()
			due = min(2*looks+1, looks+seldom)
		}
		if large {
			rest, _ = heap()
		}
		looks++
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// dropPages lets go of the pages of our own program file, and of files that are
// only read through memory (a store's), that were needed for what is over,
// starting above all. They are clean copies of the file; what is needed again
// comes back page by page, from the page cache.
func dropPages() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		var from, to uintptr
		var rights string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); n != 3 || strings.Contains(rights, "w") {
			continue
		}
		if !strings.HasSuffix(line, " "+self+"\n") && !(rights == "r--s" && strings.Contains(line, " /")) {
			continue
		}
		// A kernel that says no keeps them: nothing is lost. One that maps files
		// in pieces of 2 MiB would bring all of it back at the first touch.
		unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_NOHUGEPAGE)
		unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	}
}

// heap is how much memory the heap holds, in use or not, and how much of that is
// free.
func heap() (all, free uint64) {
	read := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(read)
	for _, r := range read {
		all += r.Value.Uint64()
	}
	return all, read[0].Value.Uint64()
}
