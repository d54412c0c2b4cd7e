package simulate

import (
	"context"
	"crypto/ed25519"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"yhteiskone/internal/wire"
)

// fleetOf is a simulation whose first kiosks are connected.
func fleetOf(n, connected int) (r *run, all []*kiosk, told *[]string) {
	told = &[]string{}
	r = &run{live: map[*kiosk]bool{}, c: Config{Told: func(s string) { *told = append(*told, s) }}}
	for i := range n {
		k := &kiosk{fleet: r}
		all = append(all, k)
		r.live[k] = i < connected
	}
	return r, all, told
}

// A storm ends the lines of those that it takes, and of nobody else; they know
// that it was one, and others that lose their line do not.
func TestStorm(t *testing.T) {
	r, all, told := fleetOf(10, 8)
	lines := map[*kiosk]context.Context{}
	for _, k := range all {
		lines[k] = r.begin(t.Context(), k)
	}
	hit := []*kiosk{all[0], all[3], all[9]} // the last is not connected
	r.storm(hit)
	for i, k := range all {
		want := i == 0 || i == 3
		if cut := lines[k].Err() != nil; cut != want {
			t.Errorf("kiosk %d: cut off %v", i, cut)
		}
		if swept := r.end(k); swept != want {
			t.Errorf("kiosk %d: swept %v", i, swept)
		}
		if lines[k].Err() == nil {
			t.Errorf("kiosk %d: its line outlives its end", i)
		}
	}
	r.storm(all) // between two connections there is nothing to cut
	if !slices.Equal(*told, []string{"storm: 2 kiosks cut off", "storm: 0 kiosks cut off"}) {
		t.Error(*told)
	}
}

func TestChoose(t *testing.T) {
	_, all, _ := fleetOf(20, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	first, second := choose(rng, all, 8), choose(rng, all, 8)
	slices.SortFunc(first, func(a, b *kiosk) int { return slices.Index(all, a) - slices.Index(all, b) })
	if len(first) != 8 || len(slices.Compact(first)) != 8 {
		t.Error("not eight different kiosks")
	}
	slices.SortFunc(second, func(a, b *kiosk) int { return slices.Index(all, a) - slices.Index(all, b) })
	if slices.Equal(first, second) {
		t.Error("every storm takes the same")
	}
	if n := len(choose(rng, all, 99)); n != 20 {
		t.Errorf("%d of 20", n)
	}
}

// What is wrong with a machine is in its report, in words that the agent reads.
func TestEveryRoleReports(t *testing.T) {
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	report := func(r role) wire.Report {
		m := newMachine(rand.New(rand.NewPCG(1, 1)), serving, true, "kaaaaaaaaaaaa", key, now)
		m.role = r
		return m.report(now)
	}
	// those that show in something else: what they are asked, say or do
	other := []role{serving, clockAhead, silent, diskNearlyFull, outOfService, errandsOnly, serviceDown, calling, forged}
	seen := map[role]bool{}
	for n := range 24 {
		r := roleOf(n)
		if r != serving && seen[r] {
			t.Errorf("kiosk %d has a role that another has", n)
		}
		seen[r] = true
		if _, err := wire.Encode(report(r)); err != nil {
			t.Errorf("kiosk %d: %v", n, err)
		}
		a, b := report(r), report(serving)
		same := reflect.DeepEqual(a.Health, b.Health) && reflect.DeepEqual(a.Faults, b.Faults)
		if same != slices.Contains(other, r) {
			t.Errorf("kiosk %d: its report is an ordinary one: %v", n, same)
		}
	}
	if len(seen) != int(restarting)+1 {
		t.Errorf("%d of %d roles are played", len(seen), restarting+1)
	}
}
