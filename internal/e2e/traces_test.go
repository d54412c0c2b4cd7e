package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/trace"
	"yhteiskone/internal/fleet"
)

// TracesEnv names a file: the hunt writes its places there when it begins, and
// the same name with ".end" when it is over, so that make traces can watch from
// outside.
const tracesEnv = "YHTEISKONE_TRACES"

// A busy session changes nothing outside of its sandbox but what the table
// explains.
func TestBrowserTraces(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	p.agent.Shows(20*time.Second, fleet.StatusFree)
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	places := p.places()
	planted := filepath.Join(os.TempDir(), "yk-planted-"+filepath.Base(p.Dir))
	watch := watchAll(t)
	begin := os.Getenv(tracesEnv)
	if begin != "" {
		text, err := json.Marshal(places)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(begin, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	p.busy()
	p.kiosk.End()
	p.kiosk.Wiped(25*time.Second, seq)
	if begin != "" {
		if err := os.WriteFile(begin+".end", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The watch works: it sees what is planted now, and the table does not
	// explain it.
	if err := os.WriteFile(planted, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(planted)
	changes, err := watch.Stop()
	if err != nil {
		t.Fatal(err)
	}
	lines := trace.Explain(ours(changes, begin), places, trace.Rows())
	found := 0
	for _, l := range trace.Unexplained(lines) {
		if l.Path == places.Name(planted) {
			found++
			continue
		}
		t.Errorf("nothing explains %s (%s, %d times)", l.Path, strings.Join(l.What, " "), l.Times)
	}
	if found != 1 {
		t.Error("the planted file was not noticed: the hunt shows nothing")
	}
	if len(lines) < 8 {
		t.Errorf("only %d paths changed: the hunt did not see the kiosk at work", len(lines))
	}
	t.Logf("%d changes\n%s", len(changes), trace.Table(lines))
}

// watchAll watches every folder in which this user can leave something.
func watchAll(t *testing.T) *trace.Watcher {
	t.Helper()
	watch, err := trace.WatchFolders("/tmp", "/var/tmp", "/dev/shm", "/run/lock", os.Getenv("HOME"), os.Getenv("XDG_RUNTIME_DIR"), os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return watch
}

// places are the folders of this scenario by the names that the table has.
func (p *place) places() trace.Places {
	return trace.Places{"STATE": p.kiosk.State, "RUN": p.kiosk.Runtime, "AGENT": p.agent.Data, "WORLD": p.Dir,
		"HOME": os.Getenv("HOME"), "TMP": "/tmp", "VARTMP": "/var/tmp", "SHM": "/dev/shm"}
}

// ours leaves out what other users of the machine do, and the hunt's own file.
func ours(changes []trace.Change, own string) []trace.Change {
	return slices.DeleteFunc(changes, func(c trace.Change) bool {
		return (own != "" && strings.HasPrefix(c.Path, own)) || (c.UID >= 0 && c.UID != os.Getuid()) || (c.UID < 0 && starting(c.Path))
	})
}

// starting reports whether it is what an X server writes for a moment while it
// starts. Ours runs before the hunt begins, so it is somebody else's.
func starting(path string) bool {
	for _, pattern := range []string{"/tmp/.tX*-lock", "/tmp/server-*.xkm"} {
		if is, err := filepath.Match(pattern, path); err == nil && is {
			return true
		}
	}
	return false
}

// busy is a session in which everything happens that could leave a trace: the
// whole errand with its log-ins, download, upload, databases, worker, file
// dialog, copying and pasting; the print preview; a page's process that
// crashes.
func (p *place) busy() {
	p.Helper()
	c := p.client()
	p.kiosk.Press(rig.TileBank)
	p.do(c.Errand(p.Ctx))
	p.do(p.display.Key(p.Ctx, "ctrl+p"))
	p.Until(20*time.Second, "the print preview has a process of its own", func() (bool, string) {
		return len(p.pages()) > 1, ""
	})
	p.do(p.display.Key(p.Ctx, "Escape"))
	pages := p.pages()
	p.until(20*time.Second, "the crashed pages are gone", func() (bool, string) {
		now := p.pages()
		left := slices.DeleteFunc(slices.Clone(pages), func(pid int) bool { return !slices.Contains(now, pid) })
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGABRT) // one that writes a core dump where that is not forbidden
		}
		return len(pages) > 0 && len(left) == 0, fmt.Sprint(left, " of ", pages)
	})
}

// pages are the processes of the pages in the client's browser.
func (p *place) pages() (pids []int) {
	for _, f := range rig.Under(p.kiosk.Browser()) {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(f.Pid), "cmdline"))
		if err == nil && strings.Contains(string(line), "--type=renderer") {
			pids = append(pids, f.Pid)
		}
	}
	return pids
}
