package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Holds says what is in a store, for people to recognise it by.
type Holds struct {
	Schema int `json:"schema"`
	Sites  int `json:"sites"`
	Kiosks int `json:"kiosks"`
	People int `json:"people"`
	Tokens int `json:"tokens"`
}

// Nothing reports whether nobody would miss the store.
func (h Holds) Nothing() bool { return h.Kiosks == 0 && h.People == 0 && h.Tokens == 0 }

// Snapshot writes the store as it is now to a new file, whole and compact,
// while the store works on. What lets somebody in stays out of it: open
// enrolment codes, one-time codes of people, and who is signed in. The store is
// inspected on the way, so a damaged one gives ErrDamaged and no file.
//
// It needs room for two copies beside the file, for a moment.
func (s *Store) Snapshot(path string) (h Holds, err error) {
	raw := path + ".raw"
	defer os.Remove(raw)
	defer func() {
		if err != nil {
			os.Remove(path)
			err = fmt.Errorf("copy the store: %w", full(err))
		}
	}()
	if err := s.copyTo(raw); err != nil {
		return h, err
	}
	if _, err := Inspect(raw, time.Now().Add(time.Hour)); err != nil {
		return h, err
	}
	return compact(path, raw)
}

// Check inspects the whole store as it is now, and reads every record in it.
func (s *Store) Check() (h Holds, err error) {
	dir, err := os.MkdirTemp(s.dir, ".check-")
	if err != nil {
		return h, fmt.Errorf("check the store: %w", full(err))
	}
	defer os.RemoveAll(dir)
	if err := s.copyTo(filepath.Join(dir, FileName)); err != nil {
		return h, fmt.Errorf("check the store: %w", full(err))
	}
	return CheckFile(filepath.Join(dir, FileName))
}

func (s *Store) copyTo(path string) error {
	return s.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0o600) })
}

// CheckFile inspects a file that nobody writes to: its pages, what bbolt says
// of it, and every record. The file is not changed.
func CheckFile(path string) (h Holds, err error) {
	if _, err := Inspect(path, time.Now().Add(time.Hour)); err != nil {
		return h, err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		return h, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		var wrong error
		for err := range tx.Check() { // to its end: it runs beside us, in this transaction
			wrong = cmp.Or(wrong, err)
		}
		if err := first(wrong, readable(tx, time.Now().Add(time.Hour))); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
		}
		h = holds(tx)
		return nil
	})
	switch {
	case err != nil:
		return h, err
	case h.Schema == 0:
		return h, fmt.Errorf("%w: %s is no store of an agent", ErrDamaged, path)
	case h.Schema > Schema():
		return h, ErrNewer
	}
	return h, nil
}

func holds(tx *bolt.Tx) Holds {
	h := Holds{Sites: keys(tx, bSites), Kiosks: keys(tx, bKiosks), People: keys(tx, bAccounts), Tokens: keys(tx, bTokens)}
	if b := tx.Bucket([]byte(bMeta)); b != nil {
		h.Schema = int(number(b.Get([]byte("schema"))))
	}
	return h
}

func keys(tx *bolt.Tx, bucket string) (n int) {
	b := tx.Bucket([]byte(bucket))
	if b == nil {
		return 0
	}
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		n++
	}
	return n
}

// readable reads the records that the agent cannot do without, those first
// that it cannot start without, until the given time.
func readable(tx *bolt.Tx, until time.Time) error {
	if tx.Bucket([]byte(bMeta)) != nil {
		if _, _, err := get[settingsRecord](tx, bMeta, []byte("settings")); err != nil {
			return err
		}
	}
	for _, look := range []func(*bolt.Tx, time.Time) error{
		decodes[siteRecord](bSites), decodes[accountRecord](bAccounts), decodes[tokenRecord](bTokens), decodes[kioskRecord](bKiosks),
		decodes[codeRecord](bCodes), decodes[orderRecord](bOrders), decodes[helpRecord](bHelp), decodes[[]faultRecord](bOpen),
		decodes[proofRecord](bProofs)} {
		if err := look(tx, until); err != nil {
			return err
		}
	}
	return nil
}

func decodes[T any](bucket string) func(*bolt.Tx, time.Time) error {
	return func(tx *bolt.Tx, until time.Time) error {
		if tx.Bucket([]byte(bucket)) == nil {
			return nil // an older agent's
		}
		n := 0
		err := each(tx, bucket, func([]byte, T) error {
			if n++; n%64 == 0 && time.Now().After(until) {
				return errLate
			}
			return nil
		})
		if errors.Is(err, errLate) {
			return nil
		}
		return err
	}
}

// compact takes out what lets somebody in, and copies the rest without the
// room that was free: nothing of what was taken out is left in it.
func compact(path, raw string) (h Holds, err error) {
	src, err := bolt.Open(raw, 0o600, &bolt.Options{NoSync: true, Timeout: time.Second})
	if err != nil {
		return h, err
	}
	defer src.Close()
	if err := src.Update(lockOut); err != nil {
		return h, err
	}
	dst, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, Timeout: time.Second})
	if err != nil {
		return h, err
	}
	err = bolt.Compact(dst, src, 1<<20)
	if err == nil {
		err = dst.View(func(tx *bolt.Tx) error { h = holds(tx); return nil })
	}
	if err == nil {
		err = dst.Sync()
	}
	return h, errors.Join(err, dst.Close())
}

// lockOut removes everything that lets somebody in.
func lockOut(tx *bolt.Tx) error {
	for _, name := range []string{bCodes, bUses, bSessions} {
		if err := tx.DeleteBucket([]byte(name)); err != nil {
			return err
		}
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	open := map[string]accountRecord{}
	err := each(tx, bAccounts, func(key []byte, r accountRecord) error {
		if len(r.CodeHash) > 0 {
			r.CodeHash, r.CodeExpires = nil, time.Time{}
			open[string(key)] = r
		}
		return nil
	})
	for key, r := range open {
		err = errors.Join(err, put(tx, bAccounts, []byte(key), r))
	}
	return err
}

// Mended says that a backup took the place of damaged data.
type Mended struct {
	At   time.Time `json:"at"`
	Why  string    `json:"why"`
	Part string    `json:"part"`
	Made time.Time `json:"made"` // the backup
	Kept string    `json:"kept"` // the folder with what was damaged
}

// PutMended remembers it.
func (s *Store) PutMended(m Mended) error {
	m.At, m.Made = m.At.UTC(), m.Made.UTC()
	return s.update(func(tx *bolt.Tx) error { return put(tx, bMeta, []byte("mended"), m) })
}

// Mended returns the last time, if there was one.
func (s *Store) Mended() (m Mended, ok bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		m, ok, err = get[Mended](tx, bMeta, []byte("mended"))
		return err
	})
	return m, ok, err
}

// Readable reads the records that the agent cannot do without, until the given
// time, and returns ErrDamaged if one cannot be read.
func (s *Store) Readable(until time.Time) error {
	err := s.db.View(func(tx *bolt.Tx) error { return readable(tx, until) })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
