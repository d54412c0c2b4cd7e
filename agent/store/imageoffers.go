package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/internal/fleet"
)

// ImageOffer is the newest release that a kiosk was offered, and what became of it.
type ImageOffer struct {
	Version string
	Who     string
	At      time.Time
	Until   time.Time // how long the order waits for the kiosk
	Done    time.Time // when the kiosk answered, or the order's life was over; zero: not yet
	Why     string    // why it did not take the release; empty: it did
}

type imageOfferRecord struct {
	Order   string    `json:"order"` // an older order's answer changes nothing
	Version string    `json:"version"`
	Who     string    `json:"who"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until"`
	Done    time.Time `json:"done,omitzero"`
	Why     string    `json:"why,omitempty"`
}

// keepOffer keeps that a kiosk was offered a release, if that is what the order
// is about.
func keepOffer(tx *bolt.Tx, id fleet.KioskID, r orderRecord, at time.Time) error {
	if r.Image == nil {
		return nil
	}
	return put(tx, bOffers, []byte(id), imageOfferRecord{Order: r.ID, Version: r.Image.Version, Who: r.Who, At: at.UTC(), Until: r.Expires})
}

// closeOffer keeps what became of it; why is empty if the kiosk took it.
func closeOffer(tx *bolt.Tx, id fleet.KioskID, r orderRecord, why string, at time.Time) error {
	o, ok, err := get[imageOfferRecord](tx, bOffers, []byte(id))
	if err != nil || !ok || o.Order != r.ID {
		return err
	}
	o.Done, o.Why = at.UTC(), why
	return put(tx, bOffers, []byte(id), o)
}

// ImageOffers returns the newest offer of every kiosk that ever had one.
func (s *Store) ImageOffers() (all map[fleet.KioskID]ImageOffer, err error) {
	all = map[fleet.KioskID]ImageOffer{}
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bOffers, func(id []byte, o imageOfferRecord) error {
			all[fleet.KioskID(id)] = ImageOffer{o.Version, o.Who, o.At, o.Until, o.Done, o.Why}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what was offered: %w", err)
	}
	return all, nil
}
