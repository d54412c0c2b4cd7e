package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	bolt "go.etcd.io/bbolt"
)

// step brings the layout of one version to that of the next, in the same
// transaction as every step after it.
type step func(*bolt.Tx) error

// steps are the ways from version 1 to 2, from 2 to 3 and so on. Whoever
// changes what an older agent wrote (a key, a meaning; a new bucket or a new
// field with a harmless zero needs nothing) adds a step here, and to testdata a
// store that the version before wrote.
func steps() []step { return nil }

// Schema is the version of the layout that this agent writes.
func Schema() int { return schemaOf(steps()) }

func schemaOf(steps []step) int { return len(steps) + 1 }

// prepare brings a new or older file to this agent's layout. A file that is
// there already is kept as it was, as "agent.db.schema-1", before anything of
// it is changed: the version before can be put back with it.
func (s *Store) prepare(steps []step) error {
	want := schemaOf(steps)
	have, missing := 0, false
	err := s.db.View(func(tx *bolt.Tx) error {
		for _, name := range buckets() {
			missing = missing || tx.Bucket([]byte(name)) == nil
		}
		if b := tx.Bucket([]byte(bMeta)); b != nil {
			have = int(number(b.Get([]byte("schema"))))
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case have > want:
		return ErrNewer
	case have == want && !missing:
		return nil
	}
	if have > 0 && have < want {
		if err := s.keepOld(have); err != nil {
			return fmt.Errorf("keep the store as it was: %w", err)
		}
	}
	return s.update(func(tx *bolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		for v := max(have, 1); have > 0 && v < want; v++ {
			if err := steps[v-1](tx); err != nil {
				return fmt.Errorf("bring the store from version %d to %d: %w", v, v+1, err)
			}
		}
		return tx.Bucket([]byte(bMeta)).Put([]byte("schema"), bytesOf(uint64(want)))
	})
}

// keepOld copies the file aside, unless that was done before.
func (s *Store) keepOld(version int) error {
	path := filepath.Join(s.dir, fmt.Sprintf("%s.schema-%d", FileName, version))
	if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(s.dir), renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	err = s.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err != nil {
		return full(err)
	}
	return f.CloseAtomicallyReplace()
}
