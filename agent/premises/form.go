package premises

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
)

// Form is a site's decisions as people write them.
type Form struct {
	Always    bool      // open day and night
	Week      [7]string // Sunday first; empty is closed
	Days      string    // a line for each day that differs
	Support   string    // a line for each time
	Phone     string
	Welcome   fleet.Text
	Places    map[string]string // on the first page, of fleet.OfferEntries, from 1; empty: not shown
	Own       []OwnForm
	Languages []string
	Mode      string
	Blocked   string // a line for each host
	Idle      string // minutes
	Limit     string // minutes; empty for none
	Notice    string // minutes
	HelpAfter string // minutes
	HelpTo    string
}

// Problem is a field that cannot be read; Line is the one at fault, if the
// field has lines, or the language, if it has several. Why is which of several
// things is wrong, of services only.
type Problem struct {
	Field Field
	Line  string
	Why   string
}

func (p Problem) Error() string { return fmt.Sprintf("%s: %q cannot be read", p.Field, p.Line) }

// FormOf writes the values, by the clock of the place.
func FormOf(v Values, at *time.Location) Form {
	f := Form{Always: v.Hours == nil, Phone: v.Phone, Welcome: v.Welcome, Languages: v.Languages, Mode: string(v.Mode), Blocked: strings.Join(v.Blocked, "\n"),
		Idle: minutes(v.Idle), Notice: minutes(v.Notice), HelpAfter: minutes(v.Call.After), HelpTo: string(v.Call.To)}
	f.Places, f.Own = offerForm(v.Offer)
	if v.Mode == "" {
		f.Mode = string(fleet.Open)
	}
	if v.Limit > 0 {
		f.Limit = minutes(v.Limit)
	}
	if v.Hours != nil {
		for d, spans := range v.Hours.Week {
			f.Week[d] = spansText(spans)
		}
		for _, day := range slices.Sorted(maps.Keys(v.Hours.Days)) {
			d, err := time.Parse(time.DateOnly, day)
			if err != nil {
				continue
			}
			text := spansText(v.Hours.Days[day])
			if text == "" {
				text = "-"
			}
			f.Days += d.Format(dayShape) + " " + text + "\n"
		}
	}
	for _, s := range v.Support {
		from, to := s.From.In(at), s.To.In(at)
		f.Support += from.Format(dayShape) + " " + clock(from.Hour()*60+from.Minute()) + "-" + clock(to.Hour()*60+to.Minute()) + "\n"
	}
	return f
}

const dayShape = "2.1.2006"

func minutes(d time.Duration) string {
	return strings.TrimSuffix(strconv.FormatFloat(d.Minutes(), 'f', -1, 64), ".0")
}

func spansText(spans []fleet.Span) string {
	var all []string
	for _, s := range spans {
		all = append(all, clock(s.From)+"-"+clock(s.To))
	}
	return strings.Join(all, ", ")
}

func clock(minute int) string {
	if minute%60 == 0 {
		return strconv.Itoa(minute / 60)
	}
	return fmt.Sprintf("%d:%02d", minute/60, minute%60)
}

// Values reads the form over what holds without it. The first field that is
// wrong is a Problem.
func (f Form) Values(base Values, at *time.Location) (v Values, err error) {
	v = base
	if v.Hours, err = f.hours(); err != nil {
		return v, err
	}
	v.Support = nil
	for line := range lines(f.Support) {
		s, ok := supportOf(line, at)
		if !ok || len(v.Support) == 20 {
			return v, Problem{Field: Support, Line: line}
		}
		v.Support = append(v.Support, s)
	}
	slices.SortFunc(v.Support, func(a, b fleet.Support) int { return a.From.Compare(b.From) })
	if v.Phone = strings.TrimSpace(f.Phone); len(v.Phone) > 40 || strings.ContainsFunc(v.Phone, func(r rune) bool { return !strings.ContainsRune("0123456789 +-()", r) }) {
		return v, Problem{Field: Phone, Line: v.Phone}
	}
	v.Welcome = fleet.Text{FI: strings.TrimSpace(f.Welcome.FI), SV: strings.TrimSpace(f.Welcome.SV), EN: strings.TrimSpace(f.Welcome.EN)}
	if v.Welcome != (fleet.Text{}) {
		if lang, err := v.Welcome.Check(1, fleet.WelcomeLimit); err != nil {
			return v, Problem{Field: Welcome, Line: lang}
		}
	}
	if v.Offer, err = f.offer(); err != nil {
		return v, err
	}
	v.Languages = f.Languages
	if v.Mode = fleet.Mode(f.Mode); v.Mode != fleet.Open && v.Mode != fleet.Errands {
		return v, Problem{Field: Mode, Line: f.Mode}
	}
	v.Blocked = nil
	for line := range lines(f.Blocked) {
		line = strings.ToLower(line)
		if fleet.CheckHost(line) != nil || len(v.Blocked) == 500 {
			return v, Problem{Field: Blocked, Line: line}
		}
		if !slices.Contains(v.Blocked, line) {
			v.Blocked = append(v.Blocked, line)
		}
	}
	for _, d := range []struct {
		field Field
		text  string
		to    *time.Duration
		least time.Duration
	}{{Idle, f.Idle, &v.Idle, time.Minute}, {Limit, f.Limit, &v.Limit, 0}, {Notice, f.Notice, &v.Notice, time.Minute}, {Help, f.HelpAfter, &v.Call.After, 0}} {
		text := strings.Replace(strings.TrimSpace(d.text), ",", ".", 1)
		if text == "" && d.field == Limit {
			text = "0"
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n < 0 || n > 24*60 || time.Duration(n*float64(time.Minute)) < d.least {
			return v, Problem{Field: d.field, Line: d.text}
		}
		*d.to = time.Duration(n * float64(time.Minute)).Round(time.Second)
	}
	switch v.Call.To = fleet.SiteID(f.HelpTo); {
	case v.Idle <= v.Warn:
		return v, Problem{Field: Idle, Line: f.Idle}
	case v.Limit != 0 && v.Limit <= v.Warn:
		return v, Problem{Field: Limit, Line: f.Limit}
	}
	return v, nil
}

func lines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !yield(line) {
				return
			}
		}
	}
}

func (f Form) hours() (*fleet.Hours, error) {
	if f.Always {
		return nil, nil
	}
	h := &fleet.Hours{Days: map[string][]fleet.Span{}}
	for d, text := range f.Week {
		spans, ok := Spans(text)
		if !ok {
			return nil, Problem{Field: Hours, Line: text}
		}
		h.Week[d] = spans
	}
	for line := range lines(f.Days) {
		day, text, _ := strings.Cut(line, " ")
		d, ok := dayOf(day)
		spans, ok2 := Spans(text)
		_, twice := h.Days[d]
		if !ok || !ok2 || twice || strings.TrimSpace(text) == "" || len(h.Days) == 100 {
			return nil, Problem{Field: Days, Line: line}
		}
		h.Days[d] = spans
	}
	return h, nil
}

// shut are the words for a day on which a place is closed.
func shut() []string { return []string{"", "-", "kiinni", "suljettu", "stängt", "closed"} }

// Spans reads "9-15", "9:00-12:00, 13.00-15:30" or a word for closed.
func Spans(text string) ([]fleet.Span, bool) {
	spans := []fleet.Span{}
	text = strings.NewReplacer("–", "-", "—", "-").Replace(strings.ToLower(strings.TrimSpace(text)))
	if slices.Contains(shut(), text) {
		return spans, true
	}
	last := -1
	for part := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(part, "-")
		a, ok1 := Minute(from)
		b, ok2 := Minute(to)
		if !ok || !ok1 || !ok2 || a < last || b <= a || len(spans) == 8 {
			return nil, false
		}
		last = b
		spans = append(spans, fleet.Span{From: a, To: b})
	}
	return spans, true
}

// Minute reads a time of the day as people write it: "9", "9:30" or "9.30", up
// to "24:00", in minutes from midnight.
func Minute(s string) (int, bool) {
	hours, minutes, some := strings.Cut(strings.Replace(strings.TrimSpace(s), ".", ":", 1), ":")
	h, err := strconv.ParseUint(hours, 10, 8)
	if err != nil || len(hours) > 2 {
		return 0, false
	}
	m := uint64(0)
	if some {
		if m, err = strconv.ParseUint(minutes, 10, 8); err != nil || len(minutes) != 2 || m > 59 {
			return 0, false
		}
	}
	at := int(h*60 + m)
	return at, at <= 24*60
}

// dayOf reads "24.12.2026" or "2026-12-24".
func dayOf(s string) (string, bool) {
	for _, shape := range []string{dayShape, time.DateOnly} {
		if d, err := time.Parse(shape, s); err == nil && d.Year() >= 2000 && d.Year() <= 2100 {
			return d.Format(time.DateOnly), true
		}
	}
	return "", false
}

func supportOf(line string, at *time.Location) (fleet.Support, bool) {
	day, text, _ := strings.Cut(line, " ")
	name, ok := dayOf(day)
	spans, ok2 := Spans(text)
	if !ok || !ok2 || len(spans) != 1 {
		return fleet.Support{}, false
	}
	d, err := time.ParseInLocation(time.DateOnly, name, at)
	moment := func(minute int) time.Time { return time.Date(d.Year(), d.Month(), d.Day(), 0, minute, 0, 0, at) }
	return fleet.Support{From: moment(spans[0].From), To: moment(spans[0].To)}, err == nil
}
