package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// A machine breaks and a spare takes its place: one command, one file, one
// start. It is the same machine to staff, with the past of the one before it;
// and that one, though it runs on, is let in no more.
func TestBrowserReplaced(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	for range 2 { // the broken machine has a past, and more proofs than the spare will have
		p.kiosk.Press(rig.TileBank)
		p.kiosk.End()
		seq = p.kiosk.Wiped(30*time.Second, seq)
	}
	p.kiosk.Is(20*time.Second, "rid of all messages", func(s rig.Status) bool { return s.Agent.Connected && s.Agent.Waiting == 0 })
	p.agent.Sees(10*time.Second, "its last proof", func(m rig.Machine) bool { return m.Proof != nil && m.Proof.Seq == seq })
	id := fleet.KioskID(p.id())

	began := time.Now()
	out := p.Path("spare.json")
	code, _, errs := p.Run([]string{"YHTEISKONE_TOKEN=" + p.agent.Token()}, p.Bin+"/provision", "replace", "kone 3",
		"--agent", p.agent.URL, "--pin", string(p.agent.Pin()), "--out", out)
	if code != 0 {
		t.Fatalf("provision replace: exit %d: %s", code, errs)
	}
	text, err := os.ReadFile(out)
	p.do(err)
	var join rig.Enrolment
	p.do(json.Unmarshal(text, &join))
	screen := p.NewDisplay()
	spare := p.NewKiosk(screen, p.town, join, rig.KioskOptions{Name: "spare"})
	spare.Begin()
	first := spare.In(60*time.Second, fleet.Ready).Proof.Seq
	p.agent.Sees(20*time.Second, "the spare in its place", func(m rig.Machine) bool {
		return m.ID == id && m.Name == "Kone 3" && m.Status == fleet.StatusFree && m.Proof != nil && m.Proof.Seq == first && m.Proof.OK
	})
	t.Logf("the spare is free %v after the command", time.Since(began))

	p.kiosk.Is(10*time.Second, "without an agent", func(s rig.Status) bool { return !s.Agent.Connected })
	spare.Press(rig.TileBank)
	p.agent.Sees(10*time.Second, "somebody at the spare", func(m rig.Machine) bool { return m.Status == fleet.StatusInUse })
	spare.End()
	next := spare.Wiped(30*time.Second, first)
	p.agent.Sees(20*time.Second, "the spare's own proofs in their chain", func(m rig.Machine) bool {
		return m.Status == fleet.StatusFree && m.Proof != nil && m.Proof.Seq == next && !m.Has(fleet.ProofInvalid)
	})
	if all, err := p.agent.Machines(); err != nil || len(all) != 1 {
		t.Errorf("the agent knows %+v, %v", all, err)
	}
	if page := p.agent.SignIn().Get("/kiosks/" + string(id)); !strings.Contains(page, "Toinen kone tuli tämän tilalle") {
		t.Error("the machine's page does not tell that another took its place")
	}
	if s, err := p.kiosk.Status(); err != nil || s.Agent.Connected {
		t.Errorf("the machine before it is let in again: %+v, %v", s, err)
	}
}
