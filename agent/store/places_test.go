package store_test

import (
	"slices"
	"testing"
	"time"

	"yhteiskone/agent/premises"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// What a site decided goes before the configuration, at that site only, also
// after a restart; what it did not decide follows the configuration. Every
// version is kept.
func TestEdits(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	base := fleet.DefaultSettings()
	if err := s.PutSettings(base, nil); err != nil {
		t.Fatal(err)
	}
	decide := func(site fleet.SiteID, idle time.Duration, back uint64) premises.Version {
		t.Helper()
		v, err := s.PutEdit("satu", site, premises.Edit{Fields: []premises.Field{premises.Idle, premises.Help},
			Values: premises.Values{Settings: fleet.Settings{Idle: idle}, Call: premises.Call{After: time.Minute, To: "mesta"}}}, back, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	decide("ranta", 10*time.Minute, 0)
	decide("ranta-2", 30*time.Minute, 0)
	third := decide("ranta", 20*time.Minute, 0)
	last := decide("ranta", 10*time.Minute, 1)
	s.Close()
	if s, err = store.Open(dir, time.Second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	base.Phone = "09 1"
	if err := s.PutSettings(base, nil); err != nil { // as at a start
		t.Fatal(err)
	}
	for site, want := range map[fleet.SiteID]time.Duration{"ranta": 10 * time.Minute, "ranta-2": 30 * time.Minute, "rant": base.Idle, "ranta-20": base.Idle, "a": base.Idle, "z": base.Idle} {
		set, err := s.Settings(fleet.Kiosk{Site: site, Name: "Kone 1"})
		if err != nil || set.Idle != want || set.Phone != "09 1" || set.Version <= last.Settings || set.KioskName != "Kone 1" {
			t.Errorf("%s: %+v, %v", site, set, err)
		}
	}
	all, err := s.Edits("ranta")
	if err != nil || len(all) != 3 || all[0].N != 3 || all[0].Back != 1 || all[1].Edit.Values.Idle != 20*time.Minute || all[2].Who != "satu" ||
		all[0].Settings <= third.Settings || !slices.Equal(all[0].Edit.Fields, []premises.Field{premises.Idle, premises.Help}) || all[0].Edit.Values.Call.To != "mesta" {
		t.Errorf("%+v, %v", all, err)
	}
	if v, err := s.Edit("nowhere"); err != nil || v.N != 0 || len(v.Edit.Fields) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if e, err := s.Entries("", 1); err != nil || e[0].Action != "place_set" || e[0].Site != "ranta" || e[0].Detail != "3" {
		t.Errorf("%+v, %v", e, err)
	}
	// A configuration with which it does not go together wins.
	base.Idle, base.Warn = 2*time.Hour, time.Hour
	if err := s.PutSettings(base, nil); err != nil {
		t.Fatal(err)
	}
	if set, err := s.Settings(fleet.Kiosk{Site: "ranta"}); err != nil || set.Idle != 2*time.Hour || set.Validate() != nil {
		t.Errorf("%+v, %v", set, err)
	}
}
