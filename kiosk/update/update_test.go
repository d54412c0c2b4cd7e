package update_test

import (
	"errors"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
	"yhteiskone/kiosk/update"
)

// From one release to the next and to the one after it: each is tried and kept.
func TestUpdate(t *testing.T) {
	d, key := installed(), release.NewKey()
	slot, version := started(t, d)
	for _, next := range []string{"1.1", "1.2", "2.0"} {
		r := make1(t, key, next, "")
		u := machine(d, slot, key, r)
		if err := u.Apply(t.Context(), r.offer()); err != nil {
			t.Fatalf("%s to %s: %v", version, next, err)
		}
		if !u.Armed() {
			t.Error("the machine is not to start anew")
		}
		was := slot
		if slot, version = started(t, d); version != next || slot == was {
			t.Fatalf("%s runs from %s", version, slot)
		}
		u = machine(d, slot, key, nil)
		if err := u.MarkGood(); err != nil {
			t.Fatal(err)
		}
		for range 5 { // it stays
			if s, v := started(t, d); s != slot || v != next {
				t.Fatalf("%s runs from %s", v, s)
			}
		}
		if f := u.Faults(); len(f) > 0 {
			t.Errorf("faults %v", f)
		}
	}
}

// A release that does not start is tried three times; then what ran before
// runs, says so, and takes the next release.
func TestFallsBack(t *testing.T) {
	d, key := installed(), release.NewKey()
	bad := make1(t, key, "1.1", "")
	u := machine(d, "A", key, bad)
	if err := u.Apply(t.Context(), bad.offer()); err != nil {
		t.Fatal(err)
	}
	if len(u.Faults()) > 0 {
		t.Error("it fell back before it was tried")
	}
	if slot, version := started(t, d, "1.1"); slot != "A" || version != "1.0" {
		t.Fatalf("%s runs from %s", version, slot)
	}
	good := make1(t, key, "1.2", "")
	u = machine(d, "A", key, good)
	if f := u.Faults(); len(f) != 1 || f[0] != fleet.ImageFellBack {
		t.Errorf("faults %v", f)
	}
	if err := u.MarkGood(); err != nil { // it is not on trial: nothing changes
		t.Fatal(err)
	}
	if f := machine(d, "A", key, good).Faults(); len(f) != 1 {
		t.Errorf("after another start faults %v", f)
	}
	if err := u.Apply(t.Context(), good.offer()); err != nil {
		t.Fatal(err)
	}
	if slot, version := started(t, d, "1.1"); slot != "B" || version != "1.2" {
		t.Fatalf("%s runs from %s", version, slot)
	}
}

func TestRefuses(t *testing.T) {
	key, other := release.NewKey(), release.NewKey()
	good := make1(t, key, "1.1", "")
	for _, c := range []struct {
		name   string
		source *made
		change func(*made, *fleet.ImageOffer)
		want   error
		why    string
	}{
		{"older", make1(t, key, "0.9", ""), nil, update.ErrOlder, "older"},
		{"too old for it", make1(t, key, "2.0", "1.5"), nil, update.ErrTooOld, "too_old"},
		{"signed by somebody else", make1(t, other, "1.1", ""), nil, update.ErrUntrusted, "untrusted"},
		{"another manifest than was offered", make1(t, key, "1.1", "0.1"), func(_ *made, o *fleet.ImageOffer) { o.Manifest = good.Sum() }, update.ErrUntrusted, "untrusted"},
		{"another version than was offered", make1(t, key, "1.1", ""), func(_ *made, o *fleet.ImageOffer) { o.Version = "1.3" }, update.ErrUntrusted, "untrusted"},
		{"a kernel that was changed", make1(t, key, "1.1", ""), func(m *made, _ *fleet.ImageOffer) { m.files[release.Kernel][5] ^= 1 }, update.ErrUntrusted, "untrusted"},
		{"a root that was changed", make1(t, key, "1.1", ""), func(m *made, _ *fleet.ImageOffer) { m.files[release.Root][5] ^= 1 }, update.ErrUntrusted, "untrusted"},
		{"what the agent does not give", make1(t, key, "1.1", ""), func(m *made, _ *fleet.ImageOffer) { delete(m.files, release.Initrd) }, update.ErrRefused, "failed"},
	} {
		d, offer := installed(), c.source.offer()
		if c.change != nil {
			c.change(c.source, &offer)
		}
		err := machine(d, "A", key, c.source).Apply(t.Context(), offer)
		if !errors.Is(err, c.want) || update.Why(err) != c.why {
			t.Errorf("%s: %v (%s)", c.name, err, update.Why(err))
		}
		if slot, version := started(t, d); slot != "A" || version != "1.0" {
			t.Errorf("%s: %s runs from %s", c.name, version, slot)
		}
	}
	// Older, when somebody asks for it.
	older, d := make1(t, key, "0.9", ""), installed()
	offer := older.offer()
	offer.Older = true
	if err := machine(d, "A", key, older).Apply(t.Context(), offer); err != nil {
		t.Error(err)
	}
	if _, version := started(t, d); version != "0.9" {
		t.Errorf("%s runs", version)
	}
	// What runs already.
	same := make1(t, key, "0.9", "")
	if err := machine(d, "B", key, same).Apply(t.Context(), same.offer()); err != nil || len(same.opened) > 0 {
		t.Errorf("%v, fetched %q", err, same.opened)
	}
}

// While the running slot is on trial the other one is the only good one.
func TestNotWhileOnTrial(t *testing.T) {
	d, key := installed(), release.NewKey()
	first, second := make1(t, key, "1.1", ""), make1(t, key, "1.2", "")
	if err := machine(d, "A", key, first).Apply(t.Context(), first.offer()); err != nil {
		t.Fatal(err)
	}
	slot, _ := started(t, d)
	u := machine(d, slot, key, second)
	if err := u.Apply(t.Context(), second.offer()); !errors.Is(err, update.ErrOnTrial) || update.Why(err) != "on_trial" {
		t.Fatal(err)
	}
	if err := u.MarkGood(); err != nil {
		t.Fatal(err)
	}
	if err := u.Apply(t.Context(), second.offer()); err != nil {
		t.Fatal(err)
	}
}

// A release that waits for the next start is not tried any more once another
// one is written over it.
func TestTakesBackATrial(t *testing.T) {
	d, key := installed(), release.NewKey()
	first, second := make1(t, key, "1.1", ""), make1(t, key, "1.2", "")
	u := machine(d, "A", key, first)
	if err := u.Apply(t.Context(), first.offer()); err != nil {
		t.Fatal(err)
	}
	u = machine(d, "A", key, second)
	delete(second.files, release.Initrd)
	if err := u.Apply(t.Context(), second.offer()); !errors.Is(err, update.ErrRefused) {
		t.Fatal(err)
	}
	if _, version := started(t, d); version != "1.0" || len(machine(d, "A", key, second).Faults()) > 0 {
		t.Errorf("%s runs, and half of a release was tried", version)
	}
}

// A disk that keeps something else than it was given is found out before GRUB
// is told.
func TestReadsBack(t *testing.T) {
	key := release.NewKey()
	for _, name := range []string{"slot/B", "B/vmlinuz", "B/initrd.img", "B/slot.cfg"} {
		d, r := installed(), make1(t, key, "1.1", "")
		d.rot = name
		if err := machine(d, "A", key, r).Apply(t.Context(), r.offer()); !errors.Is(err, update.ErrUntrusted) {
			t.Errorf("%s is garbled: %v", name, err)
		}
		if _, version := started(t, d); version != "1.0" {
			t.Errorf("%s is garbled: %s runs", name, version)
		}
	}
}
