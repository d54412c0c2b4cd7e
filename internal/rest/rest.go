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
// so a heap that is large because there is much to hold is left alone. It
// returns nil when the context ends.
func GiveBack(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	rest := uint64(0)
	for {
		if heap() > rest+rest/8+512<<10 {
			debug.FreeOSMemory()
			dropCode()
			rest = heap()
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
