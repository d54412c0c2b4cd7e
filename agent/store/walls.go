package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// bWalls holds hash -> wallRecord. It is made with the first one.
const bWalls = "walls"

type wallRecord struct {
	Name    string       `json:"name"`
	Site    fleet.SiteID `json:"site"`
	Created time.Time    `json:"created"`
	By      string       `json:"by"`
}

func (r wallRecord) wall(hash []byte) staff.Wall {
	return staff.Wall{Hash: bytes.Clone(hash), Name: r.Name, Site: r.Site, Created: r.Created, By: r.By}
}

// AddWall keeps a wall and who made it, in one transaction.
func (s *Store) AddWall(w staff.Wall) error {
	err := s.update(func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists([]byte(bWalls)); err != nil {
			return err
		}
		return first(
			audit(tx, auditRecord{At: w.Created, Who: w.By, Action: "wall_added", Site: w.Site, Detail: w.Name}),
			put(tx, bWalls, w.Hash, wallRecord{w.Name, w.Site, w.Created.UTC(), w.By}))
	})
	if err != nil {
		return fmt.Errorf("add a wall: %w", err)
	}
	return nil
}

// Walls returns every wall, ordered by site, then name.
func (s *Store) Walls() (all []staff.Wall, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(bWalls)) == nil {
			return nil
		}
		return each(tx, bWalls, func(hash []byte, r wallRecord) error {
			all = append(all, r.wall(hash))
			return nil
		})
	})
	slices.SortFunc(all, func(x, y staff.Wall) int {
		return strings.Compare(string(x.Site)+"\x00"+x.Name+x.ID(), string(y.Site)+"\x00"+y.Name+y.ID())
	})
	return all, err
}

// Wall returns the wall of a hash, or staff.ErrNotFound.
func (s *Store) Wall(hash []byte) (w staff.Wall, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(bWalls)) == nil {
			return staff.ErrNotFound
		}
		r, ok, err := get[wallRecord](tx, bWalls, hash)
		if err == nil && !ok {
			err = staff.ErrNotFound
		}
		w = r.wall(hash)
		return err
	})
	return w, err
}

// RemoveWall makes a wall's address worthless at once, and keeps who did it.
// It answers staff.ErrNotFound if there is none.
func (s *Store) RemoveWall(hash []byte, by string, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(bWalls)) == nil {
			return refusal{staff.ErrNotFound}
		}
		r, ok, err := get[wallRecord](tx, bWalls, hash)
		if err != nil {
			return err
		}
		if !ok {
			return refusal{staff.ErrNotFound}
		}
		return first(
			audit(tx, auditRecord{At: at, Who: by, Action: "wall_removed", Site: r.Site, Detail: r.Name}),
			tx.Bucket([]byte(bWalls)).Delete(hash))
	})
	if err != nil {
		return fmt.Errorf("remove a wall: %w", err)
	}
	return nil
}

// Place returns how a site serves: its hours, its support, its languages.
func (s *Store) Place(site fleet.SiteID) (fleet.Settings, error) {
	return s.Settings(fleet.Kiosk{Site: site})
}
