package e2e

import (
	"testing"
	"time"

	"yhteiskone/internal/e2e/client"
	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/town"
	"yhteiskone/internal/fleet"
)

// place is a world with an agent, a display, a town and one kiosk, as most
// scenarios need it.
type place struct {
	*rig.World
	town    *town.Town
	display *rig.Display
	agent   *rig.Agent
	kiosk   *rig.Kiosk
}

// downloads is where the kiosk's browser keeps what it downloads.
const downloads = "/home/client/Lataukset"

func openTown(t *testing.T) *town.Town {
	t.Helper()
	tw, err := town.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tw.Close)
	return tw
}

// open sets up a place; the kiosk is enrolled and ready.
func open(t *testing.T, o rig.KioskOptions, agentFlags ...string) *place {
	t.Helper()
	p := &place{World: rig.New(t), town: openTown(t)}
	p.agent = p.NewAgent(agentFlags...)
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), o)
	p.kiosk.Begin()
	p.kiosk.In(60*time.Second, fleet.Ready)
	if s, err := p.kiosk.Printed(); err != nil || s.State != fleet.Ready {
		p.Fatalf("kiosk status says %+v, %v", s, err)
	}
	return p
}

// client is a new person at the kiosk.
func (p *place) client() *client.Client {
	return &client.Client{Hand: p.display.Hand, Visit: p.town.Begin(), Downloads: downloads}
}

// do fails the test for an error of a hand.
func (p *place) do(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// pressTile presses the second tile of the welcome page, which leads to the
// bank: the second of four columns, in the upper row of two.
func (p *place) pressTile() {
	p.Helper()
	p.kiosk.In(5*time.Second, fleet.Ready)
	var next time.Time // a second press would be the page's
	p.Until(10*time.Second, "the press on the tile begins a session", func() (bool, string) {
		s, err := p.kiosk.Status()
		if err == nil && s.State == fleet.Ready && time.Now().After(next) {
			p.do(p.display.Click(p.Ctx, p.display.W*3/8, p.display.H*2/5))
			next = time.Now().Add(3 * time.Second)
		}
		return err == nil && s.State == fleet.InUse, string(s.State)
	})
}

// until is World.Until for conditions that act themselves: it asks less often.
func (p *place) until(d time.Duration, what string, holds func() (bool, string)) {
	p.Helper()
	next := time.Now()
	p.Until(d, what, func() (bool, string) {
		if time.Now().Before(next) {
			return false, "waiting"
		}
		next = time.Now().Add(time.Second)
		return holds()
	})
}

// shell is the size of the shell's window.
func (p *place) shell() hand.Box {
	p.Helper()
	for _, id := range p.display.Windows(p.Ctx, rig.ClassShell) {
		if b, err := p.display.Size(p.Ctx, id); err == nil {
			return b
		}
	}
	return hand.Box{}
}

// stripHeight is the strip's, from the kiosk's look.
const stripHeight = 72

// askEnd presses End, at the strip's end, and waits for the question.
func (p *place) askEnd() {
	p.Helper()
	p.Until(5*time.Second, "the strip is there", func() (bool, string) { return p.shell().H == stripHeight, "" })
	// A press just as the strip comes up may have been meant for what stood
	// there before: it does not count.
	p.until(10*time.Second, "the kiosk asks whether to end", func() (bool, string) {
		if p.shell().H > stripHeight {
			return true, ""
		}
		p.do(p.display.Click(p.Ctx, p.display.W-60, p.display.H-stripHeight/2))
		return false, "not asked"
	})
}

// pressEnd presses End and says yes.
func (p *place) pressEnd() {
	p.Helper()
	p.askEnd()
	// The keyboard is on "no", and "yes" sleeps a moment against trembling
	// hands.
	p.do(p.display.Key(p.Ctx, "Tab"))
	p.until(10*time.Second, "yes ends the session", func() (bool, string) {
		p.do(p.display.Key(p.Ctx, "Return"))
		s, err := p.kiosk.Status()
		return err == nil && !s.State.InSession(), string(s.State)
	})
}
