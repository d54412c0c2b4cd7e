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
	r.TB = t
	began := time.Now()
	x := &trial{r, row, findings{}}
	defer func() {
		if t.Failed() {
			r.picture(fmt.Sprintf("%02d", row.N))
			if r.status().InSession() { // the next row begins in a fresh session
				r.kiosk.End()
				r.ended()
			}
		}
		r.TB = outer
	}()
	r.begin()
	tries()[row.N](x)
	if r.browser != 0 {
		r.calm()
	}
	if len(x.saw) == 0 {
		t.Errorf("the row tried nothing")
	}
	verdict := "stopped"
	if t.Failed() {
		verdict = "NOT STOPPED"
	}
	t.Logf("escape %02d %-7s %s: %s: %s (%v)", row.N, r.mode, verdict, row.Attempt, x.saw, time.Since(began).Round(100*time.Millisecond))
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
