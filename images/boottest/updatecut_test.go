package boottest

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cutsAfter is how often the power goes in the first starts of a release; at the
// third it would be given up.
const cutsAfter = 2

// TestUpdateCut pulls the plug at seeded moments of an update, YHTEISKONE_BOOT_SEED's
// if it is given: YHTEISKONE_BOOT_CUTS times while the release is fetched and
// written, which begins when the machine has rested for a minute. Whenever it was, the next start comes to the welcome page with
// what was there proved to be gone, and in the end the release runs and is kept.
func TestUpdateCut(t *testing.T) {
	image, programs, shots := given(t)
	cuts, err := strconv.Atoi(os.Getenv("YHTEISKONE_BOOT_CUTS"))
	if err != nil {
		t.Skip("takes four minutes a cut; say: YHTEISKONE_BOOT_CUTS=5 make boot-test BOOT='-run TestUpdateCut'")
	}
	key := imageKey(t)
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("YHTEISKONE_BOOT_SEED"), "20261130"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(seed, 0))
	m := newMachine(t, image, programs, filepath.Join(shots, "updatecut"))
	m.trusts(key)
	m.start(bios(), 2048)
	m.free()
	before := m.proof()

	const version = "29990101.000000-cut"
	m.offers(key, filepath.Join(filepath.Dir(image), "release"), version, true)
	for n := range cuts {
		moment := time.Minute + time.Duration(chance.Int64N(int64(110*time.Second)))
		if m.endsWithin(moment) {
			t.Logf("the release is there after %d cuts", n)
			break
		}
		t.Logf("cut %d, seed %d: after %v; sectors read and written: %s", n+1, seed, moment.Round(time.Second),
			m.eyes.see("read a b c d e f g h < /sys/block/sda/stat; echo $c $g"))
		m.stop()
		m.start(bios(), 2048)
		before = m.servesWiped(before)
		if at := m.eyes.see("cat /proc/cmdline"); !strings.Contains(at, "kiosk.slot=A") {
			t.Fatalf("it runs %s", at)
		}
	}
	m.restarts(fetching)
	for n := range cutsAfter { // while it is tried
		m.start(bios(), 2048)
		moment := time.Duration(chance.Int64N(int64(60 * time.Second)))
		if m.endsWithin(moment) {
			t.Fatalf("the machine ended by itself\n%s", m.lastWords())
		}
		t.Logf("cut %d of its first starts, after %v", n+1, moment.Round(time.Second))
		m.stop()
	}
	m.start(bios(), 2048)
	m.servesWiped(before)
	if at := m.eyes.see("cat /proc/cmdline"); !strings.Contains(at, "kiosk.slot=B") || !strings.Contains(at, version) {
		t.Errorf("it runs %s", at)
	}
	m.keeps("active=B")
	m.picture("kept")
}

// servesWiped is back for a machine that was started so often that this is a
// fault by itself: it serves, and is not called free.
func (m *machine) servesWiped(before proof) proof {
	m.t.Helper()
	m.serves()
	until(m.t, patience, "the proof of what was there before", func() (bool, string) {
		k, seen := m.agent.one()
		return k.LastProof != nil && k.LastProof.Seq > before.Seq, seen
	})
	return m.wiped(before)
}

// endsWithin waits so long, or until the machine is off.
func (m *machine) endsWithin(d time.Duration) bool {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-m.ended:
		return true
	case <-wait.C:
		return false
	}
}
