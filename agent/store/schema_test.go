package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func note(name string) step {
	return func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bMeta))
		return b.Put([]byte("steps"), append(b.Get([]byte("steps")), name...))
	}
}

func meta1(t *testing.T, s *Store, key string) string {
	t.Helper()
	var v string
	err := s.db.View(func(tx *bolt.Tx) error { v = string(tx.Bucket([]byte(bMeta)).Get([]byte(key))); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func reopen(t *testing.T, dir string, steps ...step) *Store {
	t.Helper()
	s, err := openAs(dir, time.Second, steps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Steps are taken once, in order, from where the file stands; a new file needs
// none, and what an older agent wrote is kept as it was.
func TestSteps(t *testing.T) {
	dir := t.TempDir()
	reopen(t, dir).Close()
	reopen(t, dir, note("a")).Close()
	s := reopen(t, dir, note("a"), note("b"), note("c"))
	if got := meta1(t, s, "steps"); got != "abc" {
		t.Errorf("steps taken: %q", got)
	}
	s.Close()
	for version, want := range map[string]string{"1": "", "2": "a"} {
		old := t.TempDir()
		if err := os.Rename(filepath.Join(dir, "agent.db.schema-"+version), filepath.Join(old, FileName)); err != nil {
			t.Fatal(err)
		}
		db, err := bolt.Open(filepath.Join(old, FileName), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := meta1(t, &Store{db: db}, "steps"); got != want {
			t.Errorf("kept of version %s: %q", version, got)
		}
		db.Close()
	}
	if _, err := openAs(dir, time.Second, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("an older agent on a newer file: %v", err)
	}
	fresh := reopen(t, t.TempDir(), note("a"))
	if got := meta1(t, fresh, "steps"); got != "" {
		t.Errorf("a new file took the steps %q", got)
	}
}

// A step that fails leaves the file as it was.
func TestStepFails(t *testing.T) {
	dir := t.TempDir()
	reopen(t, dir).Close()
	no := errors.New("no")
	if _, err := openAs(dir, time.Second, []step{note("a"), func(*bolt.Tx) error { return no }}); !errors.Is(err, no) {
		t.Fatal(err)
	}
	s := reopen(t, dir)
	if got := meta1(t, s, "steps"); got != "" {
		t.Errorf("half a way was taken: %q", got)
	}
}

// A bucket that this agent knows and an older one of the same layout did not is
// made.
func TestNewBucket(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, dir)
	if err := s.update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bTokens)) }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := reopen(t, dir).Tokens(); err != nil {
		t.Error(err)
	}
}
