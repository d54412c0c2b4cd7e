package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// servedKept is how long what machines did on each day is kept: the 90 days
// that are shown, and a few.
const servedKept = 100 * 24 * time.Hour

// What machines did is kept in blobs: for each kiosk that did anything its name
// and, in seconds, how long it worked, was lost, was broken and was paused.
// Kiosks stand in the order of their names. A roll-up of some minutes has 16
// bits for each number, a whole day 32. A day that is over is added up, and its
// roll-ups go.
const (
	nameWidth   = 13
	rollupWidth = nameWidth + 4*2
	dayWidth    = nameWidth + 4*4
)

func parts(s *state.Served) [4]*time.Duration {
	return [4]*time.Duration{&s.Works, &s.Lost, &s.Broken, &s.Paused}
}

func seconds(d time.Duration, most uint64) uint64 {
	return min(uint64(max(0, d.Round(time.Second)/time.Second)), most)
}

// PutServed appends what machines did lately to a day, "2006-01-02" by the
// clock of their place.
func (s *Store) PutServed(day string, served map[fleet.KioskID]state.Served) error {
	blob := make([]byte, 0, len(served)*rollupWidth)
	for _, id := range sortedKiosks(served) {
		did := served[id]
		blob = append(blob, id...)
		for _, d := range parts(&did) {
			blob = binary.BigEndian.AppendUint16(blob, uint16(seconds(*d, 1<<16-1)))
		}
	}
	if len(blob) == 0 {
		return nil
	}
	err := s.update(func(tx *bolt.Tx) error {
		b, err := tx.Bucket([]byte(bRollups)).CreateBucketIfNotExists([]byte(day))
		if err != nil {
			return err
		}
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		b.FillPercent = 1 // only ever appended to
		return b.Put(bytesOf(n), blob)
	})
	if err != nil {
		return fmt.Errorf("keep what machines did: %w", err)
	}
	return nil
}

func sortedKiosks(served map[fleet.KioskID]state.Served) []fleet.KioskID {
	var ids []fleet.KioskID
	for id := range served {
		if len(id) == nameWidth {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// FoldServed adds up every day before today that was not yet.
func (s *Store) FoldServed(today string) error {
	for {
		more := false
		err := s.update(func(tx *bolt.Tx) error {
			more = false
			day, _ := tx.Bucket([]byte(bRollups)).Cursor().First()
			if day == nil || string(day) >= today {
				return nil
			}
			more, day = true, bytes.Clone(day)
			return first(foldDay(tx, day), tx.Bucket([]byte(bRollups)).DeleteBucket(day))
		})
		if err != nil {
			return fmt.Errorf("add up what machines did: %w", err)
		}
		if !more {
			return nil
		}
	}
}

func foldDay(tx *bolt.Tx, day []byte) error {
	sum := map[fleet.KioskID]state.Served{}
	add := func(id []byte, did state.Served) { sum[fleet.KioskID(id)] = sum[fleet.KioskID(id)].Add(did) }
	old := tx.Bucket([]byte(bDays)).Get(day) // of a day whose clock came back
	for ; len(old) >= dayWidth; old = old[dayWidth:] {
		add(old[:nameWidth], servedOf(old[:dayWidth]))
	}
	err := tx.Bucket([]byte(bRollups)).Bucket(day).ForEach(func(_, blob []byte) error {
		for ; len(blob) >= rollupWidth; blob = blob[rollupWidth:] {
			add(blob[:nameWidth], servedOf(blob[:rollupWidth]))
		}
		return nil
	})
	if err != nil {
		return err
	}
	var blob []byte
	for _, id := range sortedKiosks(sum) {
		did := sum[id]
		blob = append(blob, id...)
		for _, d := range parts(&did) {
			blob = binary.BigEndian.AppendUint32(blob, uint32(seconds(*d, 1<<32-1)))
		}
	}
	return tx.Bucket([]byte(bDays)).Put(day, blob)
}

// servedOf reads one kiosk's piece of a blob, of either width.
func servedOf(piece []byte) (did state.Served) {
	for i, d := range parts(&did) {
		n := uint64(0)
		if len(piece) == dayWidth {
			n = uint64(binary.BigEndian.Uint32(piece[nameWidth+4*i:]))
		} else {
			n = uint64(binary.BigEndian.Uint16(piece[nameWidth+2*i:]))
		}
		*d = time.Duration(n) * time.Second
	}
	return did
}

// find looks a kiosk up in a blob.
func find(blob []byte, width int, id fleet.KioskID) (did state.Served, ok bool) {
	i, found := sort.Find(len(blob)/width, func(i int) int { return cmp.Compare(string(id), string(blob[i*width:i*width+nameWidth])) })
	if !found {
		return state.Served{}, false
	}
	return servedOf(blob[i*width : (i+1)*width]), true
}

// Served is dashboard.History's: what kiosks did on each day from that one on,
// by day. Days on which none of them did anything are not there.
func (s *Store) Served(from string, kiosks ...fleet.KioskID) (map[string]map[fleet.KioskID]state.Served, error) {
	days := map[string]map[fleet.KioskID]state.Served{}
	take := func(day, blob []byte, width int) {
		for _, id := range kiosks {
			if did, ok := find(blob, width, id); ok {
				if days[string(day)] == nil {
					days[string(day)] = map[fleet.KioskID]state.Served{}
				}
				days[string(day)][id] = days[string(day)][id].Add(did)
			}
		}
	}
	err := s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bDays)).Cursor()
		for day, blob := c.Seek([]byte(from)); day != nil; day, blob = c.Next() {
			take(day, blob, dayWidth)
		}
		rollups := tx.Bucket([]byte(bRollups))
		c = rollups.Cursor()
		for day, _ := c.Seek([]byte(from)); day != nil; day, _ = c.Next() {
			err := rollups.Bucket(day).ForEach(func(_, blob []byte) error {
				take(day, blob, rollupWidth)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return days, err
}

// expireServed forgets days that are old enough.
func expireServed(tx *bolt.Tx, now time.Time) error {
	before := dayKey(now.Add(-servedKept))
	var old [][]byte
	c := tx.Bucket([]byte(bDays)).Cursor()
	for day, _ := c.First(); day != nil && bytes.Compare(day, before) < 0; day, _ = c.Next() {
		old = append(old, bytes.Clone(day))
	}
	for _, day := range old {
		if err := tx.Bucket([]byte(bDays)).Delete(day); err != nil {
			return err
		}
	}
	return nil
}

// newestFirst orders incidents by their end.
func newestFirst(all []state.Incident) {
	slices.SortStableFunc(all, func(x, y state.Incident) int { return y.End.Compare(x.End) })
}
