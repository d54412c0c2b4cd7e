package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"yhteiskone/agent/sight"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// careConfig is how machines are watched: in [settings] all of them, in
// [sites.ID] those of one site where it differs.
type careConfig struct {
	Holidays *string   `toml:"holidays"` // "closed", or "open" as on other days
	Grace    *duration `toml:"grace"`    // how long a fault lasts before people are told
	Build    *string   `toml:"build"`    // that machines should run
}

// care is how the machines of a site are watched, checked.
type care struct {
	onHolidays bool
	grace      time.Duration
	build      string
}

// cares is the care of all sites, and of those that differ.
type cares struct {
	all   care
	sites map[fleet.SiteID]care
}

func (c cares) of(id fleet.SiteID) care {
	if own, ok := c.sites[id]; ok {
		return own
	}
	return c.all
}

// over puts what a site says over the care of all.
func (p careConfig) over(c care) (care, error) {
	if p.Holidays != nil {
		if *p.Holidays != "closed" && *p.Holidays != "open" {
			return c, fmt.Errorf("holidays is %q; it must be \"closed\" or \"open\"", *p.Holidays)
		}
		c.onHolidays = *p.Holidays == "open"
	}
	if p.Grace != nil {
		if p.Grace.Duration < 0 || p.Grace.Duration > 24*time.Hour {
			return c, fmt.Errorf("grace is %v; it must be between 0s and 24h", p.Grace.Duration)
		}
		c.grace = p.Grace.Duration
	}
	if p.Build != nil {
		if len(*p.Build) > 60 {
			return c, fmt.Errorf("build is longer than 60 characters")
		}
		c.build = *p.Build
	}
	return c, nil
}

// checkCares works out the care of all sites and of each that differs, and
// puts into their hours whether they are open on holidays.
func (c *config) checkCares() (err error) {
	if c.cares.all, err = c.Settings.careConfig.over(care{grace: c.Alerts.grace}); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	holidays := func(s fleet.Settings, open bool) fleet.Settings {
		if s.Hours != nil {
			h := *s.Hours
			h.OnHolidays = open
			s.Hours = &h
		}
		return s
	}
	c.settings = holidays(c.settings, c.cares.all.onHolidays)
	c.cares.sites = map[fleet.SiteID]care{}
	for id, p := range c.Places {
		if c.cares.sites[id], err = p.careConfig.over(c.cares.all); err != nil {
			return fmt.Errorf("sites.%s: %w", id, err)
		}
		c.places[id] = holidays(c.places[id], c.cares.sites[id].onHolidays)
	}
	for i, to := range c.Uplink {
		host, port, err := net.SplitHostPort(to)
		if err != nil || host == "" || port == "" || strings.ContainsAny(to, " /") {
			return fmt.Errorf("uplink: number %d, %q, is not an address such as \"193.166.4.1:53\"", i+1, to)
		}
	}
	return nil
}

// withHolidays is the store as kiosks see it: holidays stand among the days
// that differ, because a kiosk knows no calendar.
type withHolidays struct{ *store.Store }

// Settings is gate.Store's.
func (s withHolidays) Settings(k fleet.Kiosk) (fleet.Settings, error) {
	set, err := s.Store.Settings(k)
	set.Hours = watch.WithHolidays(set.Hours, time.Now())
	return set, err
}

// placeSites tells the board how every site is to be watched.
func (a *agent) placeSites() error {
	sites, err := a.store.Sites()
	if err != nil {
		return err
	}
	a.board.Otherwise(a.place(a.config.settings.Hours, a.config.cares.all))
	ids := slices.Collect(maps.Keys(a.config.places)) // some may be without a machine yet
	for _, s := range sites {
		ids = append(ids, s.ID)
	}
	for _, id := range ids {
		if err := a.placeSite(id); err != nil {
			return err
		}
	}
	return nil
}

// placeSite tells the board how a site is to be watched, for after a change of
// its hours.
func (a *agent) placeSite(id fleet.SiteID) error {
	set, err := a.store.Settings(fleet.Kiosk{Site: id})
	if err != nil {
		return err
	}
	a.board.PutSite(id, set.SiteName, a.place(set.Hours, a.config.cares.of(id)))
	return nil
}

func (a *agent) place(h *fleet.Hours, c care) state.Place {
	return state.Place{Hours: h, Zone: a.config.location, Grace: c.grace, Build: c.build}
}

// lookEvery is how often the agent asks for its own way to the network, while
// there is a reason to ask.
const lookEvery = 2 * time.Second

// look asks whether the agent itself is cut off, when every machine is lost. A
// machine that never had a network has none that could be cut: then all
// kiosks run on it as well.
func (a *agent) look(ctx context.Context, listens net.Addr) error {
	way := sight.Way{Ask: a.config.Uplink}
	if tcp, ok := listens.(*net.TCPAddr); ok && tcp.IP.IsLoopback() && len(way.Ask) == 0 {
		return nil
	}
	had := len(way.Ask) > 0
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		had = had || !way.Cut(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		a.board.Cut(had && a.board.AllLost() && way.Cut(ctx))
	}
}
