package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"yhteiskone/agent/simulate"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// A machine is checked over a real line: its signed sheet comes, is kept over a
// restart of the agent, and says what it comes to.
func TestCheckAMachine(t *testing.T) {
	dir := t.TempDir()
	p := startAgent(t, dir)
	e := p.enrolment(1)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- simulate.Run(ctx, simulate.Config{Agent: e.Agent, Pin: identity.Pin(e.Pin), Codes: []string{e.Code}, Kiosks: 1, Seed: 1, Steady: true})
	}()
	defer func() { stop(); <-ended }()
	technician := p.command("token", "add", "teppo", "--role", "technician")
	person := p.command("token", "add", "satu", "--role", "staff")
	var all []apiKiosk
	eventually(t, "the kiosk is free", func() bool {
		_, body := p.get("/api/v1/kiosks", person)
		return json.Unmarshal(body, &all) == nil && len(all) == 1 && all[0].Status == fleet.StatusFree && all[0].LastProof != nil
	})
	base := wire.KiosksPath + "/" + string(all[0].ID)
	if status, _ := p.do(http.MethodPost, base+"/check", person, nil); status != http.StatusForbidden {
		t.Errorf("staff have a machine checked: %d", status)
	}
	var answer wire.SheetAnswer
	ask := func(query string, headers ...string) wire.SheetAnswer {
		t.Helper()
		answer = wire.SheetAnswer{}
		status, body := p.get(base+"/sheet"+query, person, headers...)
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%d: %v: %s", status, err, body)
		}
		return answer
	}
	if a := ask(""); a.Sheet != nil || a.Result != nil || a.Check != "" || !a.Connected || a.Name != "Kone" {
		t.Errorf("before the first: %+v", a)
	}
	if a := ask("?command=00000000000000c1"); a.Check != wire.CheckGone {
		t.Errorf("of a check that nobody ordered: %+v", a)
	}
	var ordered wire.CheckOrdered
	status, body := p.do(http.MethodPost, base+"/check", technician, nil)
	if json.Unmarshal(body, &ordered) != nil || status != http.StatusAccepted || !ordered.Connected {
		t.Fatalf("%d: %s", status, body)
	}
	eventually(t, "the sheet is there", func() bool { return ask("?command="+ordered.Command).Check == wire.CheckMade })
	check := func(a wire.SheetAnswer) {
		t.Helper()
		signed := a.Sheet.Signed.Fleet(a.Kiosk)
		if err := proof.VerifySheet(a.Sheet.PublicKey, signed); err != nil || signed.Command != ordered.Command || a.Sheet.Who != "token teppo" || len(a.Sheet.Rows) != len(fleet.SheetCodes()) {
			t.Errorf("%v: %s, %+v", err, a.Sheet.Who, signed)
		}
		if r := a.Result; !r.Accepted || r.Whole || !r.WipeProved || r.Ways.All != 47 || r.Ways.Hand != 2 || r.Ways.Here+r.Ways.Build != 45 || !strings.HasPrefix(r.Text, "45 / 47 kunnossa, tyhjennys todistettu") {
			t.Errorf("%+v", r)
		}
	}
	check(answer)
	if a := ask("", "Accept-Language", "en"); !strings.HasPrefix(a.Result.Text, "45 of 47 in order, wipe proved.") || a.Sheet.Rows[0].Name != "Memory" {
		t.Errorf("%+v", a.Result)
	}
	stop()
	<-ended
	ended <- nil
	eventually(t, "the kiosk is gone", func() bool { return !ask("").Connected })
	status, body = p.do(http.MethodPost, base+"/check", technician, nil)
	if json.Unmarshal(body, &ordered) != nil || status != http.StatusAccepted || ordered.Connected {
		t.Errorf("%d: %s", status, body)
	}
	if a := ask("?command=" + ordered.Command); a.Check != wire.CheckWaiting || a.Sheet == nil {
		t.Errorf("of a machine that is off: %+v", a)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	again := startAgent(t, dir)
	status, body = again.get(base+"/sheet", person)
	if json.Unmarshal(body, &answer) != nil || status != http.StatusOK || answer.Sheet == nil || answer.Result.Ways.All != 47 {
		t.Errorf("after a restart: %d, %s", status, body)
	}
}
