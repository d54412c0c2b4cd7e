package main

import (
	"context"
	"maps"
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

// keepSeen writes when kiosks were last seen, and by which card they can be
// woken, and once more at the end.
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
		if err := a.store.PutWired(a.board.Wired()); err != nil {
			a.log.Error("network cards not kept", "why", err)
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
		if err := a.store.FoldServed(a.today()); err != nil {
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
	open := map[fleet.KioskID][]state.Fault{}
	touched := map[fleet.KioskID]bool{}
	for _, v := range a.board.Views() {
		touched[v.Kiosk.ID] = true
	}
	for _, s := range a.board.Sites() {
		touched[store.Whole(s.ID)] = true
	}
	for id := range touched {
		had, err := a.store.OpenFaults(id)
		if err != nil {
			return err
		}
		if len(had) > 0 {
			open[id] = had
		}
	}
	var failing error
	quiet := time.Now().Add(faultQuiet)
	tick := time.NewTicker(faultEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if now.Before(quiet) {
				continue
			}
			for _, id := range a.board.Altered() {
				touched[id] = true
			}
			for _, s := range a.board.Sites() { // of these nobody tells
				if len(s.Faults) > 0 || len(open[store.Whole(s.ID)]) > 0 {
					touched[store.Whole(s.ID)] = true
				}
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
	news, same := map[fleet.KioskID][]state.Fault{}, map[fleet.KioskID][]state.Fault{}
	sites := map[fleet.KioskID]state.Site{}
	for _, s := range a.board.Sites() {
		sites[store.Whole(s.ID)] = s
	}
	for id := range touched {
		site, shown, folded := fleet.SiteID(""), []state.Fault(nil), []state.Fault(nil)
		if s, ok := sites[id]; ok {
			site, shown = s.ID, s.Faults
		} else if v, ok := a.board.View(id); ok {
			site, shown, folded = v.Kiosk.Site, v.Faults, v.Folded
		} else {
			continue
		}
		d := difference(id, open[id], shown, now)
		for i := range d {
			d[i].Site, d[i].Folded = site, has(folded, d[i].Fault.Code)
		}
		if len(d) > 0 {
			changes, news[id] = append(changes, d...), shown
		} else {
			same[id] = shown // how often they came may be new
		}
	}
	if len(changes) > 0 {
		if err := a.store.PutFaults(changes, news); err != nil {
			return err // touched stays: the next time tries again
		}
	}
	maps.Copy(open, news)
	maps.Copy(open, same)
	clear(touched)
	return nil
}

func has(in []state.Fault, code fleet.Code) bool {
	return slices.ContainsFunc(in, func(f state.Fault) bool { return f.Code == code })
}

// difference says which faults opened and which closed. One that came and went
// was over when it went.
func difference(id fleet.KioskID, before, after []state.Fault, now time.Time) (d []store.FaultChange) {
	for _, f := range after {
		if !has(before, f.Code) {
			d = append(d, store.FaultChange{Kiosk: id, Fault: f, At: now, Open: true})
		}
	}
	for _, f := range before {
		if has(after, f.Code) {
			continue
		}
		at := now
		if !f.Away.IsZero() {
			at = f.Away
		}
		d = append(d, store.FaultChange{Kiosk: id, Fault: f, At: at})
	}
	return d
}

// servedEvery is how often what machines did is appended to the disk.
const servedEvery = 5 * time.Minute

// keepServed appends what machines did, every five minutes and at the end. What
// cannot be written is kept for the next time.
func (a *agent) keepServed(ctx context.Context) error {
	tick := time.NewTicker(servedEvery)
	defer tick.Stop()
	waits := map[fleet.KioskID]state.Served{}
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		for id, did := range a.board.Served() {
			waits[id] = waits[id].Add(did)
		}
		if err := a.store.PutServed(a.today(), waits); err != nil {
			a.log.Error("what machines did is not kept; trying on", "why", err)
		} else {
			clear(waits)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// today is the day where the sites are.
func (a *agent) today() string { return time.Now().In(a.config.location).Format(time.DateOnly) }
