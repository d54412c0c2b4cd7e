package figures

import "slices"

// Calls are the calls for help of one site and week, as they are known inside.
type Calls struct {
	Answered   uint64
	Unanswered uint64
	Minutes    map[int]uint64 // how many rang so many whole minutes until the first answer
}

// LongestRing is the most minutes that are told apart.
const LongestRing = 240

// Week is what may be said of the calls of one site and week.
type Week struct {
	Calls   Cell
	Share   Cell // of a hundred, how many were answered
	Median  Cell // minutes until the first answer
	Longest Cell // minutes
}

// Publish says what may be said. A share is said so that it does not tell how
// many were not answered, if they were fewer than Least; times are said of
// Least answers or more. Of calls from before times were kept, none are.
func (c Calls) Publish() Week {
	all := c.Answered + c.Unanswered
	w := Week{Calls: one(all)}
	if all < Least || c.Answered < Least {
		return w
	}
	if c.Unanswered < Least {
		w.Share = Cell{AtLeast, 100 * (all - (Least - 1)) / all}
	} else {
		w.Share = Cell{Exact, 100 * c.Answered / all}
	}
	var rang []int
	for m, n := range c.Minutes {
		rang = append(rang, slices.Repeat([]int{m}, int(n))...)
	}
	if uint64(len(rang)) != c.Answered {
		return w
	}
	slices.Sort(rang)
	minutes := func(m int) Cell {
		if m >= LongestRing {
			return Cell{AtLeast, LongestRing}
		}
		return Cell{Exact, uint64(m)}
	}
	w.Median, w.Longest = minutes(rang[(len(rang)-1)/2]), minutes(rang[len(rang)-1])
	return w
}

// Times says how long calls rang in weeks of a month of which the sum of the
// calls is said as well. It never says how many calls a week had, nor how many
// of them were answered: whoever subtracts some weeks from the month would have
// the rest. That a week is shown says that it had Least calls or more; so weeks
// are shown only of a month with so many calls that each week that is not shown
// may still have had anything from 0 to 4, whichever are shown. all is how many
// weeks have a day in the month, whole how many of them have no other days: of
// the others' calls all may have been in the month beside it.
func Times(month Cell, all, whole int, weeks []Calls) []Week {
	out := make([]Week, len(weeks))
	need := (Least-1)*all + min(whole, all-1)
	if month.How != Exact || month.N < uint64(need) {
		return out
	}
	for i, c := range weeks {
		told := c.Publish()
		out[i] = Week{Median: told.Median, Longest: told.Longest}
	}
	return out
}
