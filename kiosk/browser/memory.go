package browser

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"yhteiskone/kiosk/group"
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
