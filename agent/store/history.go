package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// How long what is kept by day is kept.
const (
	auditKept  = 2 * 365 * 24 * time.Hour
	faultsKept = 180 * 24 * time.Hour
	countsKept = 3 * 365 * 24 * time.Hour
)

type auditRecord struct {
	At     time.Time     `json:"at"`
	Who    string        `json:"who"`
	Action string        `json:"action"`
	Kiosk  fleet.KioskID `json:"kiosk,omitempty"`
	Site   fleet.SiteID  `json:"site,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

func audit(tx *bolt.Tx, r auditRecord) error {
	r.At = r.At.UTC()
	return appendDay(tx, bAudit, r.At, r)
}

// AppendAudit is staff.Audit's.
func (s *Store) AppendAudit(e staff.Entry) error {
	if err := s.update(func(tx *bolt.Tx) error { return audit(tx, auditRecord(e)) }); err != nil {
		return fmt.Errorf("keep what was done: %w", err)
	}
	return nil
}

// auditScan is how many entries Entries looks at, so that a question about a
// kiosk that nobody ever touched does not read years.
const auditScan = 20000

// Entries is dashboard.Audit's: the newest entries first, at most n, of one
// kiosk or of all ("").
func (s *Store) Entries(kiosk fleet.KioskID, n int) (all []staff.Entry, err error) {
	enough := errors.New("enough")
	err = s.db.View(func(tx *bolt.Tx) error {
		looked := 0
		days := tx.Bucket([]byte(bAudit)).Cursor()
		for day, _ := days.Last(); day != nil; day, _ = days.Prev() {
			c := tx.Bucket([]byte(bAudit)).Bucket(day).Cursor()
			for k, text := c.Last(); k != nil; k, text = c.Prev() {
				if looked++; len(all) >= n || looked > auditScan {
					return enough
				}
				r, err := unmarshal[auditRecord](text)
				if err != nil {
					return fmt.Errorf("read the audit of %s: %w", day, err)
				}
				if kiosk == "" || r.Kiosk == kiosk {
					all = append(all, staff.Entry(r))
				}
			}
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return all, err
}

// FaultChange says that a fault of a kiosk opened or closed.
type FaultChange struct {
	Kiosk fleet.KioskID
	Fault state.Fault
	At    time.Time
	Open  bool

	Site   fleet.SiteID
	Folded bool // not over: something else explains it now
}

type faultRecord struct {
	Kiosk    fleet.KioskID  `json:"kiosk,omitempty"`
	Code     fleet.Code     `json:"code"`
	Severity fleet.Severity `json:"severity"`
	Since    time.Time      `json:"since"`
	At       time.Time      `json:"at,omitzero"`
	Open     bool           `json:"open,omitempty"`
}

// PutFaults keeps changes, and what is open now at each kiosk they are about;
// a fault that is over becomes an incident. A site as a whole is named Whole.
func (s *Store) PutFaults(changes []FaultChange, open map[fleet.KioskID][]state.Fault) error {
	err := s.update(func(tx *bolt.Tx) error {
		for _, c := range changes {
			r := faultRecord{c.Kiosk, c.Fault.Code, c.Fault.Severity, c.Fault.Since.UTC(), c.At.UTC(), c.Open}
			if err := appendDay(tx, bFaults, c.At, r); err != nil {
				return err
			}
			if !c.Open && !c.Folded {
				if err := over(tx, c); err != nil {
					return err
				}
			}
		}
		for id, faults := range open {
			var rs []faultRecord
			for _, f := range faults {
				rs = append(rs, faultRecord{Code: f.Code, Severity: f.Severity, Since: f.Since.UTC()})
			}
			if err := put(tx, bOpen, []byte(id), rs); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep faults: %w", err)
	}
	return nil
}

// OpenFaults returns what was open when PutFaults was last told.
func (s *Store) OpenFaults(id fleet.KioskID) (faults []state.Fault, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		rs, _, err := get[[]faultRecord](tx, bOpen, []byte(id))
		for _, r := range rs {
			faults = append(faults, state.Fault{Code: r.Code, Severity: r.Severity, Since: r.Since})
		}
		return err
	})
	return faults, err
}

// seenWidth is one kiosk in the blob of PutSeen: 13 bytes of name and 8 of time.
const seenWidth = 13 + 8

// PutSeen keeps when kiosks were last seen: one value for all, so that
// thousands of kiosks cost a few pages.
func (s *Store) PutSeen(seen map[fleet.KioskID]time.Time) error {
	blob := make([]byte, 0, len(seen)*seenWidth)
	for id, at := range seen {
		if len(id) == 13 {
			blob = append(append(blob, id...), bytesOf(uint64(at.Unix()))...)
		}
	}
	err := s.update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bMeta)).Put([]byte("seen"), blob) })
	if err != nil {
		return fmt.Errorf("keep when kiosks were last seen: %w", err)
	}
	return nil
}

// Seen returns what PutSeen kept, to the second.
func (s *Store) Seen() (map[fleet.KioskID]time.Time, error) {
	seen := map[fleet.KioskID]time.Time{}
	err := s.db.View(func(tx *bolt.Tx) error {
		for b := tx.Bucket([]byte(bMeta)).Get([]byte("seen")); len(b) >= seenWidth; b = b[seenWidth:] {
			seen[fleet.KioskID(b[:13])] = time.Unix(int64(number(b[13:seenWidth])), 0)
		}
		return nil
	})
	return seen, err
}

// Tidy forgets what has been kept long enough: whole days, expired codes,
// orders and web sessions.
func (s *Store) Tidy(now time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		return first(expireCodes(tx, now), expireOrders(tx, now), expireSessions(tx, now),
			dropDays(tx, bAudit, now.Add(-auditKept)), dropDays(tx, bFaults, now.Add(-faultsKept)),
			dropDays(tx, bCounts, now.Add(-countsKept)), dropDays(tx, bTally, now.Add(-countsKept)),
			dropDays(tx, bIncidents, now.Add(-incidentsKept)), expireServed(tx, now))
	})
	if err != nil {
		return fmt.Errorf("tidy the store: %w", err)
	}
	return nil
}

func dropDays(tx *bolt.Tx, bucket string, before time.Time) error {
	var old [][]byte
	b := tx.Bucket([]byte(bucket))
	if b == nil { // no such thing was kept yet
		return nil
	}
	c := b.Cursor()
	for day, _ := c.First(); day != nil && bytes.Compare(day, dayKey(before)) < 0; day, _ = c.Next() {
		old = append(old, bytes.Clone(day))
	}
	for _, day := range old {
		if err := tx.Bucket([]byte(bucket)).DeleteBucket(day); err != nil {
			return err
		}
	}
	return nil
}
