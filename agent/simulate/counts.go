package simulate

import (
	"math/rand/v2"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// manyKiosks is from how many kiosks on they bring no past with them but
// yesterday: it is for a look at the reports, and thousands are there to see
// what the agent bears.
const manyKiosks = 100

// daysOf is how far back a kiosk's sums go: to the beginning of last month.
func daysOf(kiosks int, now time.Time) int {
	if kiosks >= manyKiosks {
		return 1
	}
	first := time.Date(now.Year(), now.Month()-1, 1, 12, 0, 0, 0, now.Location())
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	return int(noon.Sub(first).Hours()+12) / 24
}

// counts are the sums of a day as a day centre has them: mostly benefits and
// bank, mostly short, most clients end by themselves, and one in three says
// whether it worked.
func (m *machine) counts(day time.Time) wire.Counts {
	n := 3 + m.rng.Uint32N(12)
	c := wire.Counts{Day: day.Format(time.DateOnly), Sessions: n, HelpCalls: m.rng.Uint32N(4),
		Lengths: spread(m.rng, n, []string{"under_5", "5_15", "15_30", "30_60", "over_60"}, 20, 40, 25, 12, 3),
		Tiles: spread(m.rng, n, []string{"benefits", "bank", "health", "work", "housing", "public", "email", "other"},
			30, 22, 12, 9, 9, 6, 8, 4),
		Ends: spread(m.rng, n, []fleet.End{fleet.EndButton, fleet.EndIdle, fleet.EndBrowser, fleet.EndCommand, fleet.EndStop},
			60, 28, 8, 2, 2)}
	c.Outcomes = spread(m.rng, m.rng.Uint32N(n)*2/3, []fleet.Outcome{fleet.GotDone, fleet.Partly, fleet.NotDone, fleet.NoCodes,
		fleet.NoPhone, fleet.TooHard, fleet.PageBroken, fleet.OtherWhy}, 56, 10, 4, 12, 6, 6, 4, 2)
	return c
}

// spread deals n out by weight.
func spread[K comparable](rng *rand.Rand, n uint32, keys []K, weights ...int) map[K]uint32 {
	all := 0
	for _, w := range weights {
		all += w
	}
	out := map[K]uint32{}
	for range n {
		at := rng.IntN(all)
		for i, w := range weights {
			if at -= w; at < 0 {
				out[keys[i]]++
				break
			}
		}
	}
	return out
}
