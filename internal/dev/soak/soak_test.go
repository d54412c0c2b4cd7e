package main

import "testing"

func TestCompare(t *testing.T) {
	told := ledger{proofs: 5, placed: 4, heard: 3}
	for _, c := range []struct {
		has  kept
		want string
	}{
		{kept{5, false, false, 3}, ""},
		{kept{5, false, false, 4}, ""}, // one was kept whose acknowledgement was lost
		{kept{0, false, false, 3}, "5 of 5 proofs are lost"},
		{kept{4, false, false, 3}, "1 of 5 proofs are lost"},
		{kept{6, false, false, 3}, "there are 6 proofs, and 5 were made"},
		{kept{5, true, false, 3}, "a proof came that did not follow the one before: one was lost, or came twice"},
		{kept{5, false, true, 3}, "a call rings that is over"},
		{kept{5, false, false, 2}, "1 calls are lost: 3 were acknowledged and 2 counted"},
		{kept{5, false, false, 5}, "1 calls came twice: 4 were placed and 5 counted"},
	} {
		got := ""
		if err := compare(told, c.has); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.has, got, c.want)
		}
	}
}

func TestMeasuresThatGrow(t *testing.T) {
	for _, c := range []struct {
		before, now measures
		grown       bool
	}{
		{measures{20e6, 60}, measures{20e6, 60}, false},
		{measures{20e6, 60}, measures{27e6, 65}, false},
		{measures{20e6, 60}, measures{29e6, 60}, true},
		{measures{100e6, 60}, measures{120e6, 60}, false},
		{measures{100e6, 60}, measures{126e6, 60}, true},
		{measures{20e6, 60}, measures{20e6, 67}, true},
	} {
		if err := c.now.over(c.before); (err != nil) != c.grown {
			t.Errorf("%+v after %+v: %v", c.now, c.before, err)
		}
	}
}
