package figures

import (
	"fmt"
	"testing"
)

func TestWeek(t *testing.T) {
	for _, c := range []struct {
		calls Calls
		want  string
	}{
		{Calls{}, "<5 – – –"},
		{Calls{4, 0, map[int]uint64{1: 4}}, "<5 – – –"},
		{Calls{4, 3, map[int]uint64{1: 4}}, "7 – – –"},
		{Calls{0, 9, nil}, "9 – – –"},
		{Calls{5, 0, map[int]uint64{0: 2, 3: 2, 70: 1}}, "5 ≥20 3 70"},
		{Calls{6, 0, map[int]uint64{0: 2, 3: 1, 4: 2, 999: 1}}, "6 ≥33 3 ≥240"},
		{Calls{15, 5, map[int]uint64{2: 15}}, "20 75 2 2"},
		{Calls{15, 4, map[int]uint64{2: 14}}, "19 ≥78 – –"}, // one is from before times were kept
	} {
		w := c.calls.Publish()
		if got := fmt.Sprint(w.Calls, " ", w.Share, " ", w.Median, " ", w.Longest); got != c.want {
			t.Errorf("%+v: %s, want %s", c.calls, got, c.want)
		}
	}
}

// How many calls were not answered does not follow while they are few.
func TestWeekHidesFew(t *testing.T) {
	for all := uint64(10); all < 60; all++ {
		said := map[string]bool{}
		for missed := range uint64(Least) {
			c := Calls{all - missed, missed, map[int]uint64{1: all - missed}}
			w := c.Publish()
			said[fmt.Sprint(w)] = true
		}
		if len(said) != 1 {
			t.Errorf("%d calls: %v", all, said)
		}
	}
}

// TestTimesHideFew goes through all months of up to four weeks, puts those
// together whose report reads the same, and looks that every week that is not
// shown may have had anything from 0 to 4 calls.
func TestTimesHideFew(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for sum := uint64(Least); sum <= 30; sum++ {
			possible, shown := map[string][]map[uint64]bool{}, map[string][]Week{}
			all(n, sum, func(line []uint64) {
				var weeks []Calls
				for _, calls := range line {
					weeks = append(weeks, Calls{Answered: calls, Minutes: map[int]uint64{1: calls}})
				}
				times := Times(one(sum), n, n, weeks)
				said := fmt.Sprint(times)
				shown[said] = times
				if possible[said] == nil {
					for range n {
						possible[said] = append(possible[said], map[uint64]bool{})
					}
				}
				for i, calls := range line {
					possible[said][i][calls] = true
				}
			})
			for said, weeks := range possible {
				for i, w := range weeks {
					for v := range uint64(Least) {
						if shown[said][i].Median.How == Hidden && !w[v] {
							t.Errorf("%d calls in %d weeks, said %s: week %d cannot have had %d", sum, n, said, i, v)
						}
					}
				}
			}
		}
	}
	rang := func(calls uint64) Calls { return Calls{Answered: calls, Minutes: map[int]uint64{1: calls}} }
	for name, c := range map[string]struct {
		month      uint64
		all, whole int
		weeks      []Calls
		want       string
	}{
		"enough":                      {19, 4, 4, []Calls{rang(5), rang(6), rang(7)}, "[{– – 1 1} {– – 1 1} {– – 1 1}]"},
		"the fourth would follow":     {18, 4, 4, []Calls{rang(5), rang(6), rang(7)}, "[{– – – –} {– – – –} {– – – –}]"},
		"most of it in another month": {23, 5, 3, []Calls{rang(50), rang(6), rang(4)}, "[{– – 1 1} {– – 1 1} {– – – –}]"},
		"few in the month":            {4, 5, 3, []Calls{rang(50)}, "[{– – – –}]"},
		"a week without answers":      {40, 1, 1, []Calls{{Unanswered: 40}}, "[{– – – –}]"},
	} {
		if got := fmt.Sprint(Times(one(c.month), c.all, c.whole, c.weeks)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
