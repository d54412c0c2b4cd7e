package boottest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// With how little memory it works: from the start to a session that is proved
// to be gone. YHTEISKONE_BOOT_MEMORY names the sizes in MiB; without it nothing
// runs.
func TestMemory(t *testing.T) {
	image, programs, shots := given(t)
	sizes := strings.Fields(os.Getenv("YHTEISKONE_BOOT_MEMORY"))
	if len(sizes) == 0 {
		t.Skip("YHTEISKONE_BOOT_MEMORY names no sizes")
	}
	for _, size := range sizes {
		t.Run(size, func(t *testing.T) {
			mib, err := strconv.Atoi(size)
			if err != nil {
				t.Fatal(err)
			}
			m := newMachine(t, image, programs, filepath.Join(shots, "memory-"+size))
			began := time.Now()
			m.start(bios(), mib)
			m.free()
			t.Logf("%d MiB: free after %.0f s", mib, time.Since(began).Seconds())
			m.left(t, "at the welcome page")
			m.introduce()
			before := m.proof()
			m.open(marker())
			m.left(t, "in a session")
			m.picture("session")
			m.end()
			until(t, patienceOfEyes, "the proof", func() (bool, string) {
				p := m.proof()
				return p.Seq > before.Seq, fmt.Sprint(p)
			})
			if p := m.proof(); !p.OK {
				t.Errorf("the wipe was not proved: %+v", p)
			}
			m.free()
			m.sees(welcomed())
			m.left(t, "after it")
			if killed, _ := m.eyes.try("dmesg | grep -iE 'out of memory|oom-kill'"); killed != "" {
				t.Errorf("the kernel ended something for want of memory: %s", killed)
			}
		})
	}
}

// left notes how much memory there is.
func (m *machine) left(t *testing.T, when string) {
	t.Helper()
	said := m.eyes.see("grep -E '^(MemTotal|MemAvailable|Shmem):' /proc/meminfo; systemd-analyze time | head -n 1; journalctl -b -o cat --no-pager -u yhteiskone | grep -cE 'does not|did not|gone' || true")
	t.Logf("%s: %s", when, strings.Join(strings.Fields(said), " "))
}
