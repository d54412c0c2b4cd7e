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
