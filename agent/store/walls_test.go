package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/agent/staff"
)

func TestWalls(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	w, secret, err := staff.NewWall("ranta", "Aulan näyttö", "satu", now)
	if err != nil || len(secret) < 26 {
		t.Fatalf("%q, %v", secret, err)
	}
	if _, err := s.Wall(w.Hash); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("before it is there: %v", err)
	}
	if err := s.RemoveWall(w.Hash, "satu", now); !errors.Is(err, staff.ErrNotFound) || s.Failing() != nil {
		t.Errorf("removing nothing: %v, %v", err, s.Failing())
	}
	if all, err := s.Walls(); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if err := s.AddWall(w); err != nil {
		t.Fatal(err)
	}
	s.Close()
	raw, err := os.ReadFile(filepath.Join(dir, "agent.db"))
	if err != nil || bytes.Contains(raw, []byte(secret)) {
		t.Errorf("the secret is on disk (%v)", err)
	}
	s = opened(t, dir)
	got, err := s.Wall(staff.HashWall(secret))
	if err != nil || got.Site != "ranta" || got.Name != "Aulan näyttö" || got.By != "satu" {
		t.Errorf("%+v, %v", got, err)
	}
	if all, err := s.Walls(); len(all) != 1 || err != nil || all[0].ID() != w.ID() {
		t.Errorf("%v, %v", all, err)
	}
	if err := s.RemoveWall(w.Hash, "kai", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wall(w.Hash); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("after it is gone: %v", err)
	}
	entries, err := s.Entries("", 10)
	if err != nil || len(entries) != 2 || entries[0].Action != "wall_removed" || entries[0].Who != "kai" || entries[1].Action != "wall_added" || entries[1].Detail != "Aulan näyttö" {
		t.Errorf("audit %+v, %v", entries, err)
	}
}
