package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"yhteiskone/internal/fleet"
)

// What an earlier agent wrote can be read: these are its records, byte for byte.
func TestOldRecords(t *testing.T) {
	s, err := Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const id = fleet.KioskID("kaaaaaaaaaaaa")
	err = s.update(func(tx *bolt.Tx) error {
		day, err := tx.Bucket([]byte(bCounts)).CreateBucketIfNotExists([]byte("2026-11-20"))
		if err != nil {
			return err
		}
		return first(
			day.Put([]byte(id), []byte(`{"sessions":9,"lengths":{"5_15":9},"tiles":{"benefits":9},"ends":{"button":9},"help_calls":2}`)),
			tx.Bucket([]byte(bMeta)).Put([]byte("settings"), []byte(`{"version":7,"idle_ns":600000000000,"warn_ns":60000000000,"limit_ns":3600000000000}`)),
			tx.Bucket([]byte(bHelp)).Put([]byte(id), []byte(`{"call":"00000000000000aa","boot":"b","at":"2026-11-20T10:00:00Z","answer":"coming_soon","answered_at":"2026-11-20T10:01:00Z","answered_by":"satu"}`)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := counts(t, s, "2026-11-20", id); got.Sessions != 9 || got.HelpCalls != 2 || got.Outcomes != nil {
		t.Errorf("sums of a day: %+v", got)
	}
	set, err := s.Settings(fleet.Kiosk{Site: "ranta"})
	if err != nil || set.Version != 7 || set.Idle != 10*time.Minute || set.Limit != time.Hour || set.Hours != nil {
		t.Errorf("settings: %+v, %v", set, err)
	}
	call, _, found, err := s.Help(id)
	if err != nil || !found || call.Answer != fleet.ComingSoon || call.Minutes != 0 || call.Who != "" || call.AnsweredBy != "satu" {
		t.Errorf("help: %+v, %v", call, err)
	}
	if err := s.PutSettings(set, nil); err != nil {
		t.Fatal(err)
	}
	if again, _ := s.Settings(fleet.Kiosk{Site: "ranta"}); again.Version != 7 {
		t.Errorf("the same settings in an old record raise the version to %d", again.Version)
	}
}

// Outcomes are kept with the other sums of their day.
func TestOutcomes(t *testing.T) {
	s, err := Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const id = fleet.KioskID("kaaaaaaaaaaaa")
	want := map[fleet.Outcome]uint32{fleet.GotDone: 5, fleet.NoPhone: 1}
	if _, err := s.ApplyCounts(id, 1, fleet.Counts{Day: "2026-11-22", Sessions: 7, Outcomes: want}, time.Now()); err != nil {
		t.Fatal(err)
	}
	got := counts(t, s, "2026-11-22", id)
	if d := cmp.Diff(want, got.Outcomes); d != "" || got.Sessions != 7 {
		t.Errorf("kept is %+v", got)
	}
}

func counts(t *testing.T, s *Store, day string, id fleet.KioskID) (r countsRecord) {
	t.Helper()
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		r, err = unmarshal[countsRecord](tx.Bucket([]byte(bCounts)).Bucket([]byte(day)).Get([]byte(id)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
