package fleet_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that the test means the same everywhere

	"yhteiskone/internal/fleet"
)

func helsinki(t *testing.T) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// centre is open 9 to 15 on weekdays with a break on Wednesdays, over the
// night from Friday to Saturday, and otherwise on some days.
func centre() *fleet.Hours {
	day := []fleet.Span{{From: 9 * 60, To: 15 * 60}}
	return &fleet.Hours{
		Week: [7][]fleet.Span{nil, day, day, {{From: 9 * 60, To: 12 * 60}, {From: 13 * 60, To: 20 * 60}}, day,
			{{From: 20 * 60, To: 24 * 60}}, {{From: 0, To: 8 * 60}}},
		Days: map[string][]fleet.Span{"2026-12-24": {{From: 9 * 60, To: 11 * 60}}, "2026-12-25": {}},
	}
}

func TestOpenAndNext(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", s, helsinki(t))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		now  string
		open bool
		next string
	}{
		{"2026-11-23 08:59:59", false, "2026-11-23 09:00:00"}, // a Monday
		{"2026-11-23 09:00:00", true, "2026-11-23 15:00:00"},
		{"2026-11-23 14:59:59", true, "2026-11-23 15:00:00"},
		{"2026-11-23 15:00:00", false, "2026-11-24 09:00:00"},
		{"2026-11-25 12:30:00", false, "2026-11-25 13:00:00"}, // the break
		{"2026-11-27 23:59:59", true, "2026-11-28 08:00:00"},  // over midnight: one span
		{"2026-11-28 00:00:00", true, "2026-11-28 08:00:00"},
		{"2026-11-28 08:00:00", false, "2026-11-30 09:00:00"}, // over a Sunday
		{"2026-12-24 10:59:00", true, "2026-12-24 11:00:00"},  // a short day, instead of a Thursday's hours
		{"2026-12-24 11:00:00", false, "2026-12-26 00:00:00"}, // the night from Friday is cut by the closed day
		{"2026-12-25 21:00:00", false, "2026-12-26 00:00:00"},
	} {
		h := centre()
		if got := h.Open(at(c.now)); got != c.open {
			t.Errorf("at %s open is %v", c.now, got)
		}
		next, ok := h.Next(at(c.now))
		if !ok || !next.Equal(at(c.next)) {
			t.Errorf("after %s next is %v, %v; want %s", c.now, next, ok, c.next)
		}
	}
}

// Hours are those of the clock on the wall, also on the days on which it is
// put forward or back.
func TestHoursWhenClocksChange(t *testing.T) {
	zone := helsinki(t)
	every := []fleet.Span{{From: 9 * 60, To: 15 * 60}}
	h := &fleet.Hours{Week: [7][]fleet.Span{every, every, every, every, every, every, every}}
	for _, c := range []struct {
		day     time.Time
		morning time.Duration // from midnight to nine
	}{
		{time.Date(2026, 3, 28, 0, 0, 0, 0, zone), 9 * time.Hour},
		{time.Date(2026, 3, 29, 0, 0, 0, 0, zone), 8 * time.Hour},
		{time.Date(2026, 10, 25, 0, 0, 0, 0, zone), 10 * time.Hour},
	} {
		opens, ok := h.Next(c.day)
		if !ok || opens.Sub(c.day) != c.morning || opens.Hour() != 9 {
			t.Errorf("on %v it opens at %v", c.day, opens)
		}
		closes, ok := h.Next(opens)
		if !ok || closes.Sub(opens) != 6*time.Hour {
			t.Errorf("on %v it closes at %v", c.day, closes)
		}
	}
	night := &fleet.Hours{Week: [7][]fleet.Span{{{From: 0, To: 3*60 + 30}}}}
	if got, ok := night.Next(time.Date(2026, 3, 29, 1, 0, 0, 0, zone)); !ok || night.Open(got) || !night.Open(got.Add(-time.Minute)) {
		t.Errorf("hours that end in the hour that is left out end at %v, %v", got, ok)
	}
	opens := &fleet.Hours{Week: [7][]fleet.Span{{{From: 3*60 + 30, To: 12 * 60}}}}
	if got, ok := opens.Next(time.Date(2026, 3, 29, 1, 0, 0, 0, zone)); !ok || !opens.Open(got) || opens.Open(got.Add(-time.Minute)) {
		t.Errorf("hours that begin in the hour that is left out begin at %v, %v", got, ok)
	}
}

// Next is the first minute at which Open is another, as a person would find it
// who looks every minute.
func TestNextIsWhereOpenTurns(t *testing.T) {
	zone, r := helsinki(t), rand.New(rand.NewPCG(1, 2))
	for range 200 {
		h := &fleet.Hours{Days: map[string][]fleet.Span{}}
		from := time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), 0, zone)
		if r.IntN(3) == 0 {
			from = []time.Time{time.Date(2026, 3, 28, 20, 0, 0, 0, zone), time.Date(2026, 10, 24, 20, 0, 0, 0, zone)}[r.IntN(2)]
		}
		for d := range h.Week {
			h.Week[d] = spans(r)
		}
		h.Days[from.AddDate(0, 0, r.IntN(4)).Format(time.DateOnly)] = spans(r)
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		want, found := from.Truncate(time.Minute), false
		for range 13 * 24 * 60 {
			want = want.Add(time.Minute)
			if found = h.Open(want) != h.Open(from); found {
				break
			}
		}
		got, ok := h.Next(from)
		if found && (!ok || !got.Equal(want)) {
			t.Fatalf("hours %+v from %v: %v, %v; want %v", h, from, got, ok, want)
		}
		if !found && ok && got.Before(want) {
			t.Fatalf("hours %+v from %v: %v, but nothing changes before %v", h, from, got, want)
		}
	}
}

// spans are up to two, with no bound in the hour that a change of clocks
// leaves out or brings twice.
func spans(r *rand.Rand) (s []fleet.Span) {
	last := 0
	for range r.IntN(3) {
		from := last + r.IntN(600)
		to := from + 1 + r.IntN(600)
		if from >= 180 && from < 240 || to >= 180 && to <= 240 || to > 1440 {
			break
		}
		s, last = append(s, fleet.Span{From: from, To: to}), to
	}
	return s
}

func TestHoursWithoutEnd(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, helsinki(t))
	all := []fleet.Span{{From: 0, To: 24 * 60}}
	for name, c := range map[string]struct {
		hours *fleet.Hours
		open  bool
	}{
		"none known": {nil, true},
		"never":      {&fleet.Hours{}, false},
		"always":     {&fleet.Hours{Week: [7][]fleet.Span{all, all, all, all, all, all, all}}, true},
	} {
		if got := c.hours.Open(now); got != c.open {
			t.Errorf("%s: open is %v", name, got)
		}
		if at, ok := c.hours.Next(now); ok {
			t.Errorf("%s: changes at %v", name, at)
		}
		if err := c.hours.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHoursValidate(t *testing.T) {
	many := map[string][]fleet.Span{}
	for i := range 101 {
		many[time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)] = nil
	}
	for name, c := range map[string]struct {
		hours fleet.Hours
		says  string
	}{
		"ends before it begins": {fleet.Hours{Week: [7][]fleet.Span{{{From: 600, To: 600}}}}, "Sunday"},
		"past midnight":         {fleet.Hours{Week: [7][]fleet.Span{nil, {{From: 600, To: 1441}}}}, "Monday"},
		"before midnight":       {fleet.Hours{Week: [7][]fleet.Span{{{From: -1, To: 600}}}}, "Sunday"},
		"overlap":               {fleet.Hours{Week: [7][]fleet.Span{{{From: 0, To: 600}, {From: 599, To: 700}}}}, "overlap"},
		"out of order":          {fleet.Hours{Week: [7][]fleet.Span{{{From: 600, To: 700}, {From: 0, To: 500}}}}, "order"},
		"too many parts":        {fleet.Hours{Days: map[string][]fleet.Span{"2026-12-24": make([]fleet.Span, 9)}}, "9 parts"},
		"not a day":             {fleet.Hours{Days: map[string][]fleet.Span{"24.12.2026": nil}}, "24.12.2026"},
		"no such day":           {fleet.Hours{Days: map[string][]fleet.Span{"2026-02-30": nil}}, "2026-02-30"},
		"too many days":         {fleet.Hours{Days: many}, "101"},
	} {
		if err := c.hours.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := centre().Validate(); err != nil {
		t.Error(err)
	}
}
