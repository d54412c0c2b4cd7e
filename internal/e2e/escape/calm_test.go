package escape

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// strangers are the processes of this user that are not below this test.
func strangers() map[int]bool {
	own := map[int]bool{os.Getpid(): true}
	for _, p := range rig.Under(os.Getpid()) {
		own[p.Pid] = true
	}
	all := map[int]bool{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || own[pid] {
			continue
		}
		status, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err == nil && strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t", os.Getuid())) && !strings.Contains(string(status), "\nState:\tZ") {
			all[pid] = true
		}
	}
	return all
}

// sessionPrograms are what may run below the kiosk, by the names that the
// kernel keeps (15 letters).
func sessionPrograms() []string {
	return []string{"openbox", "bwrap", "chromium", "chrome_crashpad", "kiosk", "sh"}
}

// calm checks that nothing but our shell and pages is there: the windows, the
// strip, the processes, the session.
func (r *room) calm() {
	r.Helper()
	var all []hand.Window
	fault := ""
	ok := r.later(patience, func() bool {
		var err error
		if all, err = r.display.All(r.Ctx); err != nil {
			fault = err.Error()
			return false
		}
		fault = r.strange(all)
		return fault == ""
	})
	if !ok {
		r.Errorf("the windows: %s", fault)
	}
	if s := r.status(); s != fleet.InUse {
		r.Errorf("the session is %q", s)
	}
	if b := r.kiosk.Browser(); b != r.browser {
		r.Errorf("the browser is process %d, not %d", b, r.browser)
	}
	if !r.later(3*time.Second, func() bool { return alike(r.look(), r.strip) > 0.75 }) {
		r.Errorf("the strip looks otherwise: %.0f %% is as before", 100*alike(r.look(), r.strip))
	}
	r.foreign()
}

// foreign checks that no program runs that does not belong to a session.
func (r *room) foreign() {
	r.Helper()
	for _, p := range rig.Under(r.kiosk.Pid()) {
		if !slices.Contains(sessionPrograms(), p.Name) {
			r.Errorf("a program that does not belong here: %s", p)
		}
	}
	for pid := range strangers() {
		if !r.others[pid] {
			r.Errorf("process %d of this user runs outside the session", pid)
		}
	}
}

// strange says what is wrong with the windows; "" for nothing.
func (r *room) strange(all []hand.Window) string {
	shells, browsers := 0, 0
	for _, w := range all {
		switch {
		case w.Free:
			return "a menu or cover is open: " + w.String()
		case w.Class == rig.ClassShell:
			shells++
			if w.X != 0 || w.Y != r.display.H-stripHeight || w.W != r.display.W || w.H != stripHeight || !w.Shown {
				return "the strip is not in its place: " + w.String()
			}
		case w.Class == classClient && w.Role == "browser":
			browsers++
			if !w.Shown || w.X != 0 || w.Y != 0 || w.W != r.display.W || w.H != r.display.H-stripHeight {
				return "a browser window is not in its place: " + w.String()
			}
		default:
			return "a window that does not belong here: " + w.String()
		}
	}
	if shells != 1 || browsers < 1 {
		return fmt.Sprintf("%d shells and %d browsers", shells, browsers)
	}
	return ""
}

const classClient = "ClientBrowser"

// alike is the share of equal pixels.
func alike(a, b []byte) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return 0
	}
	same := 0
	for i := 0; i+2 < len(a); i += 3 {
		if a[i] == b[i] && a[i+1] == b[i+1] && a[i+2] == b[i+2] {
			same++
		}
	}
	return float64(same) * 3 / float64(len(a))
}

// count is how many windows of the client's browser are there, by role.
func (r *room) count(role string) (n int) {
	all, err := r.display.All(r.Ctx)
	r.do(err)
	for _, w := range all {
		if !w.Free && w.Class == classClient && w.Role == role {
			n++
		}
	}
	return n
}

// popUps are the windows that pages opened.
func (r *room) popUps() (found []hand.Window) {
	all, err := r.display.All(r.Ctx)
	r.do(err)
	for _, w := range all {
		if !w.Free && w.Class == classClient && w.Role == "pop-up" {
			found = append(found, w)
		}
	}
	return found
}
