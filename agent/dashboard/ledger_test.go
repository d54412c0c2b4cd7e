package dashboard

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"yhteiskone/agent/figures"
	"yhteiskone/internal/fleet"
)

// ledger is Numbers in memory.
type ledger struct {
	mu    sync.Mutex
	sites []fleet.Site
	days  []siteDay
	marks map[figures.Mark]uint64
	fails error // of reading
	stuck error // of writing
}

type siteDay struct {
	site fleet.SiteID
	fleet.Counts
	came string
}

// Sites implements Numbers.
func (l *ledger) Sites() ([]fleet.Site, error) { return slices.Clone(l.sites), l.fails }

// FirstDay implements Numbers.
func (l *ledger) FirstDay() (day string, err error) {
	for _, d := range l.days {
		if day == "" || d.Day < day {
			day = d.Day
		}
	}
	return day, l.fails
}

// Counts implements Numbers.
func (l *ledger) Counts(first, last string, f func(fleet.SiteID, fleet.Counts, string)) error {
	for _, d := range l.days {
		if first <= d.Day && d.Day <= last {
			f(d.site, d.Counts, d.came)
		}
	}
	return l.fails
}

// Marks implements Numbers.
func (l *ledger) Marks(first, last string, f func(figures.Mark, uint64)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m, n := range l.marks {
		if first <= m.Day && m.Day <= last {
			f(m, n)
		}
	}
	return l.fails
}

// AddMark implements Numbers.
func (l *ledger) AddMark(m figures.Mark, back bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stuck != nil {
		return l.stuck
	}
	if l.marks == nil {
		l.marks = map[figures.Mark]uint64{}
	}
	switch {
	case !back:
		l.marks[m]++
	case l.marks[m] > 0:
		l.marks[m]--
	}
	return nil
}

// tallied says what is marked, as lines.
func (l *ledger) tallied() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m, n := range maps.All(l.marks) {
		if n > 0 {
			all = append(all, fmt.Sprint(m.Day, " ", m.Site, " ", m.Why, " ", m.What, " ", n))
		}
	}
	slices.Sort(all)
	return all
}

// autumn fills the ledger with October and a part of November.
func (h *house) autumn() {
	h.ledger.sites = []fleet.Site{{ID: "illusia", Name: "Illusia"}, {ID: "mesta", Name: "Mesta"}, {ID: "symppis", Name: "Ensi- ja turvakotien päiväkeskus Symppis"}}
	add := func(site fleet.SiteID, day string, n uint32) {
		h.ledger.days = append(h.ledger.days, siteDay{site, fleet.Counts{Day: day, Sessions: 10 * n, HelpCalls: n,
			Tiles: map[string]uint32{"benefits": 4 * n, "bank": 3 * n, "housing": n, "health": 1, "work": n - 1}, Lengths: map[string]uint32{"under_5": 2 * n, "5_15": 5 * n, "15_30": 2 * n, "30_60": n - 1, "over_60": 1},
			Ends: map[fleet.End]uint32{fleet.EndButton: 6 * n, fleet.EndIdle: 3 * n, fleet.EndCommand: 1, fleet.EndInterruption: n - 1}, Outcomes: map[fleet.Outcome]uint32{fleet.GotDone: 3 * n, fleet.NoCodes: n, fleet.NoPhone: 1}}, ""})
	}
	for d := 1; d <= 31; d += 3 {
		add("illusia", fmt.Sprintf("2026-10-%02d", d), 2)
	}
	add("mesta", "2026-10-10", 4)
	add("symppis", "2026-10-11", 1)
	h.ledger.days = append(h.ledger.days, siteDay{"symppis", fleet.Counts{Day: "2026-10-12", Sessions: 2, HelpCalls: 2}, ""})
	add("illusia", "2026-11-20", 3)
	for range 7 {
		h.ledger.AddMark(figures.Mark{Site: "illusia", Day: "2026-10-05", Why: figures.NoCodes, What: "bank"}, false)
	}
	h.ledger.AddMark(figures.Mark{Site: "mesta", Day: "2026-10-05", Why: figures.TooHard, What: figures.Unsaid}, false)
}
