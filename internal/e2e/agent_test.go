package e2e

import (
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// The agent is killed and started again while sessions run and end: what it
// acknowledged is not lost, and nothing arrives twice.
func TestBrowserAgentKilled(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	for range 2 {
		p.kiosk.Press(rig.TileBank)
		p.agent.Kill()
		p.kiosk.End()
		seq = p.kiosk.Wiped(10*time.Second, seq)
		waiting := p.kiosk.Is(10*time.Second, "waiting for the agent", func(s rig.Status) bool { return !s.Agent.Connected && s.Agent.Waiting > 0 })
		if waiting.State != fleet.Ready {
			t.Errorf("the kiosk is %s without its agent, not ready", waiting.State)
		}
		p.agent.Begin()
		p.kiosk.Is(60*time.Second, "rid of all messages", func(s rig.Status) bool { return s.Agent.Connected && s.Agent.Waiting == 0 })
		p.agent.Sees(10*time.Second, "every proof, in its chain", func(m rig.Machine) bool {
			return m.Status == fleet.StatusFree && m.Proof != nil && m.Proof.Seq == seq && m.Proof.OK && !m.Has(fleet.ProofInvalid)
		})
		// And now it is killed right after it acknowledged.
		p.kiosk.Press(rig.TileBank)
		p.kiosk.End()
		seq = p.kiosk.Wiped(10*time.Second, seq)
		p.kiosk.Is(10*time.Second, "rid of all messages", func(s rig.Status) bool { return s.Agent.Waiting == 0 })
		p.agent.Kill()
		p.agent.Begin()
		p.agent.Sees(10*time.Second, "the proof that it acknowledged", func(m rig.Machine) bool {
			return m.Proof != nil && m.Proof.Seq == seq && !m.Has(fleet.ProofInvalid)
		})
		p.kiosk.Is(60*time.Second, "connected", func(s rig.Status) bool { return s.Agent.Connected })
	}
	p.kiosk.Proofs()
}

// A kiosk that stands still is missed within 35 s, one whose cable is cut
// within 5 s. Meanwhile an enrolment code grows too old.
func TestBrowserConnectionLost(t *testing.T) {
	w := rig.New(t)
	p := &place{World: w, town: openTown(t)}
	p.agent = p.NewAgent()
	old, made := p.agent.Enrol("--ttl", "1m"), time.Now()
	cable := p.NewProxy(p.agent.URL)
	p.display = p.NewDisplay()
	p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{Agent: cable.URL()})
	p.kiosk.Begin()
	p.agent.Shows(15*time.Second, fleet.StatusFree)

	p.kiosk.Signal(syscall.SIGSTOP)
	took := p.agent.Shows(35*time.Second, fleet.StatusNoConnection)
	t.Logf("stopped kiosk missed after %v", took)
	p.kiosk.Signal(syscall.SIGCONT)
	p.agent.Shows(60*time.Second, fleet.StatusFree)

	cable.Cut()
	took = p.agent.Shows(5*time.Second, fleet.StatusNoConnection)
	t.Logf("cut cable noticed after %v", took)
	p.agent.Sees(time.Second, "what to do", func(m rig.Machine) bool {
		return m.Has(fleet.NoConnection) && m.Faults[0].Text != "" && m.Faults[0].Todo != ""
	})
	cable.Mend()
	p.agent.Shows(60*time.Second, fleet.StatusFree)

	p.Until(time.Minute, "the code is too old", func() (bool, string) { return time.Since(made) > 61*time.Second, "" })
	late := p.NewKiosk(p.display, p.town, old, rig.KioskOptions{Name: "late"})
	p.kiosk.Signal(syscall.SIGTERM)
	p.Wait(p.kiosk.Process, 15*time.Second)
	refused(t, late, "code")
}

// The help call: a press in the strip, a call on the dashboard, an answer, and
// the strip says so.
func TestBrowserHelp(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	staff := p.agent.SignIn()
	p.kiosk.Press(rig.TileBank)
	p.Until(5*time.Second, "the strip is there", func() (bool, string) { return p.shell().H == stripHeight, "" })
	strip := hand.Box{X: 0, Y: p.display.H - stripHeight, W: p.display.W / 2, H: stripHeight}
	before, err := p.display.Look(p.Ctx, strip)
	p.do(err)

	// A press just as the strip comes up may have been meant for what stood
	// there before: it does not count.
	p.until(10*time.Second, "the call is heard by the agent", func() (bool, string) {
		s, err := p.kiosk.Status()
		if err == nil && s.Help == "" {
			p.do(p.display.Click(p.Ctx, 60, p.display.H-stripHeight/2))
		}
		return err == nil && s.Help == "ringing", s.Help
	})
	called := p.looksOther(strip, before)
	call := ""
	p.Until(5*time.Second, "the call is on the dashboard", func() (bool, string) {
		if m := regexp.MustCompile(`name="call" value="([0-9a-f]{16})"`).FindStringSubmatch(staff.Get("/")); m != nil {
			call = m[1]
		}
		return call != "", ""
	})
	staff.Post("/kiosks/"+p.id()+"/help", url.Values{"call": {call}, "answer": {string(fleet.Coming)}})
	p.kiosk.Is(5*time.Second, "answered", func(s rig.Status) bool { return s.Help == string(fleet.Coming) })
	p.looksOther(strip, called)
	p.kiosk.End()
	p.kiosk.In(60*time.Second, fleet.Ready)
	if strings.Contains(staff.Get("/"), call) {
		t.Error("the call is still on the dashboard after its session")
	}
}

// looksOther waits until a part of the screen looks otherwise and returns how.
func (p *place) looksOther(b hand.Box, before string) (now string) {
	p.Helper()
	p.Until(5*time.Second, "the strip shows something new", func() (bool, string) {
		var err error
		now, err = p.display.Look(p.Ctx, b)
		p.do(err)
		return now != before, ""
	})
	return now
}

// A session that leaves something behind ends in a failed proof, a kiosk out
// of order and staff who know what to do.
func TestBrowserLeftover(t *testing.T) {
	for _, kind := range []string{"file", "process"} {
		t.Run(kind, func(t *testing.T) {
			p := &place{World: rig.New(t), town: openTown(t)}
			again := p.Path("restarted")
			p.agent = p.NewAgent()
			p.display = p.NewDisplay()
			p.kiosk = p.NewKiosk(p.display, p.town, p.agent.Enrol(), rig.KioskOptions{
				Test: `leftover = "` + kind + `"`, Restart: "/usr/bin/touch " + again})
			p.kiosk.Begin()
			p.kiosk.In(60*time.Second, fleet.Ready)
			staff := p.agent.SignIn()
			p.kiosk.Press(rig.TileBank)
			p.kiosk.End()
			s := p.kiosk.In(15*time.Second, fleet.OutOfOrder)
			if s.Proof == nil || s.Proof.OK {
				t.Errorf("the proof does not say that something was left: %+v", s.Proof)
			}
			var todo string
			p.agent.Sees(5*time.Second, "out of order with a thing to do", func(m rig.Machine) bool {
				if m.Status != fleet.StatusOutOfOrder || !m.Has(fleet.WipeUnverified) {
					return false
				}
				todo = m.Faults[0].Todo
				return m.Faults[0].Code == fleet.WipeUnverified && todo != "" && m.Proof != nil && !m.Proof.OK
			})
			if page := staff.Get("/"); !strings.Contains(page, strings.SplitN(todo, "”", 2)[0]) {
				t.Errorf("the dashboard does not say what to do (%q)", todo)
			}
			if code, _, _ := p.Run(nil, p.Bin+"/kiosk", "start", "--tile", rig.TileBank, "--config", p.kiosk.Config); code == 0 {
				t.Error("the next client was let in")
			}
			p.Until(5*time.Second, "the machine was asked to restart, once", func() (bool, string) { return exists(again), "" })
		})
	}
}
