package main

import (
	"context"
	"slices"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// How often what changes all the time is written to disk.
const (
	seenEvery  = 30 * time.Second
	faultEvery = 5 * time.Second
	tidyEvery  = time.Hour
)

// faultQuiet is how long after the agent's start faults are not recorded:
// until then the kiosks are still coming back, and their absence is ours.
const faultQuiet = time.Minute

// keepSeen writes when kiosks were last seen, and once more at the end.
func (a *agent) keepSeen(ctx context.Context) error {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if err := a.store.PutSeen(a.board.Seen()); err != nil {
			a.log.Error("last seen not kept", "why", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// tidy forgets what has been kept long enough.
func (a *agent) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := a.store.Tidy(time.Now()); err != nil {
			a.log.Error("store not tidied", "why", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// keepFaults records faults as they open and close. What opens and closes
// again within a few seconds leaves no trace.
func (a *agent) keepFaults(ctx context.Context) error {
	changes := a.board.Subscribe(ctx)
	open := map[fleet.KioskID][]state.Fault{}
	touched := map[fleet.KioskID]bool{}
	for _, v := range a.board.Views() {
		had, err := a.store.OpenFaults(v.Kiosk.ID)
		if err != nil {
			return err
		}
		if len(had) > 0 {
			open[v.Kiosk.ID] = had
		}
		touched[v.Kiosk.ID] = true
	}
	var failing error
	quiet := time.Now().Add(faultQuiet)
	tick := time.NewTicker(faultEvery)
	defer tick.Stop()
	for {
		select {
		case c, ok := <-changes:
			switch {
			case !ok:
				return nil
			case c.Kiosk != "":
				touched[c.Kiosk] = true
			default: // changes were missed
				for _, v := range a.board.Views() {
					touched[v.Kiosk.ID] = true
				}
			}
		case now := <-tick.C:
			if now.Before(quiet) {
				continue
			}
			err := a.recordFaults(now, open, touched)
			if err != nil && failing == nil { // one line tells it: a full disk stays full for long
				a.log.Error("faults not recorded; trying on", "why", err)
			}
			failing = err
		}
	}
}

// recordFaults writes what is different from open, and makes open the same.
func (a *agent) recordFaults(now time.Time, open map[fleet.KioskID][]state.Fault, touched map[fleet.KioskID]bool) error {
	var changes []store.FaultChange
	news := map[fleet.KioskID][]state.Fault{}
	for id := range touched {
		v, ok := a.board.View(id)
		if !ok {
			continue
		}
		d := difference(id, open[id], v.Faults, now)
		if len(d) > 0 {
			changes, news[id] = append(changes, d...), v.Faults
		}
	}
	if len(changes) > 0 {
		if err := a.store.PutFaults(changes, news); err != nil {
			return err // touched stays: the next time tries again
		}
	}
	for id, faults := range news {
		open[id] = faults
	}
	clear(touched)
	return nil
}

// difference says which faults opened and which closed.
func difference(id fleet.KioskID, before, after []state.Fault, now time.Time) (d []store.FaultChange) {
	lacks := func(in []state.Fault, f state.Fault) bool {
		return !slices.ContainsFunc(in, func(g state.Fault) bool { return g.Code == f.Code })
	}
	for _, f := range after {
		if lacks(before, f) {
			d = append(d, store.FaultChange{Kiosk: id, Fault: f, At: now, Open: true})
		}
	}
	for _, f := range before {
		if lacks(after, f) {
			d = append(d, store.FaultChange{Kiosk: id, Fault: f, At: now})
		}
	}
	return d
}
