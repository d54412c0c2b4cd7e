package watch_test

import (
	"testing"
	"time"
	_ "time/tzdata" // so that the test means the same everywhere

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

func helsinki(t testing.TB) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, helsinki(t))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// weekdays are hours of 9 to 15 from Monday to Friday.
func weekdays() *fleet.Hours {
	day := []fleet.Span{{From: 9 * 60, To: 15 * 60}}
	return &fleet.Hours{Week: [7][]fleet.Span{nil, day, day, day, day, day, nil}}
}

// The days are those of the almanac of the University of Helsinki.
func TestHolidays(t *testing.T) {
	for year, want := range map[int][]string{
		2024: {"01-01", "01-06", "03-29", "03-31", "04-01", "05-01", "05-09", "05-19", "06-21", "06-22", "11-02", "12-06", "12-24", "12-25", "12-26"},
		2025: {"01-01", "01-06", "04-18", "04-20", "04-21", "05-01", "05-29", "06-08", "06-20", "06-21", "11-01", "12-06", "12-24", "12-25", "12-26"},
		2026: {"01-01", "01-06", "04-03", "04-05", "04-06", "05-01", "05-14", "05-24", "06-19", "06-20", "10-31", "12-06", "12-24", "12-25", "12-26"},
		2027: {"01-01", "01-06", "03-26", "03-28", "03-29", "05-01", "05-06", "05-16", "06-25", "06-26", "11-06", "12-06", "12-24", "12-25", "12-26"},
		2028: {"01-01", "01-06", "04-14", "04-16", "04-17", "05-01", "05-25", "06-04", "06-23", "06-24", "11-04", "12-06", "12-24", "12-25", "12-26"},
	} {
		got := watch.Holidays(year)
		if len(got) != len(want) {
			t.Fatalf("%d has %d days", year, len(got))
		}
		for i, d := range got {
			if d.Day[5:] != want[i] || d.Name == "" {
				t.Errorf("%d: %+v, want %s", year, d, want[i])
			}
		}
	}
}

func TestWithHolidays(t *testing.T) {
	day := at(t, "2026-11-29 12:00")
	own := weekdays()
	own.Days = map[string][]fleet.Span{"2026-12-24": {{From: 9 * 60, To: 12 * 60}}, "2026-12-31": {}}
	h := watch.WithHolidays(own, day)
	for d, open := range map[string]bool{
		"2026-12-23 10:00": true, "2026-12-24 10:00": true, "2026-12-24 13:00": false, // as the site says itself
		"2026-12-25 10:00": false, "2026-12-28 10:00": true, "2026-12-31 10:00": false, "2027-01-01 10:00": false,
		"2027-05-06 10:00": false, "2027-06-25 10:00": false, "2027-06-24 10:00": true, "2027-11-29 10:00": true,
	} {
		if got := h.Open(at(t, d)); got != open {
			t.Errorf("%s: open is %v", d, got)
		}
	}
	if len(own.Days) != 2 {
		t.Errorf("the hours themselves were changed: %v", own.Days)
	}
	if err := h.Validate(); err != nil {
		t.Error(err)
	}
	own.OnHolidays = true
	if !watch.WithHolidays(own, day).Open(at(t, "2027-01-01 10:00")) {
		t.Error("closed although holidays are days as others")
	}
	if watch.WithHolidays(nil, day) != nil {
		t.Error("always open has hours")
	}
	full := weekdays()
	full.Days = map[string][]fleet.Span{}
	for i := range 97 {
		full.Days[at(t, "2027-01-02 12:00").AddDate(0, 0, i).Format(time.DateOnly)] = nil
	}
	if h := watch.WithHolidays(full, day); h.Validate() != nil || h.Open(at(t, "2026-12-25 10:00")) || len(h.Days) != 100 {
		t.Errorf("%d days, %v", len(h.Days), h.Validate())
	}
}

func TestOutlookHours(t *testing.T) {
	never := &fleet.Hours{}
	split := &fleet.Hours{Week: weekdays().Week}
	split.Week[3] = []fleet.Span{{From: 9 * 60, To: 12 * 60}, {From: 13 * 60, To: 20 * 60}}
	for name, c := range map[string]struct {
		hours        *fleet.Hours
		now          string
		closed       bool
		turned, next string
	}{
		"always open":            {nil, "2026-11-23 03:00", false, "", ""},
		"never open":             {never, "2026-11-23 12:00", true, "", ""},
		"in the day":             {weekdays(), "2026-11-23 12:00", false, "2026-11-23 09:00", "2026-11-23 15:00"},
		"at the opening":         {weekdays(), "2026-11-23 09:00", false, "2026-11-23 09:00", "2026-11-23 15:00"},
		"at the closing":         {weekdays(), "2026-11-23 15:00", true, "2026-11-23 15:00", "2026-11-24 09:00"},
		"at night":               {weekdays(), "2026-11-24 02:00", true, "2026-11-23 15:00", "2026-11-24 09:00"},
		"at the weekend":         {weekdays(), "2026-11-22 12:00", true, "2026-11-20 15:00", "2026-11-23 09:00"},
		"over Christmas":         {weekdays(), "2026-12-27 12:00", true, "2026-12-23 15:00", "2026-12-28 09:00"},
		"over noon":              {split, "2026-11-25 12:30", true, "2026-11-25 12:00", "2026-11-25 13:00"},
		"the night of one clock": {weekdays(), "2026-10-25 12:00", true, "2026-10-23 15:00", "2026-10-26 09:00"},
	} {
		closed, turned, next := watch.Outlook{}.Hours(state.Place{Hours: c.hours, Zone: helsinki(t)}, at(t, c.now))
		say := func(v time.Time) string {
			if v.IsZero() {
				return ""
			}
			return v.In(helsinki(t)).Format("2006-01-02 15:04")
		}
		if closed != c.closed || say(turned) != c.turned || say(next) != c.next {
			t.Errorf("%s: %v, turned %q, next %q", name, closed, say(turned), say(next))
		}
	}
}

// ago are moments before noon.
func ago(ds ...time.Duration) (all []time.Time) {
	for _, d := range ds {
		all = append(all, noon.Add(-d))
	}
	return all
}

func TestSilentSite(t *testing.T) {
	const s, m = time.Second, time.Minute
	before := noon.Add(-10 * m)
	for name, c := range map[string]struct {
		lost   []time.Time
		here   int
		before time.Time
		since  time.Duration // before noon; -1: not silent
	}{
		"all is well":                        {nil, 5, time.Time{}, -1},
		"one of one":                         {ago(m), 0, time.Time{}, -1},
		"one of two":                         {ago(m), 1, time.Time{}, -1},
		"two of two":                         {ago(m, 70*s), 0, time.Time{}, 70 * s},
		"two of two, an hour apart":          {ago(m, 61*m), 0, time.Time{}, -1},
		"two of three":                       {ago(m, m), 1, time.Time{}, m},
		"two of four":                        {ago(m, m), 2, time.Time{}, -1},
		"five of ten":                        {ago(m, m, m, m, m), 5, time.Time{}, -1},
		"six of ten":                         {ago(m, 2*m, m, m, m, m), 4, time.Time{}, 2 * m},
		"two of two, beside three old ones":  {ago(m, m, 100*time.Hour, 50*time.Hour, 70*time.Hour), 0, time.Time{}, m},
		"one of one, beside an old one":      {ago(m, 100*time.Hour), 0, time.Time{}, -1},
		"half are back":                      {ago(9*m, 9*m, 9*m), 7, before, 10 * m},
		"two are left":                       {ago(9*m, 9*m), 8, before, 10 * m},
		"one is left":                        {ago(9 * m), 9, before, -1},
		"all are back":                       {nil, 10, before, -1},
		"one is left, and an older one":      {ago(9*m, 50*time.Hour), 9, before, -1},
		"later ones join":                    {ago(9*m, 9*m, m), 7, before, 10 * m},
		"one came back and was lost anew":    {ago(9*m, s), 8, before, 10 * m},
		"back for a while, and all is gone":  {ago(s, s, s), 0, time.Time{}, s},
		"one every three minutes, of twelve": {ago(0, 3*m, 6*m, 9*m, 12*m, 15*m, 18*m), 5, time.Time{}, -1},
	} {
		got := watch.Outlook{}.Silent(noon, c.lost, c.here, c.before)
		want := time.Time{}
		if c.since >= 0 {
			want = noon.Add(-c.since)
		}
		if !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestBlind(t *testing.T) {
	const m = time.Minute
	before := noon.Add(-10 * m)
	for name, c := range map[string]struct {
		lost   []time.Time
		here   int
		cut    bool
		before time.Time
		since  time.Duration
	}{
		"all is well":                      {nil, 5, false, time.Time{}, -1},
		"cut off, and nobody was there":    {nil, 0, true, time.Time{}, -1},
		"all lost":                         {ago(m, m), 0, false, time.Time{}, -1},
		"all lost, and cut off":            {ago(m, 2*m), 0, true, time.Time{}, 2 * m},
		"the only one lost, and cut off":   {ago(m), 0, true, time.Time{}, m},
		"cut off, but one machine is here": {ago(m, m), 1, true, time.Time{}, -1},
		"still cut off":                    {ago(9*m, 9*m), 0, true, before, 10 * m},
		"not cut off any more":             {ago(9*m, 9*m), 0, false, before, -1},
		"the first one is back":            {ago(9 * m), 1, true, before, -1},
	} {
		got := watch.Outlook{}.Blind(noon, c.lost, c.here, c.cut, c.before)
		want := time.Time{}
		if c.since >= 0 {
			want = noon.Add(-c.since)
		}
		if !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
