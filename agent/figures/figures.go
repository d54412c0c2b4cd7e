// Package figures turns sums per day into the numbers of a month that may
// leave the house: for the page of reports, its print and its file.
//
// It is for the funder's question "how much was it used, and what could not be
// done". It never says how many people came, because nobody knows: visits are
// not people. It never gives out a number below Least, nor anything from which
// one follows; publish says how. It reads no clock and no disk.
//
// Caveats: numbers of a month that still runs, or to which a late machine adds,
// grow; whoever holds two looks at the same month can subtract one from the
// other, and so learns what came in between. The page therefore shows such a
// month to people of the desk only, who see everybody anyway. It is shown to all
// who may see reports when every machine has sent its numbers, or else when the
// month is closed (Span.Closes): what comes later is never added.
package figures

import (
	"cmp"
	"slices"

	"yhteiskone/internal/fleet"
)

// Reason is why something could not be done, as staff keep it at the desk.
type Reason string

// The reasons.
const (
	NoCodes     Reason = "no_codes"     // no bank codes
	NoPhone     Reason = "no_phone"     // no phone, or not at hand
	ServiceDown Reason = "service_down" // the service did not answer
	TooHard     Reason = "too_hard"     //
	OtherWhy    Reason = "other"        //
)

// Reasons lists every Reason.
func Reasons() []Reason { return []Reason{NoCodes, NoPhone, ServiceDown, TooHard, OtherWhy} }

// Errands lists what a client came to do, coarsely: the categories of the
// service catalogue. "other" is all the rest.
func Errands() []string {
	return []string{"benefits", "bank", "health", "work", "housing", "public", "email", "other"}
}

// Unsaid is an errand that staff did not name.
const Unsaid = "unsaid"

// Mark is one line of the desk's tally: a sum per site, day, reason and
// errand. It never says who, or at what time.
type Mark struct {
	Site fleet.SiteID
	Day  string // 2006-01-02, where the people are
	Why  Reason
	What string // of Errands, or Unsaid
}

// Valid reports whether reason and errand are known.
func (m Mark) Valid() bool {
	return slices.Contains(Reasons(), m.Why) && (m.What == Unsaid || slices.Contains(Errands(), m.What))
}

// Sums are the numbers of one site as they are known inside. They are shown to
// nobody as they stand.
type Sums struct {
	Sessions, HelpCalls uint64

	lengths, tiles, ends, outcomes, why, what map[string]uint64
}

// NewSums returns sums of nothing.
func NewSums() *Sums {
	return &Sums{lengths: map[string]uint64{}, tiles: map[string]uint64{}, ends: map[string]uint64{},
		outcomes: map[string]uint64{}, why: map[string]uint64{}, what: map[string]uint64{}}
}

// Add adds the sums of a kiosk's day.
func (s *Sums) Add(c fleet.Counts) {
	s.Sessions += uint64(c.Sessions)
	s.HelpCalls += uint64(c.HelpCalls)
	for k, n := range c.Lengths {
		s.lengths[known(k, lengths())] += uint64(n)
	}
	for k, n := range c.Tiles {
		s.tiles[known(k, Errands())] += uint64(n)
	}
	for k, n := range c.Ends {
		s.ends[endOf(k)] += uint64(n)
	}
	for k, n := range c.Outcomes {
		if !slices.Contains(fleet.Outcomes(), k) {
			k = fleet.OtherWhy
		}
		s.outcomes[string(k)] += uint64(n)
	}
}

// Tally adds marks of the desk.
func (s *Sums) Tally(m Mark, n uint64) {
	if m.Valid() {
		s.why[string(m.Why)] += n
		s.what[m.What] += n
	}
}

// unknownLength is the band of what a kiosk could not measure, for example
// because its power was cut, together with the shortest sessions. As a line of
// its own it would stand in three tables and tie them together.
const unknownLength = "under_5"

func lengths() []string { return []string{unknownLength, "5_15", "15_30", "30_60", "over_60"} }

func ends() []string { return []string{"client", "left", "staff", "machine"} }

// endOf is how sessions end, as coarsely as the funder wants to know it.
func endOf(e fleet.End) string {
	switch e {
	case fleet.EndButton, fleet.EndBrowser:
		return "client"
	case fleet.EndIdle, fleet.EndLimit:
		return "left"
	case fleet.EndCommand, fleet.EndLocal:
		return "staff"
	}
	return "machine"
}

// known is the key, or the one for all the rest: a kiosk of another version
// may count what this agent has no word for.
func known(key string, keys []string) string {
	switch {
	case slices.Contains(keys, key):
		return key
	case slices.Contains(keys, "other"):
		return "other"
	}
	return unknownLength
}

// Group names a table.
type Group string

// The tables. Those of the desk stand on their own; each of the others says
// the same sessions in another way.
const (
	Lengths  Group = "lengths"
	Tiles    Group = "tiles"
	Ends     Group = "ends"
	Outcomes Group = "outcomes"
	Why      Group = "why"
	What     Group = "what"
)

// Groups lists the tables in the order in which they are shown.
func Groups() []Group { return []Group{Tiles, Lengths, Ends, Outcomes, Why, What} }

// silent are sessions without an answer to "did you get it done?".
const silent = "silent"

// Keys lists the lines of a table.
func (g Group) Keys() []string {
	switch g {
	case Lengths:
		return lengths()
	case Tiles:
		return Errands()
	case Ends:
		return ends()
	case Outcomes:
		var all []string
		for _, o := range fleet.Outcomes() {
			all = append(all, string(o))
		}
		return append(all, silent)
	case Why:
		var all []string
		for _, r := range Reasons() {
			all = append(all, string(r))
		}
		return all
	}
	return append(Errands(), Unsaid)
}

// gives lists which lines are given up for the others, first those that are
// missed least and are still likely to be large.
func (g Group) gives() []string {
	first := map[Group][]string{Lengths: {"5_15", "15_30"}, Tiles: {"other", "email", "benefits"}, Ends: {"left", "client"},
		Outcomes: {silent, string(fleet.GotDone)}, Why: {"other", "too_hard"}, What: {Unsaid, "other"}}[g]
	for _, k := range g.Keys() {
		if !slices.Contains(first, k) {
			first = append(first, k)
		}
	}
	return first
}

// of returns the table's numbers by line. What the kiosks did not say of a
// session is in one of the lines, so that they add up to the sessions.
func (s *Sums) of(g Group) map[string]uint64 {
	table := map[Group]map[string]uint64{Lengths: s.lengths, Tiles: s.tiles, Ends: s.ends, Outcomes: s.outcomes, Why: s.why, What: s.what}[g]
	rest := map[Group]string{Lengths: unknownLength, Tiles: "other", Ends: "machine", Outcomes: silent}[g]
	out := map[string]uint64{}
	total := uint64(0)
	for k, n := range table {
		out[k] += n
		total += n
	}
	if rest != "" && total < s.Sessions {
		out[rest] += s.Sessions - total
	}
	return out
}

// Month is what may be said of a site's month, or of several sites'.
type Month struct {
	Sessions, HelpCalls, Marks Cell
	Tables                     map[Group]map[string]Cell
}

// Publish says what may be said.
func (s *Sums) Publish() Month {
	marks := uint64(0)
	for _, n := range s.why {
		marks += n
	}
	m := Month{one(s.Sessions), one(s.HelpCalls), one(marks), map[Group]map[string]Cell{}}
	for _, g := range Groups() {
		m.Tables[g] = publish(s.of(g), g.Keys(), g.gives())
	}
	return m
}

// Together adds up what was published of each site, and nothing else: whoever
// sees it learns nothing that the sites' own numbers do not say.
func Together(months []Month) Month {
	all := Month{Tables: map[Group]map[string]Cell{}}
	pick := func(of func(Month) Cell) Cell {
		var cells []Cell
		for _, m := range months {
			cells = append(cells, of(m))
		}
		return together(cells)
	}
	all.Sessions = pick(func(m Month) Cell { return m.Sessions })
	all.HelpCalls = pick(func(m Month) Cell { return m.HelpCalls })
	all.Marks = pick(func(m Month) Cell { return m.Marks })
	for _, g := range Groups() {
		all.Tables[g] = map[string]Cell{}
		for _, k := range g.Keys() {
			all.Tables[g][k] = pick(func(m Month) Cell { return m.Tables[g][k] })
		}
	}
	return all
}

// Late is a machine whose numbers are not all here.
type Late struct {
	Kiosk   fleet.Kiosk
	Through string // the last day of which all is here; empty: none
}

// SortLate puts those first that have been silent longest.
func SortLate(all []Late) {
	slices.SortFunc(all, func(a, b Late) int {
		return cmp.Or(cmp.Compare(a.Through, b.Through), cmp.Compare(a.Kiosk.Name, b.Kiosk.Name), cmp.Compare(a.Kiosk.ID, b.Kiosk.ID))
	})
}
