package fleet_test

import (
	"slices"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

// full is a sheet on which all is well.
func full() fleet.Sheet {
	s := fleet.Sheet{Kiosk: "kabcdefghij23", Proof: &fleet.ProofSummary{Seq: 7, At: time.Unix(0, 0), Clean: true}}
	for _, p := range fleet.SheetParts() {
		for _, c := range p.Codes {
			s.Rows = append(s.Rows, fleet.SheetRow{Code: c, Mark: fleet.Passed})
		}
	}
	return s
}

func with(code string, m fleet.Mark) fleet.Sheet {
	s := full()
	for i := range s.Rows {
		if s.Rows[i].Code == code {
			s.Rows[i].Mark = m
		}
	}
	return s
}

func TestSheetResult(t *testing.T) {
	twice, missing, dirty, unproved, strange := full(), full(), full(), full(), full()
	twice.Rows = append(twice.Rows, fleet.SheetRow{Code: "memory", Mark: fleet.Passed})
	missing.Rows = missing.Rows[1:]
	dirty.Proof.Clean, unproved.Proof = false, nil
	strange.Rows = append(strange.Rows, fleet.SheetRow{Code: "way_48", Mark: fleet.Passed}, fleet.SheetRow{Code: "new", Mark: fleet.Failed})
	ways := func(here, build, hand, failed, unknown int) fleet.Tally {
		return fleet.Tally{All: 47, Here: here, Build: build, Hand: hand, Failed: failed, Unknown: unknown}
	}
	for name, c := range map[string]struct {
		s        fleet.Sheet
		ways     fleet.Tally
		open     int
		accepted bool
	}{
		"all is well":                       {full(), ways(45, 0, 2, 0, 0), 0, true},
		"tried at build":                    {with("way_07", fleet.AtBuild), ways(44, 1, 2, 0, 0), 0, true},
		"no build tries the image":          {with("way_30", fleet.AtBuild), ways(44, 0, 2, 0, 1), 0, false},
		"no build tries what takes a hand":  {with("way_36", fleet.AtBuild), ways(45, 0, 2, 0, 0), 0, true},
		"by hand and failed":                {with("way_36", fleet.Failed), ways(45, 0, 1, 1, 0), 0, false},
		"a machine's row is for no hand":    {with("way_07", fleet.ByHand), ways(44, 0, 2, 0, 1), 0, false},
		"no memory was tried at build":      {with("memory", fleet.AtBuild), ways(45, 0, 2, 0, 0), 1, false},
		"no memory":                         {with("memory", fleet.Absent), ways(45, 0, 2, 0, 0), 1, false},
		"no printer":                        {with("printer", fleet.Absent), ways(45, 0, 2, 0, 0), 0, true},
		"no printer is known":               {with("printer", fleet.Unknown), ways(45, 0, 2, 0, 0), 1, false},
		"no such mark":                      {with("sound", "splendid"), ways(45, 0, 2, 0, 0), 1, false},
		"failed":                            {with("sound", fleet.Failed), ways(45, 0, 2, 0, 0), 1, false},
		"twice":                             {twice, ways(45, 0, 2, 0, 0), 1, false},
		"missing":                           {missing, ways(45, 0, 2, 0, 0), 1, false},
		"the proof is not clean":            {dirty, ways(45, 0, 2, 0, 0), 0, false},
		"no proof":                          {unproved, ways(45, 0, 2, 0, 0), 0, false},
		"what this agent does not know yet": {strange, ways(45, 0, 2, 0, 0), 0, true},
		"nothing":                           {fleet.Sheet{}, ways(0, 0, 2, 0, 45), 24, false},
	} {
		r := c.s.Result()
		if r.Ways != c.ways || r.Rest.Open() != c.open || r.Accepted() != c.accepted || r.Whole() {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := full().Result(36, 39); !r.Whole() || r.Tried != 2 || r.Ways.Good()+r.Tried != 47 {
		t.Errorf("tried by hand: %+v", r)
	}
	if r := full().Result(1, 36, 36); r.Whole() || r.Tried != 1 {
		t.Errorf("one of two: %+v", r)
	}
	if r := with("way_39", fleet.Failed).Result(36, 39); r.Whole() || r.Ways.Failed != 1 {
		t.Errorf("what failed cannot be ticked away: %+v", r)
	}
}

func TestSheetCodes(t *testing.T) {
	all := fleet.SheetCodes()
	if len(all) > fleet.SheetRowsMost || all[len(all)-1] != "way_47" || !slices.Contains(all, "way_01") {
		t.Errorf("%v", all)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != len(fleet.SheetCodes()) {
		t.Error("a code is there twice")
	}
}
