package dashboard

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// teller says times and amounts as people say them, in one language.
type teller struct {
	*texts
	now func() time.Time
	loc *time.Location
}

// when is a point in time: "klo 12.41", "eilen klo 12.41", "20.11. klo 12.41".
func (t teller) when(at time.Time) template.HTML {
	if at.IsZero() {
		return ""
	}
	now, local := t.now().In(t.loc), at.In(t.loc)
	clock := strings.TrimPrefix(local.Format(t.words["when.time"]), "0")
	var said template.HTML
	switch {
	case sameDay(local, now):
		said = t.say("when.today", "time", clock)
	case sameDay(local, now.AddDate(0, 0, -1)):
		said = t.say("when.yesterday", "time", clock)
	case local.Year() == now.Year():
		said = t.say("when.date", "date", local.Format(t.words["when.day"]), "time", clock)
	default:
		said = t.say("when.date", "date", local.Format(t.words["when.day_year"]), "time", clock)
	}
	return t.stamp(at, said)
}

// ago is how long a point in time is past: "2 minuuttia sitten". What is
// further back than a day is said as a point.
func (t teller) ago(at time.Time) template.HTML {
	d := t.now().Sub(at)
	switch {
	case d < 45*time.Second:
		return t.stamp(at, t.say("when.now"))
	case d < time.Hour:
		return t.stamp(at, t.count("when.minutes", max(1, int(d.Round(time.Minute)/time.Minute))))
	case d < 24*time.Hour:
		return t.stamp(at, t.count("when.hours", int(d/time.Hour)))
	}
	return t.when(at)
}

// stamp puts the exact time beside what is said.
func (t teller) stamp(at time.Time, said template.HTML) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, at.UTC().Format(time.RFC3339),
		template.HTMLEscapeString(at.In(t.loc).Format(t.words["when.exact"])), said))
}

// span is a length of time in its largest unit: "3 tuntia".
func (t teller) span(d time.Duration) template.HTML {
	switch {
	case d >= 24*time.Hour:
		return t.count("span.days", int(d/(24*time.Hour)))
	case d >= time.Hour:
		return t.count("span.hours", int(d/time.Hour))
	}
	return t.count("span.minutes", int(d/time.Minute))
}

// gigabytes says an amount of memory or disk with one decimal.
func (t teller) gigabytes(n uint64) template.HTML {
	text := strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64)
	return t.say("health.gigabytes", "n", strings.Replace(text, ".", t.words["health.decimal"], 1))
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}
