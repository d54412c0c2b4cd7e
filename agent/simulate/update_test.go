package simulate

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// A machine takes a version as a real one does: it fetches a while, starts anew
// when nobody is there, and then runs it; some do not get it, and some go back.
func TestTakesAnImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		became := map[string]int{}
		for seed := range uint64(60) {
			m := newMachine(rand.New(rand.NewPCG(seed, 1)), serving, false, "kaaaaaaaaaaaa", ed25519.NewKeyFromSeed(make([]byte, 32)), time.Now())
			m.occupy(time.Now())
			order := wire.Order{ID: "00000000000000c1", Name: fleet.UpdateImage, Image: &wire.Image{Version: "1.2.0"}}
			if told := m.take(order, time.Now()); len(told) != 0 {
				t.Fatalf("answered at once: %v", told)
			}
			began, answered := time.Now(), ""
			for m.version == firstVersion && !m.fell && time.Since(began) < 2*time.Hour && answered != "untrusted" {
				time.Sleep(time.Second) // in the bubble's time
				for _, one := range m.step(time.Now()) {
					if r, ok := one.(wire.Result); ok {
						answered = r.Why
						if r.OK {
							answered = "ok"
						}
						if took := time.Since(began); took < 20*time.Second || r.Command != order.ID {
							t.Errorf("%+v after %v", r, took)
						}
					}
				}
				if m.restarts(time.Now()) {
					if m.state.InSession() || m.state == fleet.Erasing || answered != "ok" {
						t.Fatalf("it starts anew while %s, answered %q", m.state, answered)
					}
					m.restart(time.Now())
				}
			}
			if m.take(order, time.Now()) != nil {
				t.Error("the same order once more is another")
			}
			reported := slices.Contains(m.report(time.Now()).Faults, fleet.ImageFellBack)
			became[fmt.Sprint(answered, " ", m.version, " ", reported)]++
		}
		if len(became) != 3 || became["ok 1.2.0 false"] < 40 || became["ok 1.0.0 true"] == 0 || became["untrusted 1.0.0 false"] == 0 {
			t.Errorf("%v", became)
		}
	})
	m := newMachine(rand.New(rand.NewPCG(1, 1)), serving, true, "kaaaaaaaaaaaa", ed25519.NewKeyFromSeed(make([]byte, 32)), time.Now())
	for version, want := range map[string]wire.Result{firstVersion: {Command: "00000000000000c1", OK: true}, "0.9": {Command: "00000000000000c1", Why: "older"}} {
		m.update = update{}
		told := m.take(wire.Order{ID: "00000000000000c1", Image: &wire.Image{Version: version}}, time.Now())
		if len(told) != 1 || told[0] != want {
			t.Errorf("%s: %v", version, told)
		}
	}
}
