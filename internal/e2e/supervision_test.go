package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/fleet"
)

// recovery is how long the kiosk may take from a part's death or freeze until
// it serves the next client with a proved wipe behind it.
const recovery = 10 * time.Second

// Each part that the kiosk stands on dies, and freezes, at rest and in a
// session: within ten seconds the machine is clean, verified and ready again.
func TestBrowserSupervision(t *testing.T) {
	parts := []struct {
		name string
		pid  func(p *place, x *rig.Keeper) int
	}{
		{"the shell", func(p *place, _ *rig.Keeper) int { return p.kiosk.Shell() }},
		{"the client's browser", func(p *place, _ *rig.Keeper) int { return p.kiosk.Browser() }},
		{"the window manager", func(p *place, _ *rig.Keeper) int { return named(p.kiosk.Pid(), "openbox") }},
		{"the X server", func(_ *place, x *rig.Keeper) int { return x.Server().Pid() }},
	}
	for _, part := range parts {
		for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
			verb := map[syscall.Signal]string{syscall.SIGKILL: "dies", syscall.SIGSTOP: "freezes"}[how]
			t.Run(strings.ReplaceAll(part.name+" "+verb, " ", "_"), func(t *testing.T) {
				p := open(t, rig.KioskOptions{})
				x := p.Keep(p.display)
				defer x.Stop()
				for _, inSession := range []bool{false, true} {
					seq := p.kiosk.In(60*time.Second, fleet.Ready).Proof.Seq
					token, canary := p.kiosk.Session()
					if inSession {
						p.kiosk.Press(rig.TileBank)
						p.kiosk.In(5*time.Second, fleet.InUse)
						token, canary = p.kiosk.Session()
					}
					pid := part.pid(p, x)
					if pid == 0 {
						t.Fatalf("%s is not there", part.name)
					}
					from := time.Now()
					if err := syscall.Kill(pid, how); err != nil {
						t.Fatal(err)
					}
					p.Until(5*time.Second, "the signal has reached it", func() (bool, string) {
						state := rig.StateOf(pid)
						return state == "" || strings.Contains("TtZX", state), state
					})
					p.recovered(pid, seq, inSession)
					took := time.Since(from)
					t.Logf("%s %s, in a session: %v: well again after %v", part.name, verb, inSession, took.Round(time.Millisecond))
					if took > slow.Stretch(recovery) {
						t.Errorf("that took %v, more than %v", took, slow.Stretch(recovery))
					}
					if inSession {
						if found := (&matrix{place: p}).left(token, canary); len(found) > 0 {
							t.Errorf("left behind: %v", found)
						}
					}
				}
				p.kiosk.Proofs()
			})
		}
	}
}

// A browser can hang though its process runs, and nobody has stopped it: only
// that it does not answer tells. It is noticed and then replaced in the time of
// every other end. The one that still runs gets more time, for that may be a
// heavy page on an old machine.
func TestBrowserHangs(t *testing.T) {
	for _, c := range []struct {
		how       string
		trusted   bool
		inSession []bool
		noticed   time.Duration
	}{
		{rig.WaitsForEver, false, []bool{false, true}, 14 * time.Second},
		{rig.WaitsForEver, true, []bool{true}, 14 * time.Second},
		{rig.RunsInCircle, false, []bool{true}, 34 * time.Second},
	} {
		t.Run(strings.ReplaceAll(fmt.Sprintf("%s trusted %v", c.how, c.trusted), " ", "_"), func(t *testing.T) {
			trust := "x_trust = \"never\""
			if c.trusted {
				trust = "x_trust = \"always\""
			}
			p := open(t, rig.KioskOptions{Browser: trust})
			for _, inSession := range c.inSession {
				seq := p.kiosk.In(60*time.Second, fleet.Ready).Proof.Seq
				token, canary := p.kiosk.Session()
				if inSession {
					p.kiosk.Press(rig.TileBank)
					p.kiosk.In(5*time.Second, fleet.InUse)
					token, canary = p.kiosk.Session()
				}
				pid := p.kiosk.Browser()
				if err := rig.Hang(pid, c.how); err != nil {
					t.Fatal(err)
				}
				from := time.Now()
				p.Until(c.noticed, "the browser is taken for frozen", func() (bool, string) {
					if stopped(pid) {
						t.Fatal("somebody has stopped it: that is another way to freeze")
					}
					return p.kiosk.Browser() != pid, rig.StateOf(pid)
				})
				noticed := time.Since(from)
				p.recovered(pid, seq, inSession)
				took := time.Since(from)
				t.Logf("%s, in a session: %v: gone after %v, well again after %v", c.how, inSession, noticed.Round(time.Millisecond), took.Round(time.Millisecond))
				if took-noticed > slow.Stretch(recovery) {
					t.Errorf("recovered %v after it was noticed, more than %v", took-noticed, slow.Stretch(recovery))
				}
				if inSession {
					if found := (&matrix{place: p}).left(token, canary); len(found) > 0 {
						t.Errorf("left behind: %v", found)
					}
				}
			}
			p.kiosk.Proofs()
		})
	}
}

// recovered waits until the part is gone or another one, and the kiosk ready
// with a good proof.
func (p *place) recovered(pid int, seq uint64, inSession bool) {
	p.Helper()
	p.Until(3*recovery, "the kiosk is well again", func() (bool, string) {
		if p.kiosk.Ended() {
			p.Fatalf("the kiosk ended with code %d", p.kiosk.Code())
		}
		if stopped(pid) {
			return false, fmt.Sprintf("process %d is still there", pid)
		}
		s, err := p.kiosk.Status()
		if err != nil {
			return false, err.Error()
		}
		shell, browser, manager := p.kiosk.Shell(), p.kiosk.Browser(), named(p.kiosk.Pid(), "openbox")
		ok := s.State == fleet.Ready && s.Proof != nil && s.Proof.OK && (!inSession || s.Proof.Seq > seq) &&
			shell != 0 && browser != 0 && manager != 0 && shell != pid && browser != pid && manager != pid
		return ok, fmt.Sprintf("%+v, shell %d, browser %d, window manager %d", s, shell, browser, manager)
	})
}

// stopped reports whether the process is there and does not run.
func stopped(pid int) bool {
	state := rig.StateOf(pid)
	return state == "T" || state == "t"
}

// named is the first process below pid with that name, 0 if there is none.
func named(pid int, name string) int {
	for _, f := range rig.Under(pid) {
		if f.Name == name {
			return f.Pid
		}
	}
	return 0
}
