package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"

	"yhteiskone/internal/fleet"
)

// Holiday is one day on which Finland rests.
type Holiday struct {
	Day  string // 2006-01-02
	Name string // in Finnish
}

// holiday is one that comes every year.
type holiday struct {
	name string
	day  *cal.Holiday
}

func fixed(m time.Month, day int) *cal.Holiday {
	return &cal.Holiday{Month: m, Day: day, Func: cal.CalcDayOfMonth}
}

// from is the first such weekday from a day on.
func from(m time.Month, day int, w time.Weekday) *cal.Holiday {
	return &cal.Holiday{Month: m, Day: day, Weekday: w, Offset: 1, Func: cal.CalcWeekdayFrom}
}

// holidays lists the days off: those of the law, and the eves of Midsummer and
// of Christmas, on which day centres are closed as on a holiday. Days that are
// always a Sunday are among them: some places are open on Sundays.
func holidays() []holiday {
	return []holiday{
		{"Uudenvuodenpäivä", aa.NewYear}, {"Loppiainen", aa.Epiphany},
		{"Pitkäperjantai", aa.GoodFriday}, {"Pääsiäispäivä", aa.Easter}, {"2. pääsiäispäivä", aa.EasterMonday},
		{"Vappu", aa.WorkersDay}, {"Helatorstai", aa.AscensionDay}, {"Helluntaipäivä", aa.Pentecost},
		{"Juhannusaatto", from(time.June, 19, time.Friday)}, {"Juhannuspäivä", from(time.June, 20, time.Saturday)},
		{"Pyhäinpäivä", from(time.October, 31, time.Saturday)}, {"Itsenäisyyspäivä", fixed(time.December, 6)},
		{"Jouluaatto", fixed(time.December, 24)}, {"Joulupäivä", aa.ChristmasDay}, {"Tapaninpäivä", aa.ChristmasDay2},
	}
}

// Holidays lists the days off of one year, the first one first.
func Holidays(year int) (days []Holiday) {
	for _, h := range holidays() {
		day, _ := h.day.Calc(year)
		days = append(days, Holiday{day.Format(time.DateOnly), h.name})
	}
	slices.SortFunc(days, func(a, b Holiday) int { return cmp.Compare(a.Day, b.Day) })
	return days
}

// daysMost is how many days that differ a kiosk takes.
const daysMost = 100

// WithHolidays puts the holidays of the year from a day on among the days that
// differ, as closed ones, unless the hours say that they are days as others
// are. What the hours say of a day themselves stays. If there are more days
// than a kiosk takes, the latest holidays are left out.
func WithHolidays(h *fleet.Hours, day time.Time) *fleet.Hours {
	if h == nil || h.OnHolidays {
		return h
	}
	out := *h
	out.Days = maps.Clone(h.Days)
	if out.Days == nil {
		out.Days = map[string][]fleet.Span{}
	}
	first, last := day.Format(time.DateOnly), day.AddDate(1, 0, 0).Format(time.DateOnly)
	for year := day.Year(); year <= day.Year()+1; year++ {
		for _, d := range Holidays(year) {
			if _, said := out.Days[d.Day]; !said && d.Day >= first && d.Day <= last && len(out.Days) < daysMost {
				out.Days[d.Day] = []fleet.Span{}
			}
		}
	}
	return &out
}
