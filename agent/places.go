package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// placeConfig is how kiosks serve: in [settings] all of them, in [sites.ID]
// those of one site where it differs. What is left out stays as it is.
type placeConfig struct {
	Idle      *duration            `toml:"idle"`
	Warn      *duration            `toml:"warn"`
	Limit     *duration            `toml:"limit"`
	Notice    *duration            `toml:"notice"`
	Mode      *fleet.Mode          `toml:"mode"`
	Blocked   []string             `toml:"blocked"` // a site's own are added to those of all
	Languages []string             `toml:"languages"`
	Hours     map[string]openHours `toml:"hours"` // by "mon", "mon-fri" or "2026-12-24"; a weekday that is left out is closed
	Support   []string             `toml:"support"`
	Phone     *string              `toml:"phone"`
	Welcome   *fleet.Text          `toml:"welcome"` // on the welcome page

	careConfig // how its machines are watched
}

// openHours are the parts of a day in which a place is open, written as people
// do: "9-15", "9:00-12:00, 13:00-15:30", "closed".
type openHours []fleet.Span

// UnmarshalText reads them.
func (h *openHours) UnmarshalText(text []byte) error {
	bad := fmt.Errorf("%.60q are not opening hours such as \"9:00-15:00\", \"9-12, 13-15:30\" or \"closed\"", text)
	*h = openHours{}
	if strings.TrimSpace(string(text)) == "closed" {
		return nil
	}
	last := -1
	for part := range strings.SplitSeq(string(text), ",") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			return bad
		}
		f, ok1 := minuteOf(from)
		t, ok2 := minuteOf(to)
		if !ok1 || !ok2 || f < last || t <= f {
			return bad
		}
		last = t
		*h = append(*h, fleet.Span{From: f, To: t})
	}
	return nil
}

// minuteOf reads "9", "9:30" or "9.30" up to "24:00", in minutes from midnight.
func minuteOf(s string) (int, bool) {
	s = strings.Replace(strings.TrimSpace(s), ".", ":", 1)
	hours, minutes, colon := strings.Cut(s, ":")
	h, err := strconv.ParseUint(hours, 10, 8)
	if err != nil || len(hours) > 2 {
		return 0, false
	}
	m := uint64(0)
	if colon {
		if m, err = strconv.ParseUint(minutes, 10, 8); err != nil || len(minutes) != 2 || m > 59 {
			return 0, false
		}
	}
	at := int(h*60 + m)
	return at, at <= 24*60
}

// weekdays are the keys of hours, in the order of time.Weekday.
func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// hours puts the keys of the configuration into days.
func hours(by map[string]openHours) (*fleet.Hours, error) {
	if by == nil {
		return nil, nil
	}
	h := &fleet.Hours{Days: map[string][]fleet.Span{}}
	taken := map[int]string{}
	for _, key := range slices.Sorted(maps.Keys(by)) {
		days, ok := daysOf(key)
		if !ok {
			if _, err := time.Parse(time.DateOnly, key); err != nil {
				return nil, fmt.Errorf("hours: the key %q is not a weekday (mon), some of them (mon-fri) or a day (2026-12-24)", key)
			}
			h.Days[key] = by[key]
			continue
		}
		for _, d := range days {
			if other, twice := taken[d]; twice {
				return nil, fmt.Errorf("hours: %q and %q both say when it is open on %s", other, key, time.Weekday(d))
			}
			taken[d] = key
			h.Week[d] = by[key]
		}
	}
	return h, h.Validate()
}

// daysOf reads "mon" or "mon-fri".
func daysOf(key string) (days []int, ok bool) {
	first, last, some := strings.Cut(key, "-")
	from := slices.Index(weekdays(), first)
	if !some {
		return []int{from}, from >= 0
	}
	to := slices.Index(weekdays(), last)
	if from < 0 || to < 0 || from == to {
		return nil, false
	}
	for d := from; ; d = (d + 1) % 7 {
		days = append(days, d)
		if d == to {
			return days, true
		}
	}
}

// supportOf reads "2026-11-24 10:00-12:00", by the clock of the place.
func supportOf(text string, at *time.Location) (fleet.Support, error) {
	bad := fmt.Errorf("support: %.60q is not a time such as \"2026-11-24 10:00-12:00\"", text)
	day, span, ok := strings.Cut(strings.TrimSpace(text), " ")
	d, err := time.ParseInLocation(time.DateOnly, day, at)
	if !ok || err != nil {
		return fleet.Support{}, bad
	}
	from, to, ok := strings.Cut(span, "-")
	f, ok1 := minuteOf(from)
	t, ok2 := minuteOf(to)
	if !ok || !ok1 || !ok2 || t <= f {
		return fleet.Support{}, bad
	}
	clock := func(minute int) time.Time { return time.Date(d.Year(), d.Month(), d.Day(), 0, minute, 0, 0, at) }
	return fleet.Support{From: clock(f), To: clock(t)}, nil
}

// over puts what a place says over the settings.
func (p placeConfig) over(s fleet.Settings, at *time.Location) (fleet.Settings, error) {
	for _, d := range []struct {
		to   *time.Duration
		from *duration
	}{{&s.Idle, p.Idle}, {&s.Warn, p.Warn}, {&s.Limit, p.Limit}, {&s.Notice, p.Notice}} {
		if d.from != nil {
			*d.to = d.from.Duration
		}
	}
	if p.Mode != nil {
		if *p.Mode != fleet.Open && *p.Mode != fleet.Errands {
			return s, fmt.Errorf("mode is %q; it must be %q or %q", *p.Mode, fleet.Open, fleet.Errands)
		}
		s.Mode = *p.Mode
	}
	s.Blocked = slices.Concat(s.Blocked, p.Blocked)
	if p.Languages != nil {
		s.Languages = p.Languages
	}
	if p.Phone != nil {
		s.Phone = *p.Phone
	}
	if p.Welcome != nil {
		s.Welcome = *p.Welcome
	}
	if p.Hours != nil {
		h, err := hours(p.Hours)
		if err != nil {
			return s, err
		}
		s.Hours = h
	}
	if p.Support != nil {
		s.Support = nil
		for _, text := range p.Support {
			t, err := supportOf(text, at)
			if err != nil {
				return s, err
			}
			s.Support = append(s.Support, t)
		}
		slices.SortFunc(s.Support, func(a, b fleet.Support) int { return a.From.Compare(b.From) })
	}
	if err := s.Validate(); err != nil {
		return s, err
	}
	if !fits(s) {
		return s, errors.New("blocked and the rest are too long together; name fewer hosts")
	}
	return s, nil
}

// fits reports whether a kiosk can read the settings, whatever names come on
// top.
func fits(s fleet.Settings) bool {
	s.SiteName, s.KioskName = strings.Repeat("ä", fleet.NameLimit), strings.Repeat("ä", fleet.NameLimit)
	_, err := wire.Encode(wire.Settings{Settings: wire.SettingsOf(s)})
	return err == nil
}

// checkPlaces works out the settings of all sites and of each that differs.
func (c *config) checkPlaces() (err error) {
	base := fleet.DefaultSettings()
	base.Agents = c.Agents
	if err := base.Validate(); err != nil {
		return err
	}
	if c.settings, err = c.Settings.over(base, c.location); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	c.places = map[fleet.SiteID]fleet.Settings{}
	for _, id := range slices.Sorted(maps.Keys(c.Places)) {
		if !id.Valid() {
			return fmt.Errorf("sites.%s: the identifier must be 1 to 40 of a-z, 0-9 and '-'", id)
		}
		if c.places[id], err = c.Places[id].over(c.settings, c.location); err != nil {
			return fmt.Errorf("sites.%s: %w", id, err)
		}
	}
	return c.checkCares()
}
