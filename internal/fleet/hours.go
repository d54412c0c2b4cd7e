package fleet

import (
	"fmt"
	"time"
)

// Span is a part of one day, in minutes from midnight by the site's clock.
type Span struct {
	From int // 0 to 1439
	To   int // above From, at most 1440
}

// Hours are a site's opening hours. Nil Hours mean: always open.
type Hours struct {
	Week [7][]Span         // by time.Weekday, Sunday first; an empty day is closed
	Days map[string][]Span // days that differ, by 2006-01-02; an empty list is closed all day

	// OnHolidays says that public holidays are days as others are. Otherwise
	// the site is closed on them, unless Days say when it is open. The agent
	// knows the holidays; kiosks are told of Days only.
	OnHolidays bool
}

// of are the hours of the day of t.
func (h *Hours) of(t time.Time) []Span {
	if s, ok := h.Days[t.Format(time.DateOnly)]; ok {
		return s
	}
	return h.Week[t.Weekday()]
}

// Open reports whether the site is open at t, read by t's own clock and zone.
func (h *Hours) Open(t time.Time) bool {
	if h == nil {
		return true
	}
	now := t.Hour()*60 + t.Minute()
	for _, s := range h.of(t) {
		if now >= s.From && now < s.To {
			return true
		}
	}
	return false
}

// Next returns when the site opens or closes next after t, and whether it does
// within two weeks. Hours that meet at midnight are one span. A bound inside
// the hour that comes twice on an autumn night may be found in either of them.
func (h *Hours) Next(t time.Time) (time.Time, bool) {
	if h == nil {
		return time.Time{}, false
	}
	open := h.Open(t)
	for day := range 15 {
		d := time.Date(t.Year(), t.Month(), t.Day()+day, 0, 0, 0, 0, t.Location())
		for _, s := range h.of(d) {
			for _, minute := range []int{s.From, s.To} {
				at := time.Date(d.Year(), d.Month(), d.Day(), 0, minute, 0, 0, t.Location())
				if !at.After(t) || h.Open(at) == open {
					continue
				}
				// A minute that a change of clocks leaves out is read as a later one.
				for before := at.Add(-time.Minute); before.After(t) && h.Open(before) != open; before = at.Add(-time.Minute) {
					at = before
				}
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// Validate says in one sentence what is wrong, or returns nil.
func (h *Hours) Validate() error {
	if h == nil {
		return nil
	}
	for d, spans := range h.Week {
		if err := checkSpans(time.Weekday(d).String(), spans); err != nil {
			return err
		}
	}
	if len(h.Days) > 100 {
		return fmt.Errorf("hours have %d days that differ; at most 100", len(h.Days))
	}
	for day, spans := range h.Days {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("hours: %q is not a day such as 2026-12-24", day)
		}
		if err := checkSpans(day, spans); err != nil {
			return err
		}
	}
	return nil
}

func checkSpans(day string, spans []Span) error {
	if len(spans) > 8 {
		return fmt.Errorf("hours of %s have %d parts; at most 8", day, len(spans))
	}
	last := 0
	for _, s := range spans {
		if s.From < last || s.To <= s.From || s.To > 24*60 {
			return fmt.Errorf("hours of %s: from minute %d to %d; parts are in order, within the day and do not overlap", day, s.From, s.To)
		}
		last = s.To
	}
	return nil
}
