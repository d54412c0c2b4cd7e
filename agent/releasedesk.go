package main

import (
	"context"
	"errors"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/releases"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// releaseDesk is dashboard.Releases: what the page of versions asks for goes
// the way of the command line and the API.
type releaseDesk struct{ *console }

// Releases is dashboard.Releases's.
func (d releaseDesk) Releases() (all []dashboard.Release, err error) {
	kept, err := d.releases.List()
	for _, s := range kept {
		all = append(all, dashboard.Release{Version: s.Version, From: s.MinVersion, Bytes: s.Size(), Words: s.Words()})
	}
	return all, err
}

// Offers is dashboard.Releases's.
func (d releaseDesk) Offers() (map[fleet.KioskID]dashboard.Offer, error) {
	kept, err := d.store.ImageOffers()
	if err != nil {
		return nil, err
	}
	all := make(map[fleet.KioskID]dashboard.Offer, len(kept))
	for id, o := range kept {
		all[id] = dashboard.Offer{Version: o.Version, At: o.At, Until: o.Until, Done: o.Done, Why: o.Why}
	}
	return all, nil
}

// Offer is dashboard.Releases's.
func (d releaseDesk) Offer(ctx context.Context, who staff.Person, version string, older bool, kiosks []fleet.KioskID) error {
	if _, err := d.releases.Find(version); errors.Is(err, releases.ErrUnknown) {
		return dashboard.ErrNoRelease
	}
	_, err := d.console.Offer(ctx, who, offerRequest{Version: version, Kiosks: kiosks, Older: older})
	return err
}
