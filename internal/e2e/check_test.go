package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// checked runs provision check as a technician does at home.
func (p *place) checked(flags ...string) (code int, a wire.SheetAnswer, errs string) {
	p.Helper()
	args := append([]string{p.Bin + "/provision", "check", "kone 3", "--agent", p.agent.URL, "--pin", string(p.agent.Pin()), "--json"}, flags...)
	code, out, errs := p.Run([]string{"YHTEISKONE_TOKEN=" + p.agent.Token()}, args...)
	if out != "" {
		p.do(json.Unmarshal([]byte(out), &a))
	}
	return code, a, errs
}

// row finds a row of the sheet.
func row(a wire.SheetAnswer, code string) (found wire.SheetLine) {
	for _, r := range a.Sheet.Rows {
		if r.Code == code {
			found = r
		}
	}
	return found
}

// checksHere has the machine checked at the machine: five presses of F8 open
// the technician's view, and a click on its button asks for it.
func (p *place) checksHere() {
	p.Helper()
	corner := hand.Box{X: p.display.W - 340, Y: p.display.H - 110, W: 320, H: 90}
	before, err := p.display.Look(p.Ctx, corner)
	p.do(err)
	still := 0 // on a busy machine the welcome page is drawn a while after it is ready
	p.until(30*time.Second, "the welcome page is drawn", func() (bool, string) {
		now, err := p.display.Look(p.Ctx, corner)
		p.do(err)
		if still++; now != before {
			before, still = now, 0
		}
		return still == 10, ""
	})
	p.until(15*time.Second, "the technician's view opens", func() (bool, string) {
		now, err := p.display.Look(p.Ctx, corner)
		p.do(err)
		if now == before {
			p.do(p.display.Key(p.Ctx, "F8", "F8", "F8", "F8", "F8"))
		}
		return now != before, ""
	})
	p.until(60*time.Second, "the sheet that was asked for at the machine", func() (bool, string) {
		_, a, errs := p.checked("--last")
		if a.Sheet != nil && a.Sheet.Signed.Command == fleet.CheckedHere {
			return true, ""
		}
		p.do(p.display.Click(p.Ctx, p.display.W-120, p.display.H-66))
		return false, errs
	})
}

// A technician has a real machine checked, first while somebody uses it: the
// errand is not disturbed, and the signed sheet comes when it is over. It says
// the truth: with a wipe that was not verified the machine is not accepted.
func TestBrowserAcceptance(t *testing.T) {
	p := open(t, rig.KioskOptions{})
	seq := p.kiosk.In(5*time.Second, fleet.Ready).Proof.Seq
	p.agent.Shows(10*time.Second, fleet.StatusFree)
	p.checksHere()
	p.kiosk.Press(rig.TileBank) // the view is open still, and in nobody's way
	code, _, errs := p.checked("--wait", "2s")
	if code != 3 || !strings.Contains(errs, "somebody uses the machine") {
		t.Errorf("a machine in use: exit %d: %s", code, errs)
	}
	p.kiosk.In(5*time.Second, fleet.InUse)
	p.kiosk.End()
	seq = p.kiosk.Wiped(10*time.Second, seq)
	var a wire.SheetAnswer
	p.until(30*time.Second, "the sheet that was asked for in the session", func() (bool, string) {
		code, a, errs = p.checked("--last")
		return a.Sheet != nil && a.Sheet.Signed.Command != fleet.CheckedHere, errs
	})
	if !a.Result.WipeProved || a.Sheet.Signed.Proof == nil || a.Sheet.Signed.Proof.Seq != seq {
		t.Errorf("the sheet's proof is not number %d: %+v, %+v", seq, a.Result, a.Sheet.Signed.Proof)
	}
	if n := a.Result.Ways.All; n != 47 {
		t.Errorf("%d ways out are on the sheet, not 47", n)
	}
	// This is no image: what the rig's machine lacks, the sheet must name.
	for code, want := range map[string]fleet.Mark{"wipe": fleet.Passed, "user": fleet.Passed, "image": fleet.Failed, "client_user": fleet.Failed, fleet.WayCode(1): fleet.Passed} {
		if r := row(a, code); r.Mark != want && !(code == fleet.WayCode(1) && r.Mark == fleet.Unknown) { // ways are known of committed programs only
			t.Errorf("%s is %q, not %q (%s)", code, r.Mark, want, r.Value)
		}
	}

	p.kiosk.Press(rig.TileBank)
	_, canary := p.kiosk.Session()
	left := filepath.Join("/tmp", "left-over-"+canary[:8])
	p.do(os.WriteFile(left, []byte(canary), 0o600))
	p.Cleanup(func() { os.Remove(left) })
	p.kiosk.End()
	p.kiosk.In(20*time.Second, fleet.OutOfOrder)
	code, a, errs = p.checked("--wait", "60s")
	if code != 1 || !strings.Contains(errs, "is not finished") || a.Result == nil || a.Result.Accepted || a.Result.WipeProved || row(a, "wipe").Mark != fleet.Failed {
		t.Errorf("a machine with an unverified wipe: exit %d: %s: %+v", code, errs, a.Result)
	}
	if page := p.agent.SignInAs("Teemu", "technician").Get("/kiosks/" + string(a.Kiosk) + "/sheet"); !strings.Contains(page, a.Sheet.Signed.Command) {
		t.Error("the page to print is not of that sheet")
	}
}
