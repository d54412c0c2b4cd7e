package e2e

import (
	"testing"
	"time"

	"yhteiskone/internal/e2e/client"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/town"
	"yhteiskone/internal/fleet"
)

// place is a world with an agent, a display, a town and one kiosk that is
// ready, as most scenarios need it.
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
	p.kiosk.In(15*time.Second, fleet.Ready)
	return p
}

// client is a new person at the kiosk.
func (p *place) client() *client.Client {
	return &client.Client{Hand: p.display.Hand, Visit: p.town.Begin(), Downloads: downloads}
}

func TestBrowserErrand(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	p.agent.Shows(10*time.Second, fleet.StatusFree)
	c := p.client()
	p.kiosk.Press(rig.TileBank)
	if err := c.Errand(p.Ctx); err != nil {
		t.Fatal(err)
	}
	p.agent.Shows(10*time.Second, fleet.StatusInUse)
}
