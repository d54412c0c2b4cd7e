package browser_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/spawn/spawntest"
)

// In units, a session is the client's user's as well, and ends as a whole: also
// when somebody who broke out has stopped the process that would end it.
func TestBrowserInUnits(t *testing.T) {
	u := otherUser(t)
	if u == nil {
		return
	}
	units := filepath.Join(t.TempDir(), "units")
	whom := &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}
	for _, name := range []string{"session", "door"} {
		spawntest.Listen(t, filepath.Join(units, name), whom, nil)
	}
	d := newDesk(t)
	s, w := newSite(t, d, "MARKER-"+random(t)), d.wiper(t)
	o := d.options()
	var err error
	o.User, _, err = browser.FindUnits(t.Context(), clientName(t), units)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := browser.FindUnits(t.Context(), "nobody", units); err == nil {
		t.Error("units that run as somebody else were taken for nobody's")
	}
	o.Units, o.Untrusted = units, d.display.UntrustedCookie
	b := newBrowser(t, o)
	for _, stopped := range []bool{false, true} {
		mark := begin(t, w)
		r := start(t, b, mark)
		if err := r.Open(s.URL + "/"); err != nil {
			t.Fatal(err)
		}
		s.hear(t)
		bwrap, _ := browser.Pids(r)
		table, err := procs.Scan(procs.Root)
		if err != nil {
			t.Fatal(err)
		}
		for pid := range table.Descendants(bwrap) {
			if !table[pid].Of([]int{u.UID}) {
				t.Errorf("process %d of the sandbox has the users %v", pid, table[pid].UIDs)
			}
		}
		if stopped {
			if err := unix.Kill(table[bwrap].PPID, unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		kill(t, r)
		t.Logf("Kill took %v, stopped: %v", time.Since(began), stopped)
		if n := livingOf(t, u.UID); n != 0 {
			t.Errorf("%d processes of the client's user are left", n)
		}
	}
}
