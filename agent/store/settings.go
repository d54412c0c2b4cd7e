package store

import (
	"bytes"
	"maps"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/premises"
	"yhteiskone/internal/fleet"
)

// settingsRecord is the settings of all kiosks, and of the sites that have
// their own. The times stand where an earlier agent left them.
type settingsRecord struct {
	Version uint64 `json:"version"`
	placeRecord
	Sites map[fleet.SiteID]placeRecord `json:"sites,omitempty"`
}

// placeRecord is the settings of a place, but for the names.
type placeRecord struct {
	Idle  time.Duration `json:"idle_ns"`
	Warn  time.Duration `json:"warn_ns"`
	Limit time.Duration `json:"limit_ns"`

	Notice    time.Duration   `json:"notice_ns,omitempty"`
	Mode      fleet.Mode      `json:"mode,omitempty"`
	Blocked   []string        `json:"blocked,omitempty"`
	Languages []string        `json:"languages,omitempty"`
	Hours     *hoursRecord    `json:"hours,omitempty"`
	Support   []supportRecord `json:"support,omitempty"`
	Phone     string          `json:"phone,omitempty"`
	Welcome   *textRecord     `json:"welcome,omitempty"`
	Offer     *offerRecord    `json:"offer,omitempty"`
	Agents    []string        `json:"agents,omitempty"`
}

type offerRecord struct {
	Shown []string        `json:"shown"`
	Own   []serviceRecord `json:"own,omitempty"`
}

type serviceRecord struct {
	Name    textRecord `json:"name"`
	Address string     `json:"address"`
	Hosts   []string   `json:"hosts,omitempty"`
}

type textRecord struct {
	FI string `json:"fi"`
	SV string `json:"sv"`
	EN string `json:"en"`
}

type hoursRecord struct {
	Week [7][]spanRecord         `json:"week"` // Sunday first
	Days map[string][]spanRecord `json:"days,omitempty"`

	OnHolidays bool `json:"on_holidays,omitempty"`
}

type spanRecord struct {
	From int `json:"from"`
	To   int `json:"to"`
}

type supportRecord struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func placeOf(s fleet.Settings) placeRecord {
	r := placeRecord{Idle: s.Idle, Warn: s.Warn, Limit: s.Limit, Notice: s.Notice, Mode: s.Mode,
		Blocked: s.Blocked, Languages: s.Languages, Phone: s.Phone, Agents: s.Agents}
	if s.Welcome != (fleet.Text{}) {
		t := textRecord(s.Welcome)
		r.Welcome = &t
	}
	if s.Offer != nil {
		r.Offer = &offerRecord{Shown: s.Offer.Shown}
		for _, o := range s.Offer.Own {
			r.Offer.Own = append(r.Offer.Own, serviceRecord{textRecord(o.Name), o.Address, o.Hosts})
		}
	}
	for _, t := range s.Support {
		r.Support = append(r.Support, supportRecord{t.From.UTC(), t.To.UTC()})
	}
	if s.Hours != nil {
		r.Hours = &hoursRecord{Days: map[string][]spanRecord{}, OnHolidays: s.Hours.OnHolidays}
		for d, spans := range s.Hours.Week {
			r.Hours.Week[d] = spanRecords(spans)
		}
		for d, spans := range s.Hours.Days {
			r.Hours.Days[d] = spanRecords(spans)
		}
	}
	return r
}

func spanRecords(spans []fleet.Span) []spanRecord {
	all := []spanRecord{}
	for _, s := range spans {
		all = append(all, spanRecord(s))
	}
	return all
}

func (r placeRecord) fleet() fleet.Settings {
	s := fleet.Settings{Idle: r.Idle, Warn: r.Warn, Limit: r.Limit, Notice: r.Notice, Mode: r.Mode,
		Blocked: r.Blocked, Languages: r.Languages, Phone: r.Phone, Agents: r.Agents}
	if r.Welcome != nil {
		s.Welcome = fleet.Text(*r.Welcome)
	}
	if r.Offer != nil {
		s.Offer = &fleet.Offer{Shown: r.Offer.Shown}
		for _, o := range r.Offer.Own {
			s.Offer.Own = append(s.Offer.Own, fleet.Service{Name: fleet.Text(o.Name), Address: o.Address, Hosts: o.Hosts})
		}
	}
	for _, t := range r.Support {
		s.Support = append(s.Support, fleet.Support(t))
	}
	if r.Hours != nil {
		s.Hours = &fleet.Hours{Days: map[string][]fleet.Span{}, OnHolidays: r.Hours.OnHolidays}
		for d, spans := range r.Hours.Week {
			s.Hours.Week[d] = fleetSpans(spans)
		}
		for d, spans := range r.Hours.Days {
			s.Hours.Days[d] = fleetSpans(spans)
		}
	}
	return s
}

func fleetSpans(records []spanRecord) []fleet.Span {
	spans := []fleet.Span{}
	for _, r := range records {
		spans = append(spans, fleet.Span(r))
	}
	return spans
}

// PutSettings keeps the settings of all kiosks, and those of the sites that
// have their own instead; anything new raises the version. Names are kept with
// sites and kiosks.
func (s *Store) PutSettings(all fleet.Settings, sites map[fleet.SiteID]fleet.Settings) error {
	return s.update(func(tx *bolt.Tx) error {
		old, _, err := get[settingsRecord](tx, bMeta, []byte("settings"))
		if err != nil {
			return err
		}
		now := settingsRecord{Version: old.Version, placeRecord: placeOf(all)}
		for id, own := range maps.All(sites) {
			if now.Sites == nil {
				now.Sites = map[fleet.SiteID]placeRecord{}
			}
			now.Sites[id] = placeOf(own)
		}
		before, err := marshal(old)
		if err != nil {
			return err
		}
		after, err := marshal(now)
		if err != nil {
			return err
		}
		if bytes.Equal(before, after) && old.Version > 0 {
			return nil
		}
		now.Version++
		return put(tx, bMeta, []byte("settings"), now)
	})
}

// Settings is gate.Store's. What a site decided goes before the configuration,
// unless a later configuration and it do not go together.
func (s *Store) Settings(k fleet.Kiosk) (set fleet.Settings, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		base, err := baseSettings(tx, k.Site)
		if err != nil {
			return err
		}
		r, _, err := newestEdit(tx, k.Site)
		if set = r.edit().Over(premises.Values{Settings: base}).Settings; set.Validate() != nil {
			set = base
		}
		set.SiteName, set.KioskName = siteOf(tx, k.Site).Name, k.Name
		return err
	})
	return set, err
}
