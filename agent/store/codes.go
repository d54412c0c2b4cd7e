package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/gate"
	"yhteiskone/internal/fleet"
)

type codeRecord struct {
	Site     fleet.SiteID  `json:"site"`
	Name     string        `json:"name"`
	Place    string        `json:"place,omitempty"`
	Uses     int           `json:"uses"`
	Used     int           `json:"used"`
	Expires  time.Time     `json:"expires"`
	Replaces fleet.KioskID `json:"replaces,omitempty"`
	Notes    string        `json:"notes,omitempty"`
}

// Code is an enrolment code to be kept. Only its hash is.
type Code struct {
	Hash     []byte
	Site     fleet.SiteID
	Name     string // with more than one use, kiosks get a number behind it
	Place    string
	Notes    string
	Uses     int
	Expires  time.Time
	Replaces fleet.KioskID // whose place the machine takes; empty for a new kiosk
	Once     bool          // not if the site has a kiosk of that name, or a code for one
}

// Errors of codes; errors.Is tells them apart.
var (
	// ErrThere says that a kiosk, or a code for one, is there already.
	ErrThere = errors.New("the site has a machine of that name already, or a code for one")
	// ErrNoCode says that there is no such code any more.
	ErrNoCode = errors.New("there is no such code: it was used, has expired or was revoked")
)

// OpenCode is a code that somebody could still use. It tells nothing from
// which the code could be found.
type OpenCode struct {
	ID       string // the beginning of its hash
	Site     fleet.SiteID
	Name     string
	Place    string
	Uses     int
	Used     int
	Expires  time.Time
	Replaces fleet.KioskID
}

// CodeID names a code by its hash.
func CodeID(hash []byte) string { return hex.EncodeToString(hash[:6]) }

// codeKept is how long an expired code is remembered, so that its late user
// is told what is wrong.
const codeKept = 24 * time.Hour

// PutCode keeps an enrolment code and what was done, in one transaction.
func (s *Store) PutCode(c Code, who string, at time.Time) error {
	return s.update(func(tx *bolt.Tx) error {
		if c.Once {
			if there, err := named(tx, c.Site, c.Name, at); err != nil || there {
				return first(err, refusal{ErrThere})
			}
		}
		action := "code_made"
		if c.Replaces != "" {
			action = "replacement_made"
		}
		if err := audit(tx, auditRecord{At: at, Who: who, Action: action, Kiosk: c.Replaces, Site: c.Site, Detail: c.Name}); err != nil {
			return err
		}
		return put(tx, bCodes, c.Hash, codeRecord{c.Site, c.Name, c.Place, c.Uses, 0, c.Expires, c.Replaces, c.Notes})
	})
}

// named reports whether a site has a kiosk of a name, or a code for one.
func named(tx *bolt.Tx, site fleet.SiteID, name string, now time.Time) (there bool, err error) {
	err = each(tx, bKiosks, func(_ []byte, r kioskRecord) error {
		there = there || r.Site == site && strings.EqualFold(r.Name, name)
		return nil
	})
	if err != nil || there {
		return there, err
	}
	err = each(tx, bCodes, func(_ []byte, r codeRecord) error {
		there = there || r.open(now) && r.Replaces == "" && r.Site == site && strings.EqualFold(r.Name, name)
		return nil
	})
	return there, err
}

func (r codeRecord) open(now time.Time) bool { return r.Used < r.Uses && now.Before(r.Expires) }

// Codes returns the codes that could still be used, those that expire first
// before the others.
func (s *Store) Codes(now time.Time) (all []OpenCode, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bCodes, func(hash []byte, r codeRecord) error {
			if r.open(now) {
				all = append(all, OpenCode{CodeID(hash), r.Site, r.Name, r.Place, r.Uses, r.Used, r.Expires, r.Replaces})
			}
			return nil
		})
	})
	slices.SortStableFunc(all, func(a, b OpenCode) int { return a.Expires.Compare(b.Expires) })
	return all, err
}

// RevokeCode makes a code worthless, and keeps what was done. may decides by
// the site of the code; what one may not revoke does not exist for them.
func (s *Store) RevokeCode(id, who string, at time.Time, may func(fleet.SiteID) bool) error {
	err := s.update(func(tx *bolt.Tx) error {
		var hash []byte
		var gone codeRecord
		err := each(tx, bCodes, func(key []byte, r codeRecord) error {
			if CodeID(key) == id && r.open(at) && may(r.Site) {
				hash, gone = bytes.Clone(key), r
			}
			return nil
		})
		if err != nil {
			return err
		}
		if hash == nil {
			return refusal{ErrNoCode}
		}
		return first(tx.Bucket([]byte(bCodes)).Delete(hash), deletePrefix(tx.Bucket([]byte(bUses)), hash),
			audit(tx, auditRecord{At: at, Who: who, Action: "code_revoked", Kiosk: gone.Replaces, Site: gone.Site, Detail: gone.Name}))
	})
	if err != nil {
		return fmt.Errorf("revoke a code: %w", err)
	}
	return nil
}

// replace lets another machine take a kiosk's place: it keeps its identifier,
// name, place and past, and gets a new key; the old key is worth nothing from
// then on. What belonged to the old machine itself goes: where its numbers and
// proofs stood, what it was ordered, a call for help from it, its acceptance sheet.
func replace(tx *bolt.Tx, id fleet.KioskID, u gate.Use) (kioskRecord, error) {
	r, ok, err := get[kioskRecord](tx, bKiosks, []byte(id))
	if err != nil {
		return r, err
	}
	if !ok {
		return r, refusal{gate.ErrCodeUnknown}
	}
	r.PublicKey, r.Hardware = u.PublicKey, u.Hardware
	key := []byte(id)
	return r, first(
		put(tx, bKiosks, key, r),
		tx.Bucket([]byte(bApplied)).Delete(key), tx.Bucket([]byte(bProofs)).Delete(key), tx.Bucket([]byte(bHelp)).Delete(key),
		tx.Bucket([]byte(bSheets)).Delete(key), deletePrefix(tx.Bucket([]byte(bOrders)), key),
		audit(tx, auditRecord{At: u.At, Who: "console", Action: "replaced", Kiosk: id, Site: r.Site}))
}

// expireCodes forgets codes that nobody can use any more, and their uses.
func expireCodes(tx *bolt.Tx, now time.Time) error {
	var gone [][]byte
	err := each(tx, bCodes, func(key []byte, r codeRecord) error {
		if now.Sub(r.Expires) > codeKept {
			gone = append(gone, bytes.Clone(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, hash := range gone {
		if err := tx.Bucket([]byte(bCodes)).Delete(hash); err != nil {
			return err
		}
		if err := deletePrefix(tx.Bucket([]byte(bUses)), hash); err != nil {
			return err
		}
	}
	return nil
}
