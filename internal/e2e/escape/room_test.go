package escape

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// room is a kiosk in one mode with the test site, and somebody who tries to
// get out.
type room struct {
	*rig.World
	mode    fleet.Mode
	site    *Site
	display *rig.Display
	kiosk   *rig.Kiosk
	seq     uint64 // of the newest proof when the session began
	browser int    // main process of the client's browser
	strip   []byte // what the strip looked like when the session began
	pages   int
	others  map[int]bool // processes of this user that were there before
}

// The kiosk's look.
const (
	stripHeight = 72
	barHeight   = 87 // the browser's tabs and address above the page
)

// patience is how long anything of one step may take on a busy machine.
const patience = 20 * time.Second

func enter(t *testing.T, mode fleet.Mode) *room {
	t.Helper()
	r := &room{World: rig.NewFor(t, 15*time.Minute), mode: mode}
	s, err := OpenSite()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r.site = s
	agent := r.NewAgent()
	r.display = r.NewDisplay()
	o := rig.KioskOptions{Home: s.Address(Here, "/plain.html?n=tile"), Session: "idle = \"1h\"\nwarn = \"1m\""}
	o.Top = modeLines(mode)
	r.kiosk = r.NewKiosk(r.display, nil, agent.Enrol(), o)
	r.kiosk.Begin()
	r.kiosk.In(60*time.Second, fleet.Ready)
	r.others = strangers()
	return r
}

// in is a context of one step.
func (r *room) in(d time.Duration) (context.Context, context.CancelFunc) { return r.Within(d) }

func (r *room) do(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *room) key(keys ...string)      { r.Helper(); r.do(r.display.Key(r.Ctx, keys...)) }
func (r *room) write(text string)       { r.Helper(); r.do(r.display.Type(r.Ctx, text)) }
func (r *room) click(p Place)           { r.Helper(); r.do(r.display.Click(r.Ctx, p.X, p.Y)) }
func (r *room) title() string           { return r.display.Title(r.Ctx) }
func (r *room) status() fleet.State     { s, _ := r.kiosk.Status(); return s.State }
func (r *room) here(path string) string { return r.site.Address(Here, path) }

// begin starts a session, if none runs.
func (r *room) begin() {
	r.Helper()
	if r.status() == fleet.InUse && r.kiosk.Browser() == r.browser && r.browser != 0 {
		return
	}
	s := r.kiosk.In(60*time.Second, fleet.Ready)
	if s.Proof != nil {
		r.seq = s.Proof.Seq
	}
	r.kiosk.Press(rig.TileBank)
	r.hear("tile", "shown")
	r.browser = r.kiosk.Browser()
	r.Until(patience, "the strip is there", func() (bool, string) { return r.shell().H == stripHeight, "" })
	r.Until(patience, "the page has the keyboard", func() (bool, string) {
		r.click(Place{r.display.W / 2, r.display.H / 2})
		r.key("z")
		ctx, cancel := r.in(time.Second)
		defer cancel()
		_, err := r.site.Wait(ctx, "tile", "key:z")
		return err == nil, ""
	})
	r.strip = r.still(r.endButton())
}

// end ends the session by mouse alone, as a client does, and waits for a clean
// proof. It returns how long the page stayed after the last press.
func (r *room) end() time.Duration {
	r.Helper()
	r.Until(patience, "the kiosk asks whether to end", func() (bool, string) {
		if r.shell().H > stripHeight {
			return true, ""
		}
		r.do(r.display.Click(r.Ctx, r.display.W-60, r.display.H-stripHeight/2))
		return r.later(2*time.Second, func() bool { return r.shell().H > stripHeight }), "the strip only"
	})
	began := time.Now()
	r.Until(2*patience, "yes ends the session", func() (bool, string) {
		if !r.status().InSession() {
			return true, ""
		}
		for _, p := range r.yes() {
			r.click(p)
		}
		return r.later(2*time.Second, func() bool { return !r.status().InSession() }), "a session"
	})
	took := time.Since(began)
	r.ended()
	return took
}

// ended waits until the session is over and its wipe is proved.
func (r *room) ended() {
	r.Helper()
	r.seq = r.kiosk.Wiped(60*time.Second, r.seq)
	r.browser = 0
}

// yes is where "yes" is on the strip that asks: the middle of what is red there
// below the line at its top.
func (r *room) yes() []Place {
	r.Helper()
	shell := r.shell()
	b := hand.Box{Y: r.display.H - shell.H + 12, W: r.display.W, H: shell.H - 12}
	if b.H <= stripHeight {
		return nil
	}
	px, err := r.display.Pixels(r.Ctx, b)
	r.do(err)
	x0, y0, x1, y1 := b.W, b.H, 0, 0
	for i := 0; i+2 < len(px); i += 3 {
		if px[i] > 130 && px[i+1] < 60 && px[i+2] < 80 {
			x, y := i/3%b.W, i/3/b.W
			x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
		}
	}
	if x1 == 0 {
		return nil
	}
	return []Place{{(x0 + x1) / 2, b.Y + (y0+y1)/2}}
}

// later waits a little for a condition and tells whether it came to hold.
func (r *room) later(d time.Duration, holds func() bool) bool {
	ctx, cancel := r.in(d)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		if holds() {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return holds()
		}
	}
}

func (r *room) shell() hand.Box {
	for _, id := range r.display.Windows(r.Ctx, rig.ClassShell) {
		if b, err := r.display.Size(r.Ctx, id); err == nil {
			return b
		}
	}
	return hand.Box{}
}

// endButton is where the strip has the button that ends the session.
func (r *room) endButton() hand.Box {
	return hand.Box{X: r.display.W - 300, Y: r.display.H - stripHeight, W: 300, H: stripHeight}
}

// look is what the end of the strip shows.
func (r *room) look() []byte {
	r.Helper()
	px, err := r.display.Pixels(r.Ctx, r.endButton())
	r.do(err)
	return px
}

// Place is a point of the screen.
type Place struct{ X, Y int }

// shown is what a page of the site says when it is on the screen.
type shown struct {
	N       string `json:"-"`
	Places  map[string]Place
	History int
	W, H    int
}

// at is where the element with that id is.
func (s shown) at(id string) Place { return s.Places[id] }

// bar gives the keyboard to the address bar, by mouse: after a key a busy page
// may still get the next letters. Everything in it is chosen.
func (r *room) bar() {
	r.Helper()
	r.click(Place{r.display.W * 2 / 5, 63})
	r.key("ctrl+a")
}

// enter types an address into the address bar and presses Enter.
func (r *room) enter(address string) {
	r.Helper()
	r.bar()
	r.write(address)
	r.key("Delete", "Return") // what the bar would complete is not meant
}

// open goes to a page of the site and waits until it is on the screen.
func (r *room) open(page string) shown {
	r.Helper()
	r.pages++
	n := "p" + strconv.Itoa(r.pages)
	sign := "?"
	if strings.Contains(page, "?") {
		sign = "&"
	}
	var e Event
	var err error
	for try := range 3 { // a dialog of the row before may take the first words
		r.key("Escape", "Escape")
		address := r.here("/" + page + sign + "n=" + n)
		if try == 0 {
			r.enter(address)
		} else { // the bars may look otherwise than they did
			r.key("ctrl+l", "ctrl+l", "ctrl+a")
			r.write(address)
			r.key("Delete", "Return")
		}
		ctx, cancel := r.in(patience / 2)
		e, err = r.site.Wait(ctx, n, "shown")
		cancel()
		if err == nil {
			break
		}
		r.key("Escape")
	}
	r.do(err)
	s := shown{N: n}
	r.do(json.Unmarshal(e.Detail, &s))
	return s
}

// hear waits for what a page says.
func (r *room) hear(n, event string) Event {
	r.Helper()
	ctx, cancel := r.in(patience)
	defer cancel()
	e, err := r.site.Wait(ctx, n, event)
	r.do(err)
	return e
}

// told waits for the first of several events, for those that end either way.
func (r *room) told(n string, events ...string) string {
	r.Helper()
	found := ""
	ctx, cancel := r.in(patience)
	defer cancel()
	err := r.site.Until(ctx, func() bool {
		for _, e := range events {
			if r.site.Said(n, e) {
				found = e
				return true
			}
		}
		return false
	})
	if err != nil {
		r.Fatalf("page %s said none of %q", n, events)
	}
	return found
}

// reaches sends keys to the page and waits until the page has them: the sign
// that the keyboard is the page's and that all keys before have been dealt with.
func (r *room) reaches(n, key string) {
	r.Helper()
	name := strings.ToLower(key)
	r.key(key)
	r.hear(n, "key:"+name)
}

// alive checks that the page still has the keyboard: an ordinary letter comes.
func (r *room) alive(n string) {
	r.Helper()
	r.reaches(n, "q")
}

// copied is what the keys put on the clipboard; "" if nothing came.
func (r *room) copied(keys ...string) string {
	r.Helper()
	const nothing = "nothing was copied"
	clip := r.clip()
	stop, err := clip.Put(r.Ctx, nothing)
	r.do(err)
	defer stop()
	read := func() string {
		ctx, cancel := r.in(3 * time.Second)
		defer cancel()
		s, _ := clip.Selection(ctx, "clipboard")
		return s
	}
	r.Until(patience, "the clipboard is ours", func() (bool, string) { return read() == nothing, "" })
	got := nothing
	for range 3 {
		r.key(keys...)
		if r.later(2*time.Second, func() bool { got = read(); return got != nothing && got != "" }) {
			break
		}
	}
	if got == nothing {
		return ""
	}
	return got
}

// clip is hands for the clipboard that the X server trusts as little as the
// client's browser: it keeps the two kinds apart. They are made anew each time,
// because such cookies do not live long.
func (r *room) clip() hand.Hand {
	r.Helper()
	h := hand.Hand{Display: r.display.Hand.Display, Xauthority: r.Write("clip", "")}
	if code, _, errs := r.Run(r.display.Env(), "xauth", "-q", "-f", h.Xauthority, "generate", h.Display, ".", "untrusted", "timeout", "600"); code != 0 {
		r.Fatalf("make a cookie for the clipboard: %s", errs)
	}
	return h
}

// selection is what a selection holds, and whether anybody has it. An owner
// that does not answer holds nothing.
func (r *room) selection(name string) (string, bool) {
	r.Helper()
	ctx, cancel := r.in(3 * time.Second)
	defer cancel()
	return r.clip().Selection(ctx, name)
}

// address is what the address bar says.
func (r *room) address() string {
	r.Helper()
	r.bar()
	a := r.copied("ctrl+a", "ctrl+c")
	r.key("Escape", "Escape")
	return a
}

// text is all words of the page. A press near its edge gives it the keyboard.
func (r *room) text() string {
	r.Helper()
	r.click(Place{r.display.W - 40, r.display.H / 2})
	return r.copied("ctrl+a", "ctrl+c")
}

// isBlockedPage reports whether a page's words are those of a blocked one: the
// browser's own in Finnish, or the kiosk's.
func isBlockedPage(words string) bool {
	return strings.Contains(words, "Tämä sivu on estetty") || strings.Contains(words, "Tämä sivu ei aukea tällä koneella")
}

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

// findings are what a row's attempts came to, for the line that it prints.
type findings map[string]int

func (f findings) String() string {
	var all []string
	for what, n := range f {
		all = append(all, fmt.Sprintf("%s ×%d", what, n))
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

// pageBox is where the page is.
func (r *room) pageBox() hand.Box {
	return hand.Box{Y: barHeight + 1, W: r.display.W, H: r.display.H - stripHeight - barHeight - 1}
}

// page is what the page shows.
func (r *room) page() []byte {
	r.Helper()
	px, err := r.display.Pixels(r.Ctx, r.pageBox())
	r.do(err)
	return px
}

// drag takes what is at one place to another.
func (r *room) drag(from, to Place) {
	r.Helper()
	r.do(r.display.Drag(r.Ctx, hand.Box{X: from.X, Y: from.Y}, hand.Box{X: to.X, Y: to.Y}))
}

// oneWindow closes the windows that a row opened, by the keyboard.
func (r *room) oneWindow() {
	r.Helper()
	r.Until(patience, "one window is left", func() (bool, string) {
		n := r.count("browser") + r.count("pop-up")
		if n <= 1 {
			return true, ""
		}
		r.key("Escape", "ctrl+shift+w")
		r.later(time.Second, func() bool { return r.count("browser")+r.count("pop-up") < n })
		return false, fmt.Sprintf("%d windows", n)
	})
}

// back closes the tab that came over the page, if one came.
func (r *room) back(title string) (came bool) {
	r.Helper()
	if r.later(700*time.Millisecond, func() bool { return !strings.HasPrefix(r.title(), title) }) {
		r.key("ctrl+w")
		r.Until(patience, "the page is in front again", func() (bool, string) { return strings.HasPrefix(r.title(), title), r.title() })
		return true
	}
	return false
}
