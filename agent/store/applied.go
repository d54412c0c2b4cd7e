package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
)

// apply carries out one numbered message: effect and number in one
// transaction, or neither.
func (s *Store) apply(id fleet.KioskID, seq uint64, what string, effect func(*bolt.Tx) error) (fresh bool, err error) {
	if have, err := s.Applied(id); err != nil || seq <= have {
		return false, err
	}
	err = s.batch(func(tx *bolt.Tx) error {
		fresh = false
		applied := tx.Bucket([]byte(bApplied))
		if seq <= number(applied.Get([]byte(id))) {
			return nil
		}
		if err := effect(tx); err != nil {
			return err
		}
		fresh = true
		return applied.Put([]byte(id), bytesOf(seq))
	})
	if err != nil {
		return false, fmt.Errorf("keep %s: %w", what, err)
	}
	return fresh, nil
}

// Applied is gate.Store's.
func (s *Store) Applied(id fleet.KioskID) (seq uint64, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		seq = number(tx.Bucket([]byte(bApplied)).Get([]byte(id)))
		return nil
	})
	return seq, err
}

// proofRecord is the newest proof of a kiosk. Of the ones before it nothing is
// kept: one by one they would say when people came and went.
type proofRecord struct {
	Seq       uint64       `json:"seq"`
	At        time.Time    `json:"at"`
	Prev      []byte       `json:"prev"`
	Looks     []fleet.Look `json:"looks"`
	TookMS    uint32       `json:"took_ms"`
	Signature []byte       `json:"signature"`
	Invalid   time.Time    `json:"invalid,omitzero"` // since when a proof is in doubt
	None      bool         `json:"none,omitempty"`   // no valid one came yet
}

func (r proofRecord) fleet(id fleet.KioskID) fleet.WipeProof {
	return fleet.WipeProof{Kiosk: id, Seq: r.Seq, At: r.At, Prev: r.Prev, Looks: r.Looks, TookMS: r.TookMS, Signature: r.Signature}
}

func (r proofRecord) state(id fleet.KioskID) state.Proof {
	p := state.Proof{Invalid: r.Invalid}
	if !r.None {
		p.Newest = &fleet.ProofSummary{Seq: r.Seq, At: r.At, Clean: r.fleet(id).Clean()}
	}
	return p
}

// ApplyProof is gate.Store's. A proof with a wrong signature puts the kiosk in
// doubt and is not kept. One that is signed but does not follow the newest
// puts it in doubt too, and becomes the newest, so that the ones after it can
// be judged again. The doubt stays until ClearDoubt.
func (s *Store) ApplyProof(id fleet.KioskID, seq uint64, p fleet.WipeProof, signed bool, at time.Time) (now state.Proof, fresh bool, err error) {
	fresh, err = s.apply(id, seq, "a proof", func(tx *bolt.Tx) error {
		r, ok, err := get[proofRecord](tx, bProofs, []byte(id))
		if err != nil {
			return err
		}
		var last *fleet.WipeProof
		if ok && !r.None {
			l := r.fleet(id)
			last = &l
		}
		doubt := r.Invalid
		follows := signed && proof.Follows(last, p) == nil
		again := signed && last != nil && bytes.Equal(proof.Hash(*last), proof.Hash(p))
		if !follows && !again && doubt.IsZero() {
			doubt = at.UTC()
		}
		switch {
		case signed:
			r = proofRecord{Seq: p.Seq, At: p.At, Prev: p.Prev, Looks: p.Looks, TookMS: p.TookMS, Signature: p.Signature}
		case !ok:
			r.None = true
		}
		r.Invalid = doubt
		now = r.state(id)
		return put(tx, bProofs, []byte(id), r)
	})
	return now, fresh, err
}

// ClearDoubt says that somebody has checked a kiosk whose proof was in doubt,
// and returns where it stands.
func (s *Store) ClearDoubt(id fleet.KioskID) (now state.Proof, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		r, ok, err := get[proofRecord](tx, bProofs, []byte(id))
		if err != nil || !ok {
			return err
		}
		r.Invalid = time.Time{}
		now = r.state(id)
		return put(tx, bProofs, []byte(id), r)
	})
	return now, err
}

// Proof returns where the kiosk stands with its proofs.
func (s *Store) Proof(id fleet.KioskID) (p state.Proof, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, ok, err := get[proofRecord](tx, bProofs, []byte(id))
		if ok {
			p = r.state(id)
		}
		return err
	})
	return p, err
}

type countsRecord struct {
	Sessions  uint32               `json:"sessions"`
	Lengths   map[string]uint32    `json:"lengths,omitempty"`
	Tiles     map[string]uint32    `json:"tiles,omitempty"`
	Ends      map[fleet.End]uint32 `json:"ends,omitempty"`
	HelpCalls uint32               `json:"help_calls"`

	Outcomes map[fleet.Outcome]uint32 `json:"outcomes,omitempty"` // absent in what older kiosks sent
	Site     fleet.SiteID             `json:"site,omitempty"`     // where the kiosk stood; absent in what older agents kept
	Came     string                   `json:"came,omitempty"`     // on which day (UTC); absent in what older agents kept
}

// ApplyCounts is gate.Store's. Sums of a day that are sent again under another
// number replace the ones before.
func (s *Store) ApplyCounts(id fleet.KioskID, seq uint64, c fleet.Counts, at time.Time) (bool, error) {
	return s.apply(id, seq, "the sums of a day", func(tx *bolt.Tx) error {
		day, err := tx.Bucket([]byte(bCounts)).CreateBucketIfNotExists([]byte(c.Day))
		if err != nil {
			return err
		}
		k, _, err := get[kioskRecord](tx, bKiosks, []byte(id))
		if err != nil {
			return err
		}
		text, err := marshal(countsRecord{c.Sessions, c.Lengths, c.Tiles, c.Ends, c.HelpCalls, c.Outcomes, k.Site, string(dayKey(at))})
		if err != nil {
			return err
		}
		return day.Put([]byte(id), text)
	})
}
