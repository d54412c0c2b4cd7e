package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"yhteiskone/kiosk/group"
	"yhteiskone/kiosk/procs"
)

const mib = 1 << 20

// shares are how much of the machine's memory a session's folders may take, in
// bytes. They are files in memory: more of them than memory would take the
// machine down.
type shares struct{ home, tmp, shm, small int64 }

// sharesOf divides a machine's memory: all folders together stay below a third.
func sharesOf(total int64) shares {
	return shares{
		home:  clamp(total/8, 128*mib, 1024*mib),
		tmp:   clamp(total/16, 64*mib, 512*mib),
		shm:   clamp(total/16, 64*mib, 512*mib),
		small: 16 * mib,
	}
}

// boundsOf is what a session may take of a machine's memory, folders included,
// where a control group holds it: the rest is for the kiosk, its shell and the
// X server.
func boundsOf(total int64) group.Bounds {
	return group.Bounds{
		Memory: max(total-max(total/4, 768*mib), 512*mib),
		Tasks:  int(clamp(total/mib/2, 1024, 4096)),
	}
}

func clamp(n, low, high int64) int64 { return min(max(n, low), high) }

// oomScore puts a browser's main process, with which all of the session ends,
// before the kiosk, its shell (whose pages have 300) and the X server when the
// kernel has to make room, and behind a page of the session that takes much.
const oomScore = "350"

// giveWay says so to the kernel. Chromium sets all its processes' scores when
// it starts, so it is said once the browser has painted. A kernel that does not
// listen goes by size alone.
func (r *running) giveWay() {
	if r.main == 0 {
		return
	}
	path := filepath.Join(procs.Root, strconv.Itoa(r.main), "oom_score_adj")
	if r.o.User == nil {
		os.WriteFile(path, []byte(oomScore), 0)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	r.o.User.does(ctx, "echo "+oomScore+" > "+path) // only its own user may
}

// memoryTotal is the machine's memory in bytes.
func memoryTotal() (int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("look at the machine's memory: %w", err)
	}
	return parseTotal(string(b))
}

func parseTotal(text string) (int64, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "MemTotal:" || f[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || n <= 0 || n > 1<<50 {
			break
		}
		return n << 10, nil
	}
	return 0, errors.New("look at the machine's memory: the kernel does not tell it")
}
