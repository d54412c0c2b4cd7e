// Package rest keeps a long-lived program small while it has little to do.
//
// It is for programs most of whose memory is small and lives long: it has the
// collector come twice as often, and it gives memory back to the system after
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

// Often has the collector come twice as often: that costs little where little
// is thrown away.
func Often() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// GiveBack returns memory to the system after something large was done, such
// as hashing a password (19 MiB each) or starting. By itself the runtime takes
// minutes. It acts when the heap holds an eighth more than after the last time,
// so a heap that is large because there is much to hold is left alone; and when
// a megabyte more of the program file is in memory than is used all the time,
// which is what came back by the first look after it was let go. It returns nil
// when the context ends.
func GiveBack(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	rest, code, fresh := uint64(0), uint64(0), false
	for {
		if fresh {
			code, fresh = file(), false
		}
		large := heap() > rest+rest/8+512<<10
		if large {
			debug.FreeOSMemory()
		}
		if large || file() > code+1<<20 {
			dropCode()
			rest, fresh = heap(), true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// dropCode lets go of the pages of our own program file that were needed for
// what is over, starting above all. They are clean copies of the file; what is
// needed again comes back page by page, from the page cache.
func dropCode() {
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
		if !strings.HasSuffix(line, " "+self+"\n") {
			continue
		}
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); n != 3 || strings.Contains(rights, "w") {
			continue
		}
		// A kernel that says no keeps them: nothing is lost.
		unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	}
}

// file is how much of the program file is in memory, 0 if that is not known.
func file() (bytes uint64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident, shared uint64
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		return 0
	}
	return shared * uint64(os.Getpagesize())
}

// heap is how much memory the heap holds, in use or not.
func heap() (bytes uint64) {
	read := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(read)
	for _, r := range read {
		bytes += r.Value.Uint64()
	}
	return bytes
}
