package store

import (
	"bytes"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/figures"
	"yhteiskone/internal/fleet"
)

// bTally holds the desk's tally: within a day, site, reason and errand -> 8
// bytes. It is made with the first mark.
const bTally = "tally_by_day"

// Counts calls f with the sums that kiosks sent of the days from first to
// last, both "2006-01-02", where each kiosk stood, and the day on which they
// came ("" if that is not known).
func (s *Store) Counts(first, last string, f func(site fleet.SiteID, c fleet.Counts, came string)) error {
	err := s.db.View(func(tx *bolt.Tx) error {
		return eachDay(tx, bCounts, first, last, func(day string, b *bolt.Bucket) error {
			return b.ForEach(func(id, text []byte) error {
				r, err := unmarshal[countsRecord](text)
				if err != nil {
					return fmt.Errorf("the sums of %s: %w", day, err)
				}
				if r.Site == "" {
					k, _, err := get[kioskRecord](tx, bKiosks, id)
					if err != nil {
						return err
					}
					r.Site = k.Site
				}
				f(r.Site, fleet.Counts{Day: day, Sessions: r.Sessions, Lengths: r.Lengths, Tiles: r.Tiles, Ends: r.Ends,
					HelpCalls: r.HelpCalls, Outcomes: r.Outcomes}, r.Came)
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("read the sums of days: %w", err)
	}
	return nil
}

// FirstDay returns the first day of which anything is kept, or "".
func (s *Store) FirstDay() (day string, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		for _, bucket := range []string{bCounts, bTally} {
			if b := tx.Bucket([]byte(bucket)); b != nil {
				if k, _ := b.Cursor().First(); k != nil && (day == "" || string(k) < day) {
					day = string(k)
				}
			}
		}
		return nil
	})
	return day, err
}

func tallyKey(m figures.Mark) []byte {
	return []byte(strings.Join([]string{string(m.Site), string(m.Why), m.What}, "\x00"))
}

// AddMark adds one to the desk's tally, or takes one back; a sum never falls
// below zero. Nothing but the sum is kept.
func (s *Store) AddMark(m figures.Mark, back bool) error {
	err := s.update(func(tx *bolt.Tx) error {
		all, err := tx.CreateBucketIfNotExists([]byte(bTally))
		if err != nil {
			return err
		}
		day, err := all.CreateBucketIfNotExists([]byte(m.Day))
		if err != nil {
			return err
		}
		n := number(day.Get(tallyKey(m)))
		switch {
		case !back:
			n++
		case n > 0:
			n--
		}
		return day.Put(tallyKey(m), bytesOf(n))
	})
	if err != nil {
		return fmt.Errorf("keep a mark of the tally: %w", err)
	}
	return nil
}

// Marks calls f with the sums of the desk's tally from first to last.
func (s *Store) Marks(first, last string, f func(figures.Mark, uint64)) error {
	err := s.db.View(func(tx *bolt.Tx) error {
		return eachDay(tx, bTally, first, last, func(day string, b *bolt.Bucket) error {
			return b.ForEach(func(key, n []byte) error {
				if parts := strings.Split(string(key), "\x00"); len(parts) == 3 {
					f(figures.Mark{Site: fleet.SiteID(parts[0]), Day: day, Why: figures.Reason(parts[1]), What: parts[2]}, number(n))
				}
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("read the tally: %w", err)
	}
	return nil
}

// eachDay calls f with the buckets of the days from first to last.
func eachDay(tx *bolt.Tx, bucket, first, last string, f func(day string, b *bolt.Bucket) error) error {
	all := tx.Bucket([]byte(bucket))
	if all == nil {
		return nil
	}
	c := all.Cursor()
	for k, _ := c.Seek([]byte(first)); k != nil && bytes.Compare(k, []byte(last)) <= 0; k, _ = c.Next() {
		if b := all.Bucket(k); b != nil {
			if err := f(string(k), b); err != nil {
				return err
			}
		}
	}
	return nil
}
