package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// demoDays is how far back the demo's past goes: as far as pages show.
const demoDays = 90

// demoPast makes up what the demo's kiosks did before today: a good day mostly,
// now and then an hour or a day that was lost. The sums of days come from the
// simulated kiosks themselves.
func (a *agent) demoPast() error {
	kiosks, err := a.store.Kiosks()
	if err != nil {
		return err
	}
	rng, now := rand.New(rand.NewPCG(1, demoDays)), time.Now()
	var over []store.FaultChange
	for back := demoDays; back > 0; back-- {
		day := now.In(a.config.location).AddDate(0, 0, -back)
		if day.Weekday() == time.Sunday {
			continue
		}
		did := map[fleet.KioskID]state.Served{}
		for _, k := range kiosks {
			s, fault, lost := demoDay(rng)
			did[k.ID] = s
			if fault.Code != "" {
				end := day.Add(-time.Duration(rng.IntN(60)) * time.Minute)
				fault.Since, fault.First = end.Add(-lost), end.Add(-lost)
				over = append(over, store.FaultChange{Kiosk: k.ID, Site: k.Site, Fault: fault, At: end})
			}
		}
		if err := a.store.PutServed(day.Format(time.DateOnly), did); err != nil {
			return err
		}
	}
	if err := a.store.FoldServed(a.today()); err != nil {
		return err
	}
	if err := a.store.PutFaults(over, nil); err != nil {
		return err
	}
	for i, k := range slices.Backward(kiosks) { // the audit's order is that in which things are written
		at := now.Add(-time.Duration(1+7*i) * time.Hour)
		e := staff.Entry{At: at, Who: demoName, Action: "help_answered", Kiosk: k.ID, Site: k.Site, Detail: string(fleet.Coming)}
		if err := a.store.AppendAudit(e); err != nil {
			return err
		}
	}
	return nil
}

// demoDay is one machine's six hours of one day, and what was wrong with it.
func demoDay(rng *rand.Rand) (state.Served, state.Fault, time.Duration) {
	const open = 6 * time.Hour
	lost := time.Duration(10+rng.IntN(110)) * time.Minute
	switch n := rng.IntN(100); {
	case n < 6:
		return state.Served{Works: open - lost, Lost: lost}, state.Fault{Code: fleet.NoConnection, Severity: fleet.SeverityWarning}, lost
	case n < 8:
		return state.Served{Works: open - lost, Broken: lost}, state.Fault{Code: fleet.BrowserFailing, Severity: fleet.SeverityError}, lost
	case n < 10:
		return state.Served{Works: open - lost, Paused: lost}, state.Fault{Code: fleet.NoMouse, Severity: fleet.SeverityWarning}, lost
	}
	return state.Served{Works: open}, state.Fault{}, 0
}
