package figures

import "strconv"

// Least is the smallest number that is said as it is.
const Least = 5

// How says how a number may be said.
type How int

// The ways. The zero Cell says nothing.
const (
	Hidden  How = iota // nothing is said
	Few                // fewer than Least, maybe none
	AtLeast            // N or more
	Exact              // N
)

// Cell is one number as it may be said.
type Cell struct {
	How How
	N   uint64
}

// String is the number as it is printed, in every language and in the file.
func (c Cell) String() string {
	n := strconv.FormatUint(c.N, 10)
	switch c.How {
	case Few:
		return "<" + strconv.Itoa(Least)
	case AtLeast:
		return "≥" + n
	case Exact:
		return n
	}
	return "–"
}

// one says a number that stands alone.
func one(n uint64) Cell {
	if n < Least {
		return Cell{How: Few}
	}
	return Cell{Exact, n}
}

// publish says the lines of a table whose sum is said elsewhere. A line below
// Least says "<5", and none of the others may give away which of 0 to 4 it is.
// Whoever knows the sum can subtract what is said from it, which leaves the
// sum of what is not said; call it the rest. With k lines below Least:
//
//   - The rest is 4 to 4(k-1): any of them can be anything from 0 to 4, with
//     the others making up for it, and nothing more need be hidden.
//   - Otherwise one line that is larger says "≥5" instead of its number. Which
//     one does not depend on the numbers. Then the rest has to be large
//     enough: 9 for k = 1, so that the small line may be 4 and the large one
//     still 5; 4k+2 for more of them, because it is known as well that their
//     own sum is not one of the first case.
//   - Otherwise nothing is said of the table. That depends on the rest alone,
//     and says nothing about any of its lines.
//
// So for every "<5" each of 0 to 4 remains possible to somebody who has the
// whole page and knows this rule. The test goes through all tables that print
// the same, and looks.
func publish(table map[string]uint64, keys, gives []string) map[string]Cell {
	out := map[string]Cell{}
	var sum, rest, few uint64
	for _, k := range keys {
		n := table[k]
		out[k] = one(n)
		sum += n
		if n < Least {
			few++
			rest += n
		}
	}
	if few == 0 || sum < Least || rest >= Least-1 && rest <= (Least-1)*(few-1) {
		return out
	}
	need := (Least-1)*few + Least // for one: 4 and 5
	if few > 1 {
		need = (Least-1)*few + 2
	}
	for _, k := range gives {
		if n := table[k]; n >= Least {
			if rest+n >= need {
				out[k] = Cell{AtLeast, Least}
				return out
			}
			break
		}
	}
	for k := range out {
		out[k] = Cell{}
	}
	return out
}

// together adds up cells as far as they say something.
func together(cells []Cell) Cell {
	if len(cells) == 1 {
		return cells[0]
	}
	all := Cell{How: Exact}
	for _, c := range cells {
		all.N += c.N
		if c.How != Exact {
			all.How = AtLeast
		}
	}
	if all.N < Least {
		return Cell{}
	}
	return all
}
