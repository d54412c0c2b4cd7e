package store_test

import (
	"errors"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

func TestCodesAreListedAndRevoked(t *testing.T) {
	s, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	put := func(code, name string, site fleet.SiteID, life time.Duration, once bool) error {
		return s.PutCode(store.Code{Hash: identity.HashCode(code), Site: site, Name: name, Uses: 1, Expires: now.Add(life), Once: once}, "satu", now)
	}
	for _, err := range []error{put("1111-1111-1111", "Kone 1", "ranta", time.Hour, true), put("2222-2222-2222", "Kone 2", "tori", time.Minute, true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := put("3333-3333-3333", "kone 1", "ranta", time.Hour, true); !errors.Is(err, store.ErrThere) {
		t.Errorf("a second code for the same machine: %v", err)
	}
	if err := put("4444-4444-4444", "Kone 1", "tori", time.Hour, true); err != nil {
		t.Errorf("the same name at another site: %v", err)
	}
	all, err := s.Codes(now)
	if err != nil || len(all) != 3 || all[0].Name != "Kone 2" || all[0].Site != "tori" || len(all[0].ID) != 12 {
		t.Fatalf("%+v, %v", all, err)
	}
	if late, _ := s.Codes(now.Add(2 * time.Minute)); len(late) != 2 {
		t.Errorf("an expired code is listed: %+v", late)
	}
	ranta := func(site fleet.SiteID) bool { return site == "ranta" }
	if err := s.RevokeCode(all[0].ID, "satu", now, ranta); !errors.Is(err, store.ErrNoCode) {
		t.Errorf("a code of another site: %v", err)
	}
	id := store.CodeID(identity.HashCode("1111-1111-1111"))
	if err := s.RevokeCode(id, "satu", now, ranta); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeCode(id, "satu", now, ranta); !errors.Is(err, store.ErrNoCode) {
		t.Errorf("twice: %v", err)
	}
	_, _, err = s.Enrol(gate.Use{CodeHash: identity.HashCode("1111-1111-1111"), PublicKey: make([]byte, 32), At: now, NewID: "kaaaaaaaaaaaa"})
	if !errors.Is(err, gate.ErrCodeUnknown) {
		t.Errorf("a revoked code: %v", err)
	}
	if entries, err := s.Entries("", 1); err != nil || entries[0].Action != "code_revoked" || entries[0].Who != "satu" || entries[0].Detail != "Kone 1" {
		t.Errorf("%+v, %v", entries, err)
	}
	// Once the machine is there, the name is taken for good.
	if _, _, err := s.Enrol(gate.Use{CodeHash: identity.HashCode("4444-4444-4444"), PublicKey: make([]byte, 32), At: now, NewID: "kaaaaaaaaaaaa"}); err != nil {
		t.Fatal(err)
	}
	if err := put("5555-5555-5555", "Kone 1", "tori", time.Hour, true); !errors.Is(err, store.ErrThere) {
		t.Errorf("a code for a machine that is there: %v", err)
	}
	if err := put("6666-6666-6666", "Kone 1", "tori", time.Hour, false); err != nil {
		t.Errorf("without Once: %v", err)
	}
}
