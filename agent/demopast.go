package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/releases"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
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
	if err := a.demoCalls(rng, now); err != nil {
		return err
	}
	if err := a.demoReleases(); err != nil {
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

// demoCalls makes up how fast calls for help were answered, week by week: most
// within some minutes, and a few rang until somebody came by.
func (a *agent) demoCalls(rng *rand.Rand, now time.Time) error {
	for week := range demoDays / 7 {
		for _, s := range a.config.Sites {
			c := figures.Calls{Minutes: map[int]uint64{}}
			for range 6 + rng.IntN(12) {
				switch n := rng.IntN(20); {
				case n < 2:
					c.Unanswered++
				case n < 4:
					c.Minutes[8+rng.IntN(20)]++
				default:
					c.Minutes[rng.IntN(6)]++
				}
			}
			if err := a.store.AddCalls(s.ID, now.AddDate(0, 0, -7*(week+1)), c); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoReleases brings in two versions of an image that does not exist, for a
// look at the page of versions: simulated kiosks fetch nothing of them.
func (a *agent) demoReleases() (err error) {
	key, keep := release.NewKey(), releasesIn(a.dir)
	if _, err := keep.SetKey(key.Public().Encode()); err != nil {
		return err
	}
	for _, version := range []string{"1.1.0", "1.2.0"} {
		if err := demoRelease(keep, key, version); err != nil {
			return err
		}
	}
	return nil
}

func demoRelease(keep *releases.Keeper, key release.SecretKey, version string) (err error) {
	dir, err := os.MkdirTemp("", "yhteiskone-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	write := func(name string, text []byte) error { return os.WriteFile(filepath.Join(dir, name), text, 0o600) }
	for _, name := range release.Names() {
		text := []byte("nothing: this is a demo\n")
		if name == release.SlotConfig {
			text = fmt.Appendf(nil, "set version=%s\nset roothash=%064d\n", version, 0)
		}
		if err := write(name, text); err != nil {
			return err
		}
	}
	m, err := release.Describe(dir, "")
	if err != nil {
		return err
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	signature, err := key.Sign(text, "demo")
	if err != nil {
		return err
	}
	if err := errors.Join(write(release.ManifestName, text), write(release.SignatureName, signature)); err != nil {
		return err
	}
	_, err = keep.Add(dir)
	return err
}
