package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

var (
	_ gate.Store     = (*store.Store)(nil)
	_ staff.Accounts = (*store.Store)(nil)
	_ staff.Tokens   = (*store.Store)(nil)
	_ staff.Audit    = (*store.Store)(nil)
	_ staff.Sessions = store.Web{}
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const one = fleet.KioskID("kaaaaaaaaaaaa")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestBusy(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	if _, err := store.Open(dir, 50*time.Millisecond); !errors.Is(err, store.ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	first.Close()
	open(t, dir)
}

func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "agent.db"), bytes.Repeat([]byte("no"), 20000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir, time.Second); err == nil {
		t.Error("a damaged file was opened")
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "agent.db")); len(text) != 40000 {
		t.Error("a damaged file was changed")
	}
}

// Everything that was kept is there after the store is opened again.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	code := identity.HashCode("0000-0000-0000")
	must(t, s.PutSettings(fleet.DefaultSettings(), nil))
	_, err := s.PutSites(fleet.Site{ID: "ranta", Name: "Ranta"})
	must(t, err)
	must(t, s.PutCode(store.Code{Hash: code, Site: "ranta", Name: "Kone", Notes: "n", Uses: 2, Expires: noon.Add(time.Hour)}, "console", noon))
	k, _, err := s.Enrol(gate.Use{CodeHash: code, PublicKey: bytes.Repeat([]byte{7}, 32), Hardware: "PC", At: noon, NewID: one})
	must(t, err)
	_, err = s.ApplyHelp(fleet.HelpCall{ID: "00000000000000aa", Kiosk: one, At: noon}, 1, "b")
	must(t, err)
	_, err = s.ApplyCounts(one, 2, fleet.Counts{Day: "2026-11-22", Sessions: 4}, time.Now())
	must(t, err)
	must(t, s.PutOrder("satu", gate.Order{Kiosk: one, Command: fleet.Command{ID: "00000000000000c1", Name: fleet.ShowMessage, Text: "hei"},
		Expires: noon.Add(time.Minute)}, "ranta", noon))
	must(t, s.PutSeen(map[fleet.KioskID]time.Time{one: noon}))
	must(t, s.PutFaults([]store.FaultChange{{Kiosk: one, Fault: state.Fault{Code: fleet.DiskFull, Since: noon}, At: noon, Open: true}},
		map[fleet.KioskID][]state.Fault{one: {{Code: fleet.DiskFull, Severity: fleet.SeverityWarning, Since: noon}}}))
	must(t, s.SetAddress("https://agent.example"))
	must(t, s.Close())

	s = open(t, dir)
	kiosks, err := s.Kiosks()
	must(t, err)
	if len(kiosks) != 1 || fmt.Sprint(kiosks[0]) != fmt.Sprint(k) || kiosks[0].Name != "Kone 1" || kiosks[0].Notes != "n" {
		t.Errorf("%+v, want %+v", kiosks, k)
	}
	if n, _ := s.Applied(one); n != 2 {
		t.Errorf("applied %d", n)
	}
	if c, boot, ok, _ := s.Help(one); !ok || boot != "b" || !c.At.Equal(noon) {
		t.Errorf("%+v", c)
	}
	if os, _ := s.Orders(one, noon); len(os) != 1 || os[0].Command.Text != "hei" {
		t.Errorf("%+v", os)
	}
	if os, _ := s.Orders(one, noon.Add(time.Minute)); len(os) != 0 {
		t.Errorf("an expired order waits: %+v", os)
	}
	if seen, _ := s.Seen(); !seen[one].Equal(noon) {
		t.Errorf("%v", seen)
	}
	if f, _ := s.OpenFaults(one); len(f) != 1 || f[0].Code != fleet.DiskFull || !f[0].Since.Equal(noon) {
		t.Errorf("%+v", f)
	}
	if a, _ := s.Address(); a != "https://agent.example" {
		t.Error(a)
	}
	entries, err := s.Entries(one, 10)
	must(t, err)
	if len(entries) != 2 || entries[0].Action != "command" || entries[1].Action != "enrolled" {
		t.Errorf("%+v", entries)
	}
	if set, _ := s.Settings(kiosks[0]); set.SiteName != "Ranta" || set.KioskName != "Kone 1" || set.Idle != fleet.DefaultSettings().Idle || set.Notice != 15*time.Minute || set.Mode != fleet.Open {
		t.Errorf("%+v", set)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
