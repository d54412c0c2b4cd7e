package escape

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/slow"
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
	r := &room{World: rig.NewFor(t, 25*time.Minute), mode: mode}
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

// in is a context of one step. What should come may take longer on a slow
// machine; a look whether something comes at all takes as long as written.
func (r *room) in(d time.Duration) (context.Context, context.CancelFunc) {
	if d > 2*time.Second {
		d = slow.Stretch(d)
	}
	return r.Within(d)
}

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
	tick := time.NewTicker(100 * time.Millisecond) // most looks start a program
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
