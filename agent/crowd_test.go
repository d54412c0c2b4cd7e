package main

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"yhteiskone/agent/simulate"
	"yhteiskone/internal/identity"
)

// TestSilentKiosksHoldNothing: a kiosk that says nothing holds no goroutine,
// through TLS and everything else that is around its socket.
func TestSilentKiosksHoldNothing(t *testing.T) {
	for name, args := range map[string][]string{"TLS": nil, "plain": {"--plain-http"}} {
		t.Run(name, func(t *testing.T) {
			p := startAgent(t, t.TempDir(), args...)
			token := p.command("token", "add", "monitor", "--role", "viewer")
			e := p.enrolment(12)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				done <- simulate.Run(ctx, simulate.Config{Agent: e.Agent, Pin: identity.Pin(e.Pin), Codes: []string{e.Code}, Kiosks: 12, Seed: 7, Steady: true})
			}()
			eventually(t, "silent kiosks without a goroutine", func() bool {
				_, text := p.get("/api/v1/kiosks", token)
				return strings.Count(string(text), `"status":"free"`)+strings.Count(string(text), `"status":"in_use"`) == 12 && receiving() == 0
			})
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// receiving counts the goroutines that wait for a kiosk, or take in what it says.
func receiving() int {
	all := make([]byte, 4<<20)
	return strings.Count(string(all[:runtime.Stack(all, true)]), "yhteiskone/agent/gate.(*session).receive(")
}
