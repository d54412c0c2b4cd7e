package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/agent/simulate"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// Over real lines: kiosks that go are shown as gone within five seconds, at a
// site that is closed as closed, and as free within five seconds of their
// return.
func TestGoneAndBack(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "agent.toml")
	if err := os.WriteFile(file, []byte("[sites.yo]\nhours = {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, filepath.Join(dir, "data"), "--config", file)
	token := p.command("token", "add", "monitor", "--role", "viewer")
	var codes []string
	var e wire.Enrolment
	for _, site := range []string{"ranta", "yo"} {
		if err := json.Unmarshal([]byte(p.command("enrol", "--site", site, "--name", "Kone", "--uses", "2", "--json")), &e); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, e.Code)
	}
	// say is "site status" of every kiosk, and how often each is there.
	say := func() map[string]int {
		_, text := p.get("/api/v1/kiosks", token)
		var all []apiKiosk
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for _, k := range all {
			out[string(k.Site)+" "+string(k.Status)]++
		}
		return out
	}
	within := func(what string, began time.Time, ok func(map[string]int) bool) {
		t.Helper()
		eventually(t, what, func() bool { return ok(say()) })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: after %v", what, took)
		} else {
			t.Logf("%s: after %v", what, took)
		}
	}
	free := func(m map[string]int) bool { return m["ranta free"] == 2 && m["yo free"] == 2 }
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		began := time.Now()
		go func() {
			done <- simulate.Run(ctx, simulate.Config{Agent: e.Agent, Pin: identity.Pin(e.Pin), Codes: codes, Kiosks: 4, Seed: 7, Steady: true})
		}()
		within("there", began, free)
		began = time.Now()
		cancel()
		within("gone", began, func(m map[string]int) bool { return m["ranta no_connection"] == 2 && m["yo closed"] == 2 })
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
