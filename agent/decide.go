package main

import (
	"time"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/premises"
	"yhteiskone/internal/fleet"
)

// places is dashboard.Places: what sites decide about their kiosks.
type places struct{ *agent }

// Base is dashboard.Places's.
func (p *places) Base(site fleet.SiteID) (premises.Values, error) {
	set, err := p.store.BaseSettings(site)
	return premises.Values{Settings: set, Call: premises.Call{After: p.config.Alerts.help}}, err
}

// Versions is dashboard.Places's.
func (p *places) Versions(site fleet.SiteID) ([]premises.Version, error) { return p.store.Edits(site) }

// Decide is dashboard.Places's.
func (p *places) Decide(who string, site fleet.SiteID, e premises.Edit, back uint64) error {
	base, err := p.Base(site)
	if err != nil {
		return err
	}
	if set := e.Over(base).Settings; set.Validate() != nil || !fits(set) {
		return dashboard.ErrTooLong
	}
	if _, err := p.store.PutEdit(who, site, e, back, time.Now()); err != nil {
		return err
	}
	p.gate.RenewSite(site)
	return p.placeSite(site) // the hours are the board's too
}

// Call is dashboard.Places's.
func (p *places) Call(site fleet.SiteID) premises.Call { return p.call(site) }

// call is who is told of a call for help at a site that nobody answers.
func (a *agent) call(site fleet.SiteID) premises.Call {
	c := premises.Call{After: a.config.Alerts.help}
	v, err := a.store.Edit(site)
	if err != nil {
		a.log.Error("what a site decided was not read", "why", err)
		return c
	}
	return v.Edit.Over(premises.Values{Call: c}).Call
}
