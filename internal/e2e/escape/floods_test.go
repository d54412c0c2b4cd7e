package escape

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
)

// flood is a page that takes more than its share.
type flood struct {
	kind string
	// runs tells that it really happens.
	runs func() bool
}

// endWithin is how long the session may take to end by mouse while a page
// takes the machine, on a busy test machine.
const endWithin = 45 * time.Second

// leftFree is the least memory that a flood must leave to the machine, as a
// share of what was free before.
const leftFree = 0.3

// tryFloods lets pages take the machine, one session each. The strip stays,
// the session ends by mouse, and its proof is clean.
func tryFloods(t *trial) {
	many := func(n int) func() bool { return func() bool { return t.count("pop-up")+t.count("browser") >= n } }
	sent := t.site.Sent()
	for _, f := range []flood{
		{"popups", many(12)},
		{"tabs", func() bool { return t.site.Asked(Here, "/hit/tab") >= 20 }},
		{"downloads", func() bool { return t.site.Sent()-sent > 200<<20 }},
		{"forks", func() bool { return t.parts() >= 12 }},
		{"workers", func() bool { return t.threads() >= 60 }},
		{"alerts", t.asks},
		{"leaving", nil},
		{"prints", t.asks},
		{"curtain", nil},
	} {
		t.one(f)
	}
}

func (t *trial) one(f flood) {
	t.Helper()
	t.begin()
	free := available(t)
	s := t.open("flood.html?kind=" + f.kind)
	px := t.still(t.pageBox())
	t.press(s, "go", "begins")
	if f.runs != nil && !t.later(patience, f.runs) {
		t.Errorf("%s: it did not really happen", f.kind)
	}
	if f.kind == "curtain" {
		t.impostor(s, px)
	}
	least := free
	t.later(3*time.Second, func() bool { least = min(least, available(t)); return false })
	if float64(least) < leftFree*float64(free) {
		t.Errorf("%s: of %d MB free memory %d MB are left", f.kind, free>>20, least>>20)
	}
	t.bounded(f.kind)
	t.stripStays(f.kind)
	if took := t.end(); took > endWithin {
		t.Errorf("%s: the session ended %v after it was told to", f.kind, took)
	}
	t.later(patience, func() bool { return float64(available(t)) > 0.9*float64(free) })
	t.found(f.kind + ": the strip stays, the session ends by mouse, the proof is clean")
}

// impostor checks that a page which asked for everything has nothing but its
// own window: the strip is not covered, and Escape gives the mouse back.
func (t *trial) impostor(s shown, px []byte) {
	t.Helper()
	if !t.later(patience, func() bool { return alike(t.page(), px) < 0.5 }) {
		t.Error("curtain: the page did not draw it")
	}
	if t.site.Said(s.N, "fullscreen") {
		t.Error("curtain: the page went to full screen")
	}
	t.key("Escape")
}

// stripStays checks place and picture of the strip, whatever lies above it.
func (t *trial) stripStays(kind string) {
	t.Helper()
	var all []hand.Window
	ok := t.later(patience, func() bool {
		var err error
		all, err = t.display.All(t.Ctx)
		if err != nil {
			return false
		}
		for _, w := range all {
			if w.Class == rig.ClassShell && w.Shown && w.H == stripHeight && w.Y == t.display.H-stripHeight {
				return alike(t.look(), t.strip) > 0.75
			}
		}
		return false
	})
	if !ok {
		t.Errorf("%s: the strip is not there as before (%.0f %% alike)", kind, 100*alike(t.look(), t.strip))
	}
}

// bounded checks that the session's folders in memory can take a part of the
// machine's memory only.
func (t *trial) bounded(kind string) {
	t.Helper()
	var sum uint64
	seen := map[unix.Fsid]bool{}
	for _, dir := range []string{"/home/client", "/tmp", "/var", "/run", "/dev/shm", "/"} {
		var fs unix.Statfs_t
		if err := unix.Statfs(t.inside(dir), &fs); err != nil {
			continue
		}
		if fs.Type != unix.TMPFS_MAGIC || seen[fs.Fsid] {
			continue
		}
		seen[fs.Fsid] = true
		if fs.Flags&unix.ST_RDONLY == 0 {
			sum += fs.Blocks * uint64(fs.Bsize)
		}
	}
	if total := memory(t, "MemTotal"); sum == 0 || sum > total*6/10 {
		t.Errorf("%s: the session's folders may take %d of %d MB", kind, sum>>20, total>>20)
	}
}

// parts are the browser's processes that draw pages.
func (t *trial) parts() (n int) {
	for _, p := range rig.Under(t.kiosk.Pid()) {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Pid)); err == nil && bytes.Contains(line, []byte("--type=renderer")) {
			n++
		}
	}
	return n
}

// threads is how many threads the busiest process of the session has.
func (t *trial) threads() (most int) {
	for _, p := range rig.Under(t.kiosk.Pid()) {
		if all, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.Pid)); err == nil {
			most = max(most, len(all))
		}
	}
	return most
}

// asks reports whether a question of the browser lies over the page.
func (t *trial) asks() bool {
	before := t.page()
	return alike(before, before) == 1 && darker(before)
}

// darker reports whether the page is dimmed, as it is under a question: its
// corner is white otherwise.
func darker(px []byte) bool {
	const row = 3 * 1366
	at := row*(len(px)/row-20) + 3*40
	return px[at] < 200
}

func available(t *trial) uint64 { return memory(t, "MemAvailable") }

func memory(t *trial, name string) uint64 {
	text, err := os.ReadFile("/proc/meminfo")
	t.do(err)
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			kb, err := strconv.ParseUint(string(bytes.Fields(rest)[0]), 10, 64)
			t.do(err)
			return kb << 10
		}
	}
	t.Fatalf("/proc/meminfo has no %s", name)
	return 0
}
