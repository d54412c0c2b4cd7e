// Package store keeps on disk what must survive a restart of the agent: who
// the kiosks are, codes, orders, what was applied of each kiosk's messages, the
// newest proof of each, sums per day, faults as they open and close, accounts
// and what people did. It is the only importer of bbolt.
//
// It never holds a report, a visit, or anything that could tell one visit from
// another; it never holds a secret of a kiosk, and of people only hashes. It
// reads no clock: times come from the caller.
//
// Caveats: every method that writes waits for the disk (a few milliseconds);
// writes that arrive together share that wait. Views of the file are mapped
// into memory, so its size shows up in the process's memory as far as it is
// read. What is kept by day goes a whole day at a time.
package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Errors of this package; errors.Is tells them apart.
var (
	// ErrBusy says that another process holds the store.
	ErrBusy = errors.New("another agent is using this data folder")
	// ErrFull says that the disk has no room; nothing was changed.
	ErrFull = errors.New("the disk of the agent's data folder is full")
	// ErrNewer says that a newer agent wrote the store.
	ErrNewer = errors.New("a newer version of the agent wrote this data folder")
)

// The buckets. Those by day hold one bucket for each day, "2006-01-02".
const (
	bMeta     = "meta"
	bSites    = "sites"     // site -> siteRecord
	bKiosks   = "kiosks"    // kiosk -> kioskRecord
	bCodes    = "codes"     // hash -> codeRecord
	bUses     = "code_uses" // hash, public key -> kiosk
	bApplied  = "applied"   // kiosk -> 8 bytes
	bOrders   = "orders"    // kiosk, time, command -> orderRecord
	bProofs   = "proofs"    // kiosk -> proofRecord
	bHelp     = "help"      // kiosk -> helpRecord
	bOpen     = "faults"    // kiosk -> []faultRecord, open now
	bAccounts = "accounts"
	bSessions = "sessions"
	bTokens   = "tokens"
	bAudit    = "audit_by_day"
	bFaults   = "faults_by_day"
	bCounts   = "counts_by_day" // within a day: kiosk -> countsRecord

	bIncidents = "incidents_by_day" // within a day: site, kiosk, number -> incidentRecord
	bRollups   = "rollups_by_day"   // what machines did within minutes
	bDays      = "served"           // day -> what machines did
	bTargets   = "alert_targets"    // target -> targetRecord
	bLetters   = "alert_letters"    // time, letter -> letterRecord
	bMessages  = "alert_messages"   // time, message -> messageRecord
	bTold      = "alert_open"       // incident -> eventRecord
	bTrouble   = "alert_trouble"    // target -> troubleRecord
	bNotes     = "service_notes"    // kiosk -> noteRecord
	bWeeks     = "help_by_week"     // week, 0, site -> weekRecord
	bSheets    = "sheets"           // kiosk -> sheetRecord
	bEdits     = "site_settings"    // site, 0, number -> editRecord
	bOffers    = "image_offers"     // kiosk -> imageOfferRecord
)

func buckets() []string {
	return []string{bMeta, bSites, bKiosks, bCodes, bUses, bApplied, bOrders, bProofs, bHelp, bOpen,
		bAccounts, bSessions, bTokens, bAudit, bFaults, bCounts, bIncidents, bRollups, bDays,
		bTargets, bLetters, bMessages, bTold, bTrouble, bEdits, bNotes, bWeeks, bOffers, bSheets}
}

// Store is one open store. Its methods may be called from any goroutine.
type Store struct {
	db      *bolt.DB
	dir     string
	where   *time.Location
	failing atomic.Pointer[error] // the newest write's error; nil when it went well
}

// FileName is the store's file in the data folder.
const FileName = "agent.db"

// Open opens the store in the folder, or makes it. It waits for another
// process to let go of it for at most wait, then returns ErrBusy.
func Open(dir string, wait time.Duration) (*Store, error) {
	return openAs(dir, wait, steps())
}

func openAs(dir string, wait time.Duration, steps []step) (*Store, error) {
	path := filepath.Join(dir, FileName)
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: max(wait, time.Millisecond), FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("open the store: %w: %s: %w", ErrDamaged, path, err)
	case err != nil:
		return nil, fmt.Errorf("open the store: %w", full(err))
	}
	db.MaxBatchDelay = 2 * time.Millisecond
	s := &Store{db: db, dir: dir, where: time.UTC}
	if err := s.prepare(steps); err != nil {
		db.Close()
		return nil, fmt.Errorf("open the store: %s: %w", path, err)
	}
	return s, nil
}

// In says where the people are: there a week begins. Call it before the store is
// used.
func (s *Store) In(where *time.Location) { s.where = where }

// Close lets go of the store.
func (s *Store) Close() error { return s.db.Close() }

// Failing returns why the newest write failed, or nil if it went well.
func (s *Store) Failing() error {
	if p := s.failing.Load(); p != nil {
		return *p
	}
	return nil
}

// update runs one transaction by itself.
func (s *Store) update(f func(*bolt.Tx) error) error { return s.wrote(s.db.Update(f)) }

// batch runs f in a transaction that it may share with others; f may run more
// than once.
func (s *Store) batch(f func(*bolt.Tx) error) error { return s.wrote(s.db.Batch(f)) }

// refusal is an error of a write that says nothing about the disk.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// wrote remembers whether the disk takes writes.
func (s *Store) wrote(err error) error {
	var no refusal
	if errors.As(err, &no) {
		return no.error
	}
	if err == nil {
		s.failing.Store(nil)
		return nil
	}
	err = full(err)
	s.failing.Store(&err)
	return err
}

// full names the errors that mean that there is no room. bbolt keeps some of
// them as text only.
func full(err error) error {
	for _, no := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, no) || err != nil && strings.HasSuffix(err.Error(), no.Error()) {
			return fmt.Errorf("%w (%v)", ErrFull, err)
		}
	}
	return err
}

func bytesOf(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func marshal(v any) ([]byte, error) { return json.Marshal(v) }

func unmarshal[T any](text []byte) (v T, err error) {
	err = json.Unmarshal(text, &v)
	return v, err
}

// put stores v as JSON.
func put(tx *bolt.Tx, bucket string, key []byte, v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket([]byte(bucket)).Put(key, text)
}

// get reads what put stored; ok is false if there is nothing.
func get[T any](tx *bolt.Tx, bucket string, key []byte) (v T, ok bool, err error) {
	text := tx.Bucket([]byte(bucket)).Get(key)
	if text == nil {
		return v, false, nil
	}
	if v, err = unmarshal[T](text); err != nil {
		return v, false, fmt.Errorf("read %s %x: %w", bucket, key, err)
	}
	return v, true, nil
}

// each calls f with everything that put stored in the bucket, by key.
func each[T any](tx *bolt.Tx, bucket string, f func(key []byte, v T) error) error {
	return tx.Bucket([]byte(bucket)).ForEach(func(key, text []byte) error {
		v, err := unmarshal[T](text)
		if err != nil {
			return fmt.Errorf("read %s %x: %w", bucket, key, err)
		}
		return f(key, v)
	})
}

// dayKey is the bucket of a time in one of the buckets by day.
func dayKey(t time.Time) []byte { return []byte(t.UTC().Format(time.DateOnly)) }

// appendDay adds v to the bucket of its day; within a day the order is that of
// arrival.
func appendDay(tx *bolt.Tx, bucket string, at time.Time, v any) error {
	day, err := tx.Bucket([]byte(bucket)).CreateBucketIfNotExists(dayKey(at))
	if err != nil {
		return err
	}
	n, err := day.NextSequence()
	if err != nil {
		return err
	}
	text, err := marshal(v)
	if err != nil {
		return err
	}
	day.FillPercent = 1 // only ever appended to
	return day.Put(bytesOf(n), text)
}
