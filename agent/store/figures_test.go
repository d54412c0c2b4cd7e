package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/figures"
	"yhteiskone/internal/fleet"
)

// opened is a store with one kiosk at "ranta".
func opened(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func readCounts(t *testing.T, s *Store, first, last string) (all []string) {
	t.Helper()
	if err := s.Counts(first, last, func(site fleet.SiteID, c fleet.Counts, came string) {
		all = append(all, strings.TrimSpace(fmt.Sprint(c.Day, " ", site, " ", c.Sessions, " ", came)))
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCountsOfAMonth(t *testing.T) {
	s := opened(t, t.TempDir())
	const id = fleet.KioskID("kaaaaaaaaaaaa")
	move := func(site fleet.SiteID) {
		if err := s.update(func(tx *bolt.Tx) error { return put(tx, bKiosks, []byte(id), kioskRecord{Site: site}) }); err != nil {
			t.Fatal(err)
		}
	}
	if day, err := s.FirstDay(); day != "" || err != nil {
		t.Errorf("the first day of nothing: %q, %v", day, err)
	}
	came := time.Date(2026, 11, 15, 1, 30, 0, 0, time.FixedZone("two hours east", 2*60*60))
	move("ranta")
	for i, day := range []string{"2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01"} {
		if _, err := s.ApplyCounts(id, uint64(i+1), fleet.Counts{Day: day, Sessions: uint32(10 + i)}, came); err != nil {
			t.Fatal(err)
		}
	}
	move("kulma")
	if _, err := s.ApplyCounts(id, 9, fleet.Counts{Day: "2026-10-15", Sessions: 99}, came.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := []string{"2026-10-01 ranta 11 2026-11-14", "2026-10-15 kulma 99 2026-11-15", "2026-10-31 ranta 12 2026-11-14"}
	if got := readCounts(t, s, "2026-10-01", "2026-10-31"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q: what a machine counted stays where it was", got, want)
	}
	err := s.update(func(tx *bolt.Tx) error {
		day, err := tx.Bucket([]byte(bCounts)).CreateBucketIfNotExists([]byte("2026-08-01"))
		if err != nil {
			return err
		}
		return day.Put([]byte(id), []byte(`{"sessions":9,"help_calls":2}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := readCounts(t, s, "2026-08-01", "2026-08-31"); !slices.Equal(got, []string{"2026-08-01 kulma 9"}) {
		t.Errorf("sums of an older agent: %q", got)
	}
	if day, err := s.FirstDay(); day != "2026-08-01" || err != nil {
		t.Errorf("the first day: %q, %v", day, err)
	}
}

func TestTally(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	mark := figures.Mark{Site: "ranta", Day: "2026-10-15", Why: figures.NoCodes, What: "bank"}
	read := func(s *Store) (all []string) {
		if err := s.Marks("2026-10-01", "2026-10-31", func(m figures.Mark, n uint64) {
			all = append(all, fmt.Sprint(m.Day, " ", m.Site, " ", m.Why, " ", m.What, " ", n))
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := read(s); got != nil {
		t.Errorf("before the first: %q", got)
	}
	if err := s.Tidy(time.Now()); err != nil {
		t.Errorf("tidy before the first: %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := s.AddMark(mark, false); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	other := mark
	other.What = figures.Unsaid
	for _, back := range []bool{true, false, true, true} {
		if err := s.AddMark(other, back); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddMark(mark, true); err != nil {
		t.Fatal(err)
	}
	want := []string{"2026-10-15 ranta no_codes bank 19", "2026-10-15 ranta no_codes unsaid 0"}
	if got := read(s); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.Close()
	s = opened(t, dir)
	if got := read(s); !slices.Equal(got, want) {
		t.Errorf("after a restart: %q", got)
	}
	if err := s.Tidy(time.Date(2029, 11, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if got := read(s); got != nil {
		t.Errorf("kept for ever: %q", got)
	}
}
