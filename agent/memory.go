package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// restEvery is how often the agent looks whether it holds memory for nothing.
const restEvery = 10 * time.Second

// giveBack returns memory to the system after something large was done, such
// as hashing a password (19 MiB each). By itself the runtime takes minutes.
// It acts when the heap holds an eighth more than after the last time, so a
// heap that is large because there is much to hold is left alone. For a
// thousand kiosks that costs a few milliseconds, at most every ten seconds.
func giveBack(ctx context.Context) error {
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	rest := uint64(0)
	for {
		if heap() > rest+rest/8+512<<10 {
			debug.FreeOSMemory()
			rest = heap()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
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
