package simulate

import (
	"crypto/ed25519"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// day lets one machine live for some hours and returns what it told.
func day(t *testing.T, seed uint64, r role) (told []wire.Message, states map[fleet.State]int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	m := newMachine(rng, r, false, "kaaaaaaaaaaaa", key, time.Now())
	told, states = m.first(time.Now()), map[fleet.State]int{}
	for range 4 * 3600 {
		time.Sleep(time.Second) // in the bubble's time
		told = append(told, m.step(time.Now())...)
		report := m.report(time.Now())
		if _, err := wire.Encode(report); err != nil {
			t.Fatal(err)
		}
		states[report.State]++
	}
	return told, states
}

// What a machine tells is what a real one could tell: its proofs are signed
// and follow each other, its help calls end, and the same seed tells the same.
func TestMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told, states := day(t, 3, serving)
		key := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
		var last *fleet.WipeProof
		calls := map[string]bool{}
		for _, m := range told {
			switch m := m.(type) {
			case wire.Proof:
				p := m.Proof.Fleet("kaaaaaaaaaaaa")
				if err := proof.Verify(key, p); err != nil {
					t.Fatal(err)
				}
				if err := proof.Follows(last, p); err != nil {
					t.Fatal(err)
				}
				last = &p
			case wire.Help:
				calls[m.Call] = true
			case wire.HelpOver:
				if !calls[m.Call] {
					t.Error("the end of a call that never was")
				}
				delete(calls, m.Call)
			}
		}
		if last == nil || last.Seq < 5 || len(calls) > 1 {
			t.Errorf("last proof %+v, open calls %v", last, calls)
		}
		for _, s := range []fleet.State{fleet.Ready, fleet.InUse, fleet.Warning, fleet.Erasing} {
			if states[s] == 0 {
				t.Errorf("was never %s: %v", s, states)
			}
		}
		_, other := day(t, 4, serving)
		if reflect.DeepEqual(states, other) {
			t.Error("another seed lives the same")
		}
	})
}

func TestSameSeedSameLife(t *testing.T) {
	var first map[fleet.State]int
	for range 2 {
		synctest.Test(t, func(t *testing.T) { // each bubble begins at the same time
			_, states := day(t, 3, serving)
			if first != nil && !reflect.DeepEqual(first, states) {
				t.Errorf("%v, before %v", states, first)
			}
			first = states
		})
	}
}

func TestObey(t *testing.T) {
	now := time.Now()
	m := newMachine(rand.New(rand.NewPCG(1, 1)), serving, true, "kaaaaaaaaaaaa", ed25519.NewKeyFromSeed(make([]byte, 32)), now)
	m.occupy(now)
	m.call = "00000000000000aa"
	r, told := m.obey(wire.Order{ID: "00000000000000c1", Name: fleet.EndSession}, now)
	if !r.OK || m.state != fleet.Erasing || len(told) != 1 {
		t.Errorf("end: %+v %s %v", r, m.state, told)
	}
	m.idle(now)
	if r, _ := m.obey(wire.Order{Name: fleet.OpenWeb}, now); r.OK || r.Why != "invalid" {
		t.Errorf("the web without a client: %+v", r)
	}
	m.role = errandsOnly
	m.occupy(now)
	m.obey(wire.Order{Name: fleet.OpenWeb}, now)
	m.obey(wire.Order{Name: fleet.SomeoneWaits}, now)
	if s := m.report(now).Serves; !s.Web || !s.Waiting || s.Mode != fleet.Errands {
		t.Errorf("with a client: %+v", s)
	}
	m.obey(wire.Order{Name: fleet.NobodyWaits}, now)
	if m.report(now).Serves.Waiting {
		t.Error("still somebody waits")
	}
	m.end(now)
	if m.report(now).Serves.Web {
		t.Error("the next client has the whole web")
	}
	m.role = serving
	if r, _ := m.obey(wire.Order{Name: "dance"}, now); r.OK || r.Why != "unknown" {
		t.Errorf("%+v", r)
	}
	m.idle(now)
	m.obey(wire.Order{Name: fleet.TakeOutOfService}, now)
	if m.state != fleet.OutOfService {
		t.Error(m.state)
	}
	m.obey(wire.Order{Name: fleet.PutInService}, now)
	if m.state != fleet.Ready {
		t.Error(m.state)
	}
}
