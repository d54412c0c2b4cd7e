package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/client"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/town"
	"yhteiskone/internal/fleet"
)

// The main scenario: everything is real, and every frame between kiosk
// and agent is kept to be searched.
func TestBrowserErrandLeavesNothingBehind(t *testing.T) {
	w := rig.New(t)
	p := &place{World: w, town: openTown(t)}
	p.agent = p.NewAgent("--plain-http")
	cable := p.NewProxy(p.agent.URL)
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{Agent: cable.URL()})
	p.kiosk.Begin()
	t.Logf("start to ready on the dashboard: %v", p.agent.Shows(30*time.Second, fleet.StatusFree))
	staff := p.agent.SignIn()
	seq := p.kiosk.Is(5*time.Second, "proved", func(s rig.Status) bool { return s.Proof != nil && s.Agent.Connected }).Proof.Seq

	since := time.Now()
	c := p.client()
	p.pressTile()
	p.agent.Shows(5*time.Second, fleet.StatusInUse)
	if page := staff.Get("/"); !strings.Contains(page, "Käytössä") {
		t.Error("the dashboard does not say that the kiosk is in use")
	}
	if err := c.Errand(p.Ctx); err != nil {
		t.Fatal(err)
	}
	p.pressEnd()
	seq = p.kiosk.Wiped(10*time.Second, seq)
	p.agent.Sees(5*time.Second, "free with the proof", func(m rig.Machine) bool {
		return m.Status == fleet.StatusFree && m.Proof != nil && m.Proof.OK && m.Proof.Seq == seq
	})
	if page := staff.Get("/"); !strings.Contains(page, "Vapaa") {
		t.Error("the dashboard does not say that the kiosk is free")
	}
	p.kiosk.Proofs()
	p.gone(c.Visit.Markers, since)

	// The next client's own errand finds everything as if nobody had been here:
	// no known browser at the identification service, no offered credentials.
	next := p.client()
	p.kiosk.Press(rig.TileBank)
	if err := next.Errand(p.Ctx); err != nil {
		t.Fatalf("the next client's errand: %v", err)
	}
	p.kiosk.End()
	p.kiosk.Wiped(10*time.Second, seq)
	if leaks := p.town.Leaks(); len(leaks) > 0 {
		t.Errorf("the town saw markers of an earlier visit: %q", leaks)
	}
	p.nowhere("what went over the cable", everything(t, cable), c.Visit.Markers, next.Visit.Markers)
	p.nowhere("what the programs printed", []byte(w.Logs()), c.Visit.Markers, next.Visit.Markers)
	p.nowhere("the agent's data", files(t, p.agent.Data), c.Visit.Markers, next.Visit.Markers)
	p.nowhere("the kiosk's state", files(t, p.kiosk.State), c.Visit.Markers, next.Visit.Markers)
}

// everything is every byte that went over the cable, unmasked.
func everything(t *testing.T, cable *rig.Proxy) []byte {
	t.Helper()
	frames, rest, err := cable.Frames()
	if err != nil {
		t.Fatalf("read what went over the cable: %v", err)
	}
	kinds := map[bool]int{}
	for _, f := range frames {
		kinds[f.FromKiosk]++
		rest = append(append(rest, f.Text...), '\n')
	}
	if kinds[true] < 5 || kinds[false] < 3 {
		t.Fatalf("the cable carried only %d frames of the kiosk and %d of the agent", kinds[true], kinds[false])
	}
	return rest
}

// files is the content of every file in a folder.
func files(t *testing.T, dir string) (all []byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch {
		case e.IsDir():
			all = append(all, files(t, dir+"/"+e.Name())...)
		case e.Type().IsRegular():
			text, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
	}
	return all
}

// nowhere checks that data, which should be some, holds no marker and no host
// of the town.
func (p *place) nowhere(where string, data []byte, visits ...town.Markers) {
	p.Helper()
	if len(data) == 0 {
		p.Errorf("%s: nothing to search", where)
	}
	for _, m := range visits {
		if found := m.Find(data); len(found) > 0 {
			p.Errorf("%s holds markers: %q", where, found)
		}
	}
	for _, host := range []string{town.Bank, town.Benefits, town.Identity, town.Chooser} {
		if strings.Contains(string(data), host) {
			p.Errorf("%s names %s", where, host)
		}
	}
}

// gone checks that nothing of an ended visit is left on the machine, and that
// the next client's browser finds nothing of it.
func (p *place) gone(m town.Markers, since time.Time) {
	p.Helper()
	found, looked, err := rig.Search(m, since, "/tmp", "/var/tmp", "/dev/shm", os.Getenv("HOME"), os.Getenv("XDG_RUNTIME_DIR"), p.Dir)
	if err != nil {
		p.Fatal(err)
	}
	if looked == 0 {
		p.Error("the search of the disk read no file, though the kiosk must have written some")
	}
	found = append(found, rig.SearchProcesses(m)...)
	for _, name := range []string{"clipboard", "primary", "secondary"} {
		if text, owned := p.display.Selection(p.Ctx, name); owned {
			found = append(found, "the selection "+name+" has an owner")
			for _, marker := range m.Find([]byte(text)) {
				found = append(found, marker+" in the selection "+name)
			}
		}
	}
	if len(found) > 0 {
		p.Errorf("left of the visit: %q", found)
	}
	next := p.client()
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	p.kiosk.Press(rig.TileBenefits)
	if err := next.FreshAt(p.Ctx, town.Benefits); err != nil {
		p.Fatal(err)
	}
	text, err := next.Paste(p.Ctx)
	if err != nil {
		p.Fatal(err)
	}
	if text != "" {
		p.Errorf("the next client could paste %d characters", len(text))
	}
	p.kiosk.End()
	p.kiosk.Wiped(10*time.Second, seq)
	if leaks := p.town.Leaks(); len(leaks) > 0 {
		p.Errorf("the town saw markers of an earlier visit: %q", leaks)
	}
}

// plant runs the part of the errand that leaves most behind.
func (p *place) plant() *client.Client {
	p.Helper()
	c := p.client()
	p.kiosk.Press(rig.TileBank)
	if err := c.Plant(p.Ctx); err != nil {
		p.Fatal(err)
	}
	return c
}

// As on the image, where the kiosk's user is nobody else's: every new file and
// process of that user counts, and still the proof is clean, session after
// session.
func TestBrowserAloneWipesStrictly(t *testing.T) {
	p := open(t, rig.KioskOptions{Alone: true})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	for range 2 {
		since := time.Now()
		c := p.plant()
		p.pressEnd()
		seq = p.kiosk.Wiped(10*time.Second, seq)
		p.gone(c.Visit.Markers, since)
	}
	p.kiosk.Proofs()
}
