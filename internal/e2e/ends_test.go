package e2e

import (
	"fmt"
	"net/url"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// Every way in which a session can end takes the same path: afterwards nothing
// is left, a proof says so, and the next client finds a fresh browser.
func TestBrowserEveryEndWipes(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	staff := p.agent.SignIn()
	ends := []struct {
		name string
		end  func(t *testing.T)
	}{
		{"the end button", func(*testing.T) { p.pressEnd() }},
		{"kiosk end", func(*testing.T) { p.kiosk.End() }},
		{"staff end it on the dashboard", func(*testing.T) { staff.Post("/kiosks/"+p.id()+"/end_session", url.Values{}) }},
		{"ctrl+w", func(*testing.T) { p.pressUntilOver("ctrl+w") }},
		{"alt+f4", func(*testing.T) { p.pressUntilOver("alt+F4") }},
		{"the client's browser crashes", func(t *testing.T) { kill(t, p.kiosk.Browser()) }},
		{"the shell crashes", func(t *testing.T) { kill(t, p.kiosk.Shell()) }},
		{"the kiosk is told to stop", func(t *testing.T) {
			p.kiosk.Signal(syscall.SIGTERM)
			if code := p.Wait(p.kiosk.Process, 15*time.Second); code != 0 {
				t.Errorf("the kiosk ended with code %d: %s", code, p.kiosk.Out)
			}
			p.kiosk.Begin()
		}},
		{"the kiosk is killed", func(*testing.T) {
			p.kiosk.Kill()
			took := p.Until(5*time.Second, "everything ends with the kiosk", func() (bool, string) {
				strays := p.Strays()
				return len(strays) == 0, fmt.Sprint(strays)
			})
			t.Logf("everything ended %v after the kiosk", took)
			p.kiosk.Begin()
		}},
		{"the power is cut", func(*testing.T) { p.powerCut() }},
	}
	for _, e := range ends {
		ok := t.Run(e.name, func(t *testing.T) {
			outer := p.TB
			p.TB = t
			defer func() { p.TB = outer }()
			seq := p.kiosk.In(60*time.Second, fleet.Ready).Proof.Seq
			since := time.Now()
			c := p.plant()
			planted := time.Since(since)
			e.end(t)
			seq = p.kiosk.Wiped(25*time.Second, seq)
			wiped := time.Since(since)
			p.agent.Sees(5*time.Second, "the proof", func(m rig.Machine) bool { return m.Proof != nil && m.Proof.OK && m.Proof.Seq >= seq })
			p.gone(c.Visit.Markers, since)
			t.Logf("planted after %v, ready again after %v, searched after %v", planted, wiped, time.Since(since))
		})
		if !ok {
			t.Fatal("the ends after this one would tell nothing")
		}
	}
	p.kiosk.Proofs()
}

// A machine that nobody touches warns, and then ends the session.
func TestBrowserIdleWipes(t *testing.T) {
	p := open(t, rig.KioskOptions{Session: "idle = \"9s\"\nwarn = \"4s\"\nlimit = \"0s\""})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	since := time.Now()
	c := p.plant()
	p.kiosk.In(8*time.Second, fleet.Warning)
	p.kiosk.Wiped(10*time.Second, seq)
	p.gone(c.Visit.Markers, since)
}

// A session ends at its limit although the client is busy; the kiosk says so
// before.
func TestBrowserLimitWipes(t *testing.T) {
	p := open(t, rig.KioskOptions{Session: "idle = \"2m\"\nwarn = \"4s\"\nlimit = \"14s\""})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	since := time.Now()
	c := p.plant()
	p.Until(20*time.Second, "the kiosk warns a client who is busy", func() (bool, string) {
		p.do(p.display.Move(p.Ctx, 400+int(time.Now().UnixMilli()%50), 300))
		s, err := p.kiosk.Status()
		return err == nil && s.State == fleet.Warning, string(s.State)
	})
	p.kiosk.Wiped(15*time.Second, seq)
	if took := time.Since(since); took < 13*time.Second {
		t.Errorf("the session ended after %v, before its limit", took)
	}
	p.gone(c.Visit.Markers, since)
}

// One press too many ends nothing: the question opens on "no", and Escape
// means no as well.
func TestBrowserEndIsNoAccident(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	p.kiosk.Press(rig.TileBank)
	for _, key := range []string{"Return", "Escape"} {
		p.askEnd()
		p.until(5*time.Second, "the question closes on "+key, func() (bool, string) {
			if p.shell().H == stripHeight {
				return true, ""
			}
			p.do(p.display.Key(p.Ctx, key)) // one that comes very soon counts as a tremble
			return false, "asked"
		})
		if s := p.kiosk.In(time.Second, fleet.InUse); s.State != fleet.InUse {
			t.Errorf("%s ended the session", key)
		}
	}
	seq := p.kiosk.In(time.Second, fleet.InUse).Proof.Seq
	p.pressEnd()
	p.kiosk.Wiped(10*time.Second, seq)
}

// pressUntilOver presses keys in the client's browser until the session is
// over. While the download still runs the browser asks whether to go on with
// it; Escape says yes, and the next try finds it done.
func (p *place) pressUntilOver(key string) {
	p.Helper()
	presses := 0
	p.until(8*time.Second, key+" ends the session", func() (bool, string) {
		s, err := p.kiosk.Status()
		if err == nil && !s.State.InSession() {
			return true, ""
		}
		if presses++; presses > 1 {
			p.do(p.display.Key(p.Ctx, "Escape"))
		}
		p.do(p.display.Key(p.Ctx, key))
		return false, "a session"
	})
	p.Logf("%s pressed %d times", key, presses)
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if pid == 0 {
		t.Fatal("there is no such process to kill")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// powerCut ends everything at the kiosk at once, and then starts it as the
// machine's next boot does.
func (p *place) powerCut() {
	p.Helper()
	for _, f := range rig.Under(p.kiosk.Pid()) {
		syscall.Kill(f.Pid, syscall.SIGKILL)
	}
	p.kiosk.Kill()
	p.display.PowerCut()
	p.display = p.NewDisplay()
	p.kiosk.Display = p.display
	p.kiosk.Begin()
}

// id is the only kiosk's.
func (p *place) id() string {
	p.Helper()
	all, err := p.agent.Machines()
	if err != nil || len(all) != 1 {
		p.Fatalf("the agent knows %d kiosks: %v", len(all), err)
	}
	return string(all[0].ID)
}
