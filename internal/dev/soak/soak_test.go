package main

import (
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func TestCompare(t *testing.T) {
	told := ledger{proofs: 5, placed: 4, heard: 3}
	has := func(seq uint64, doubt, rings bool, calls uint32) kept {
		k := kept{rings: rings, calls: calls}
		if seq > 0 {
			k.proof.Newest = &fleet.ProofSummary{Seq: seq}
		}
		if doubt {
			k.proof.Invalid = time.Now()
		}
		return k
	}
	for _, c := range []struct {
		has  kept
		want string
	}{
		{has(5, false, false, 3), ""},
		{has(5, false, false, 4), ""}, // one was kept whose acknowledgement was lost
		{has(0, false, false, 3), "5 of 5 proofs are lost"},
		{has(4, false, false, 3), "1 of 5 proofs are lost"},
		{has(6, false, false, 3), "there are 6 proofs, and 5 were made"},
		{has(5, true, false, 3), "a proof came that did not follow the one before: one was lost, or came twice"},
		{has(5, false, true, 3), "a call rings that is over"},
		{has(5, false, false, 2), "1 calls are lost: 3 were acknowledged and 2 counted"},
		{has(5, false, false, 5), "1 calls came twice: 4 were placed and 5 counted"},
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
