package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/gate"
	"yhteiskone/internal/fleet"
)

type siteRecord struct {
	Name string `json:"name"`
}

type kioskRecord struct {
	Site      fleet.SiteID `json:"site"`
	Name      string       `json:"name"`
	Place     string       `json:"place,omitempty"`
	PublicKey []byte       `json:"public_key"`
	Hardware  string       `json:"hardware,omitempty"`
	Enrolled  time.Time    `json:"enrolled"`
	WiredMAC  string       `json:"wired_mac,omitempty"`
	Notes     string       `json:"notes,omitempty"`
}

func (r kioskRecord) fleet(id fleet.KioskID) fleet.Kiosk {
	return fleet.Kiosk{ID: id, Site: r.Site, Name: r.Name, Place: r.Place, PublicKey: r.PublicKey,
		Hardware: r.Hardware, Enrolled: r.Enrolled, WiredMAC: r.WiredMAC, Notes: r.Notes}
}

// Enrol is gate.Store's.
func (s *Store) Enrol(u gate.Use) (k fleet.Kiosk, site fleet.Site, err error) {
	err = s.batch(func(tx *bolt.Tx) error {
		code, ok, err := get[codeRecord](tx, bCodes, u.CodeHash)
		if err != nil {
			return err
		}
		if !ok {
			return refusal{gate.ErrCodeUnknown}
		}
		use := slices.Concat(u.CodeHash, u.PublicKey)
		if id := tx.Bucket([]byte(bUses)).Get(use); id != nil {
			r, _, err := get[kioskRecord](tx, bKiosks, id)
			if err == nil && !bytes.Equal(r.PublicKey, u.PublicKey) { // another machine took its place since
				return refusal{gate.ErrCodeUsed}
			}
			k = r.fleet(fleet.KioskID(id))
			site = siteOf(tx, r.Site)
			return err
		}
		switch {
		case !u.At.Before(code.Expires):
			return refusal{gate.ErrCodeExpired}
		case code.Used >= code.Uses:
			return refusal{gate.ErrCodeUsed}
		}
		code.Used++
		if code.Replaces != "" {
			r, err := replace(tx, code.Replaces, u)
			k, site = r.fleet(code.Replaces), siteOf(tx, r.Site)
			return first(err, put(tx, bCodes, u.CodeHash, code), tx.Bucket([]byte(bUses)).Put(use, []byte(code.Replaces)))
		}
		r := kioskRecord{code.Site, code.Name, code.Place, u.PublicKey, u.Hardware, u.At.UTC(), "", code.Notes}
		if code.Uses > 1 {
			r.Name = fmt.Sprintf("%s %d", code.Name, code.Used)
		}
		k, site = r.fleet(u.NewID), siteOf(tx, r.Site)
		return first(
			put(tx, bCodes, u.CodeHash, code),
			tx.Bucket([]byte(bUses)).Put(use, []byte(u.NewID)),
			put(tx, bKiosks, []byte(u.NewID), r),
			audit(tx, auditRecord{At: u.At, Who: "console", Action: "enrolled", Kiosk: u.NewID, Site: r.Site}))
	})
	if err != nil {
		return fleet.Kiosk{}, fleet.Site{}, fmt.Errorf("enrol a kiosk: %w", err)
	}
	return k, site, nil
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// siteOf names a site that nobody named by its identifier.
func siteOf(tx *bolt.Tx, id fleet.SiteID) fleet.Site {
	r, _, _ := get[siteRecord](tx, bSites, []byte(id))
	return fleet.Site{ID: id, Name: cmp.Or(r.Name, string(id))}
}

// Kiosks returns every kiosk.
func (s *Store) Kiosks() (all []fleet.Kiosk, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bKiosks, func(key []byte, r kioskRecord) error {
			all = append(all, r.fleet(fleet.KioskID(key)))
			return nil
		})
	})
	return all, err
}

// PutWired keeps the hardware addresses of wired network cards, by which a
// machine that is off can be woken.
func (s *Store) PutWired(cards map[fleet.KioskID]string) error {
	if len(cards) == 0 {
		return nil
	}
	err := s.update(func(tx *bolt.Tx) error {
		for id, mac := range cards {
			r, ok, err := get[kioskRecord](tx, bKiosks, []byte(id))
			if err == nil && ok {
				r.WiredMAC = mac
				err = put(tx, bKiosks, []byte(id), r)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep network cards: %w", err)
	}
	return nil
}

// Sites returns every site, ordered by identifier.
func (s *Store) Sites() (all []fleet.Site, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bSites, func(key []byte, r siteRecord) error {
			all = append(all, fleet.Site{ID: fleet.SiteID(key), Name: r.Name})
			return nil
		})
	})
	return all, err
}

// PutSites names sites and says whether any name is new. Kiosks are told names
// with their settings, so a new one raises the settings' version.
func (s *Store) PutSites(sites ...fleet.Site) (changed bool, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		changed = false
		for _, site := range sites {
			if r, ok, err := get[siteRecord](tx, bSites, []byte(site.ID)); err != nil || ok && r.Name == site.Name {
				if err != nil {
					return err
				}
				continue
			}
			changed = true
			if err := put(tx, bSites, []byte(site.ID), siteRecord{site.Name}); err != nil {
				return err
			}
		}
		if !changed {
			return nil
		}
		set, _, err := get[settingsRecord](tx, bMeta, []byte("settings"))
		if err != nil {
			return err
		}
		set.Version++
		return put(tx, bMeta, []byte("settings"), set)
	})
	return changed, err
}

// SetAddress remembers how the agent is reached, for codes that are made while
// it does not run.
func (s *Store) SetAddress(url string) error {
	return s.update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bMeta)).Put([]byte("address"), []byte(url)) })
}

// Address is what SetAddress last said; empty before the first time.
func (s *Store) Address() (url string, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		url = string(tx.Bucket([]byte(bMeta)).Get([]byte("address")))
		return nil
	})
	return url, err
}

func deletePrefix(b *bolt.Bucket, prefix []byte) error {
	var keys [][]byte
	c := b.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
