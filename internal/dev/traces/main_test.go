package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"yhteiskone/internal/e2e/trace"
)

// What is planted in a session makes the hunt fail; what others do, and what
// comes before and after, does not.
func TestJudge(t *testing.T) {
	h := hunt{begin: "/hunt/places.json", uid: 7, places: trace.Places{"STATE": "/state", "TMP": "/tmp"}}
	begin, end := trace.Change{Path: h.begin, What: "created", UID: 7}, trace.Change{Path: h.begin + ".end", What: "created", UID: 7}
	work := []trace.Change{{Path: "/state/proofs.jsonl", What: "modified", UID: 7}, {Path: "/state/session.json", What: "moved", UID: 7},
		{Path: "/state/counts.json", What: "moved", UID: 7}}
	for i := range 5 {
		work = append(work, trace.Change{Path: fmt.Sprintf("/state/outbox/%d", i), What: "created", UID: 7})
	}
	plant := func(uid int) trace.Change { return trace.Change{Path: "/tmp/planted", What: "created", UID: uid} }
	with := func(parts ...[]trace.Change) (all []trace.Change) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	one := func(c trace.Change) []trace.Change { return []trace.Change{c} }
	for name, c := range map[string]struct {
		changes []trace.Change
		fails   string
	}{
		"a session":            {with(one(begin), work, one(end)), ""},
		"planted":              {with(one(begin), work, one(plant(7)), one(end)), "nothing explains 1"},
		"planted by nobody":    {with(one(begin), work, one(plant(-1)), one(end)), "nothing explains 1"},
		"another user's":       {with(one(begin), work, one(plant(0)), one(end)), ""},
		"before and after":     {with(one(plant(7)), one(begin), work, one(end), one(plant(7))), ""},
		"nothing was seen":     {with(one(begin), one(end)), "only 0 paths"},
		"no end":               {with(one(begin), work), "begin and end"},
		"the watch was broken": {nil, "begin and end"},
	} {
		var out bytes.Buffer
		err := h.judge(&out, c.changes)
		if (c.fails == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v, want %q", name, err, c.fails)
		}
	}
}

func TestFileSystems(t *testing.T) {
	points, err := fileSystems()
	if err != nil || len(points) == 0 {
		t.Errorf("%q, %v", points, err)
	}
}
