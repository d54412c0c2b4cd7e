package simulate

import (
	"crypto/ed25519"
	"math/rand/v2"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// The sums of a simulated day are such as a real kiosk sends: everything that
// tells the same sessions adds up to them, and the agent can read it.
func TestCountsAddUp(t *testing.T) {
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC) // a Sunday
	m := newMachine(rand.New(rand.NewPCG(1, 1)), serving, false, "kaaaaaaaaaaaa", ed25519.NewKeyFromSeed(make([]byte, 32)), now)
	m.days = daysOf(12, now)
	days := map[string]bool{}
	for i, told := range m.first(now) {
		c, ok := told.(wire.Counts)
		if !ok {
			continue
		}
		c.Seq = uint64(i + 1)
		if _, err := wire.Encode(c); err != nil {
			t.Fatal(err)
		}
		if d, err := time.Parse(time.DateOnly, c.Day); err != nil || d.Weekday() == time.Sunday || days[c.Day] {
			t.Errorf("a day that is no day of work, or twice: %s", c.Day)
		}
		days[c.Day] = true
		if sum(c.Lengths) != c.Sessions || sum(c.Tiles) != c.Sessions || sum(c.Ends) != c.Sessions || sum(c.Outcomes) > c.Sessions {
			t.Errorf("%+v does not add up", c)
		}
		for e := range c.Ends {
			if e == fleet.EndInterruption {
				t.Error("an interrupted session has no length")
			}
		}
	}
	if len(days) < 45 || !days["2026-10-01"] || !days["2026-11-28"] || days["2026-11-29"] || days["2026-09-30"] {
		t.Errorf("%d days: %v", len(days), days)
	}
	for now, want := range map[time.Time]int{now: 59, time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC): 28, time.Date(2026, 1, 1, 23, 0, 0, 0, time.UTC): 31} {
		if got := daysOf(1, now); got != want {
			t.Errorf("%v: %d days, want %d", now, got, want)
		}
	}
	if got := daysOf(manyKiosks, now); got != 1 {
		t.Errorf("many kiosks bring %d days", got)
	}
}

func sum[K comparable](m map[K]uint32) (n uint32) {
	for _, v := range m {
		n += v
	}
	return n
}
