package store_test

import (
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// What became of the newest release that a kiosk was offered is known after a
// restart; the answer to an older offer changes nothing of it.
func TestImageOffers(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const id = fleet.KioskID("kaaaaaaaaaaaa")
	now := time.Now()
	offer := func(n, version string) {
		t.Helper()
		c := fleet.Command{ID: "000000000000000" + n, Name: fleet.UpdateImage, Image: fleet.ImageOffer{Version: version}}
		if err := s.PutOrder("satu", gate.Order{Kiosk: id, Command: c, Expires: now.Add(time.Minute)}, "ranta", now); err != nil {
			t.Fatal(err)
		}
	}
	is := func(version, why string, done bool) {
		t.Helper()
		all, err := s.ImageOffers()
		o := all[id]
		if err != nil || len(all) != 1 || o.Version != version || o.Why != why || o.Done.IsZero() == done || o.Who != "satu" ||
			!o.At.Equal(now) || !o.Until.Equal(now.Add(time.Minute)) {
			t.Errorf("want %s %q %v: %+v, %v", version, why, done, all, err)
		}
	}
	offer("1", "1.1")
	is("1.1", "", false)
	offer("2", "1.2")
	if _, _, _, err := s.ApplyResult(id, 1, fleet.Result{Command: "0000000000000001", Why: "untrusted"}, now); err != nil {
		t.Fatal(err)
	}
	is("1.2", "", false)
	if e, err := s.Entries(id, 1); err != nil || e[0].Action != "result_untrusted" || e[0].Detail != "update_image 1.1" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, _, _, err := s.ApplyResult(id, 2, fleet.Result{Command: "0000000000000002", OK: true}, now); err != nil {
		t.Fatal(err)
	}
	is("1.2", "", true)
	offer("3", "1.3")
	if err := s.Tidy(now.Add(2 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	is("1.3", "expired", true)
	s.Close()
	if s, err = store.Open(dir, time.Second); err != nil {
		t.Fatal(err)
	}
	is("1.3", "expired", true)
}
