package escape

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

// trial is one row tried in one mode.
type trial struct {
	*room
	row Row
	saw findings
}

// What an attempt comes to.
const (
	blocked  = "the browser says that the page is blocked"
	nothing  = "nothing happens"
	refused  = "the page is told no"
	allowed  = "an allowed page opens, under the same rules"
	over     = "the session ends, with a proof"
	empty    = "an empty tab comes, and is closed"
	confined = "a dialog that sees the session's files only"
)

func (t *trial) found(what string) { t.saw[what]++ }

// tries binds the rows that are tried here to how. The table says the rest.
func tries() map[int]func(*trial) {
	return map[int]func(*trial){
		1: tryFiles, 2: trySource, 3: tryInternal, 4: tryDevtools, 5: tryCrash, 6: tryScript, 7: tryData, 8: trySchemes, 9: tryApps,
		10: tryOpen, 11: trySave, 12: tryUpload, 13: tryPickers, 14: tryPaper, 15: tryPrint, 16: tryPrintDialog,
		17: tryHelp, 18: tryFullScreen, 19: tryTools, 20: tryMenu, 21: tryWindows, 22: tryPopUp, 23: tryEnding, 24: tryRestore,
		25: tryPages, 26: tryTaskManager, 27: tryFocus, 28: tryBack, 29: tryDesktop, 34: trySticky, 40: tryDrag, 41: tryPaste,
		42: tryNetwork, 43: tryError, 44: tryPrompts, 45: tryExtensions, 46: tryDownloads, 47: tryFloods,
	}
}

// TestBrowserEscapes tries every row that the table marks `here`, by mouse and
// keyboard, and prints one line per row and mode.
func TestBrowserEscapes(t *testing.T) {
	only := os.Getenv("YHTEISKONE_ESCAPES") // "all", or numbers such as "1 47" for whoever works on a row
	for _, mode := range modes() {
		t.Run(string(mode), func(t *testing.T) {
			r := enter(t, mode)
			began := time.Now()
			for _, row := range Table() {
				if row.Where != TriedHere || only == "" && mode == fleet.Errands && !row.Lists() {
					continue
				}
				if only != "" && only != "all" && !strings.Contains(" "+only+" ", fmt.Sprintf(" %d ", row.N)) {
					continue
				}
				t.Run(fmt.Sprintf("%02d", row.N), func(t *testing.T) { r.try(t, row) })
			}
			r.kiosk.Proofs()
			t.Logf("%s: all rows in %v", mode, time.Since(began).Round(time.Second))
		})
	}
}

// try tries one row in a running session, and looks at the room afterwards.
func (r *room) try(t *testing.T, row Row) {
	outer := r.TB
	defer func() { r.TB = outer }()
	r.TB = t
	began := time.Now()
	saw, whole := r.attempt(t, row)
	if !whole && !t.Failed() {
		saw, whole = r.attempt(t, row)
	}
	if !whole {
		t.Errorf("the row could not be tried")
	}
	if len(saw) == 0 {
		t.Errorf("the row tried nothing")
	}
	verdict := "stopped"
	if t.Failed() {
		verdict = "NOT STOPPED"
	}
	t.Logf("escape %02d %-7s %s: %s: %s (%v)", row.N, r.mode, verdict, row.Attempt, saw, time.Since(began).Round(100*time.Millisecond))
}

// attempt tries a row once and tells what was seen and whether it was gone
// through. What stops half-way is looked at as well, and ends its session.
func (r *room) attempt(t *testing.T, row Row) (findings, bool) {
	a, x := &attempt{TB: t}, &trial{r, row, findings{}}
	r.TB = a
	whole := a.run(func() {
		r.begin()
		tries()[row.N](x)
		if r.browser != 0 {
			r.calm()
		}
	})
	r.TB = t
	if whole && !t.Failed() {
		return x.saw, true
	}
	if !whole {
		t.Logf("escape %02d %-7s could not be tried: %s", row.N, r.mode, a.stuck)
		r.foreign()
	}
	r.picture(fmt.Sprintf("%02d", row.N))
	if r.status().InSession() { // what comes next begins in a fresh session
		r.kiosk.End()
		r.ended()
	}
	return x.saw, whole
}

// picture keeps what the screen shows when something fails: the test site's own
// pages only.
func (r *room) picture(name string) {
	dir := os.Getenv("YHTEISKONE_PICTURES")
	if dir == "" {
		return
	}
	if err := r.display.Picture(r.Ctx, fmt.Sprintf("%s/escape-%s-%s.png", dir, r.mode, name)); err != nil {
		r.Logf("no picture: %v", err)
	}
}
