package update_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"yhteiskone/internal/release"
)

// Power goes at every write, cut and sync of an update and of the marking that
// follows it, with eight fates of what was on its way: the machine always
// starts, with the old release or the new one, and takes the update when it is
// offered again.
func TestPowerCuts(t *testing.T) {
	key := release.NewKey()
	first, second := make1(t, key, "1.1", ""), make1(t, key, "1.2", "")
	// way goes from 1.0 by 1.1 to 1.2, until power goes.
	way := func(d *disk) error {
		slot, version := restarted(d)
		for _, r := range []*made{first, second} {
			if err := machine(d, slot, key, r).Apply(t.Context(), r.offer()); err != nil {
				return fmt.Errorf("from %s: %w", version, err)
			}
			if slot, version = restarted(d); version != r.Version {
				return fmt.Errorf("%s runs, not %s", version, r.Version)
			}
			if err := machine(d, slot, key, r).MarkGood(); err != nil {
				return err
			}
		}
		return nil
	}
	whole := installed()
	if err := way(whole); err != nil {
		t.Fatal(err)
	}
	cuts, torn := 0, map[string]int{}
	for at := 1; at <= whole.ops; at++ {
		for fate := range uint64(8) {
			d := installed()
			d.cutAt, d.luck = at, rand.New(rand.NewPCG(uint64(at), fate))
			if err := way(d); !errors.Is(err, errPower) {
				t.Fatalf("cut %d of %d: %v", at, whole.ops, err)
			}
			cuts++
			d.on()
			slot, version := grub(d)
			if slot == "" {
				t.Fatalf("cut %d of %d, fate %d: the machine does not start any more\n%q", at, whole.ops, fate, d.open("grubenv", 0).cached[:80])
			}
			torn[version]++
			// What starts is offered the newest again.
			u := machine(d, slot, key, second)
			if err := u.MarkGood(); err != nil {
				t.Fatalf("cut %d, fate %d: %v", at, fate, err)
			}
			if err := u.Apply(t.Context(), second.offer()); err != nil {
				t.Fatalf("cut %d, fate %d, after it: %v", at, fate, err)
			}
			d.on()
			if _, version = grub(d); version != "1.2" {
				t.Fatalf("cut %d, fate %d: %s runs after all", at, fate, version)
			}
		}
	}
	if cuts < 50 || torn["1.0"] == 0 || torn["1.1"] == 0 || torn["1.2"] == 0 {
		t.Errorf("%d cuts, after which ran %v", cuts, torn)
	}
	t.Logf("%d cuts at %d points; after them ran %v", cuts, whole.ops, torn)
}

// restarted is a restart in which nothing is lost that was synced.
func restarted(d *disk) (slot, version string) {
	if !d.dark {
		cutAt := d.cutAt
		d.on()
		d.cutAt = cutAt
	}
	return grub(d)
}
