package figures

import (
	"fmt"
	"time"

	"yhteiskone/internal/fleet"
)

// Span is a calendar month where the people are.
type Span struct{ first time.Time }

// SpanOf is the month that a time is in.
func SpanOf(at time.Time) Span {
	return Span{time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, at.Location())}
}

// ParseSpan reads "2026-11".
func ParseSpan(text string, at *time.Location) (Span, bool) {
	t, err := time.ParseInLocation("2006-01", text, at)
	return Span{t}, err == nil && t.Year() >= 2000
}

// String is "2026-11".
func (m Span) String() string { return m.first.Format("2006-01") }

// Year and Month say which one it is.
func (m Span) Year() int         { return m.first.Year() }
func (m Span) Month() time.Month { return m.first.Month() }

// First and Last are its days.
func (m Span) First() string { return m.first.Format(time.DateOnly) }
func (m Span) Last() string  { return m.first.AddDate(0, 1, -1).Format(time.DateOnly) }

// Begin is when it begins.
func (m Span) Begin() time.Time { return m.first }

// Weeks are the weeks of ISO 8601 that have a day in it, as "2026-48", and
// whether all of their days are.
func (m Span) Weeks() map[string]bool {
	days := map[string]int{}
	for day := m.first; day.Month() == m.first.Month(); day = day.AddDate(0, 0, 1) {
		year, n := day.ISOWeek()
		days[fmt.Sprintf("%04d-%02d", year, n)]++
	}
	whole := map[string]bool{}
	for week, n := range days {
		whole[week] = n == 7
	}
	return whole
}

// Before is the month before it.
func (m Span) Before() Span { return Span{m.first.AddDate(0, -1, 0)} }

// Ended reports whether the month is over.
func (m Span) Ended(now time.Time) bool { return now.Format(time.DateOnly) > m.Last() }

// Grace is how many days a month waits for machines that are silent, before it
// is closed.
const Grace = 14

// Closes is the last day (UTC, as days of arrival are) on which numbers that
// come are still added. After it the month never changes again: who kept an
// earlier look at it has nothing to subtract.
func (m Span) Closes() string { return m.first.AddDate(0, 1, -1+Grace).Format(time.DateOnly) }

// Closed reports whether the month has closed.
func (m Span) Closed(now time.Time) bool { return now.UTC().Format(time.DateOnly) > m.Closes() }

// ClosesFor is Closes for a site, by the day on which its first numbers of the
// month came. If that is later still (an agent that takes a past over), nobody was
// shown any before, and the month closes with that day.
func (m Span) ClosesFor(first string) string { return max(m.Closes(), first) }

// settle is how long after midnight a kiosk has surely handed its day over, if
// it is connected.
const settle = 15 * time.Minute

// Machine is a kiosk and when it was heard of last.
type Machine struct {
	Kiosk fleet.Kiosk
	Seen  time.Time // zero: never
}

// Complete says up to which day all numbers of the month are here, and which
// machines hold back the rest. A kiosk sends a day's sums when the day is
// over, at once or as soon as it has a connection, and everything that it kept
// back in order: so of one that was heard of today all is here up to
// yesterday. The day is empty if there are none yet.
func (m Span) Complete(machines []Machine, now time.Time) (through string, late []Late) {
	at := m.first.Location()
	before := func(t time.Time) string {
		t = t.In(at).Add(-settle)
		return time.Date(t.Year(), t.Month(), t.Day()-1, 0, 0, 0, 0, at).Format(time.DateOnly)
	}
	want := min(before(now), m.Last())
	through = want
	for _, k := range machines {
		if k.Kiosk.Enrolled.In(at).Format(time.DateOnly) > m.Last() {
			continue
		}
		have := ""
		if !k.Seen.IsZero() {
			have = before(k.Seen)
		}
		if have < want && want >= m.First() {
			if have < m.First() {
				have = ""
			}
			late = append(late, Late{k.Kiosk, have})
			through = min(through, have)
		}
	}
	if through < m.First() {
		through = ""
	}
	SortLate(late)
	return through, late
}
