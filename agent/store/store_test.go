package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
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
	must(t, s.PutCode(store.Code{Hash: code, Site: "ranta", Name: "Kone", Uses: 2, Expires: noon.Add(time.Hour)}, "console", noon))
	k, _, err := s.Enrol(gate.Use{CodeHash: code, PublicKey: bytes.Repeat([]byte{7}, 32), Hardware: "PC", At: noon, NewID: one})
	must(t, err)
	_, err = s.ApplyHelp(fleet.HelpCall{ID: "00000000000000aa", Kiosk: one, At: noon}, 1, "b")
	must(t, err)
	_, err = s.ApplyCounts(one, 2, fleet.Counts{Day: "2026-11-22", Sessions: 4})
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
	if len(kiosks) != 1 || fmt.Sprint(kiosks[0]) != fmt.Sprint(k) || kiosks[0].Name != "Kone 1" {
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

// A number is applied once, in whatever order numbers arrive.
func TestApplyOnce(t *testing.T) {
	s := open(t, t.TempDir())
	for i, c := range []struct {
		seq     uint64
		fresh   bool
		applied uint64
	}{{1, true, 1}, {1, false, 1}, {5, true, 5}, {3, false, 5}, {6, true, 6}, {5, false, 6}} {
		fresh, err := s.ApplyCounts(one, c.seq, fleet.Counts{Day: "2026-11-22", Sessions: uint32(c.seq)})
		must(t, err)
		n, _ := s.Applied(one)
		if fresh != c.fresh || n != c.applied {
			t.Errorf("step %d: fresh %v, applied %d; want %+v", i, fresh, n, c)
		}
	}
}

// Two connections of one kiosk may bring the same message at the same time.
func TestApplyTogether(t *testing.T) {
	s := open(t, t.TempDir())
	var fresh atomic.Int32
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			ok, err := s.ApplyCounts(one, 1, fleet.Counts{Day: "2026-11-22"})
			if err != nil {
				t.Error(err)
			}
			if ok {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 {
		t.Errorf("applied %d times", fresh.Load())
	}
}

// A result takes exactly its own order from the list, once.
func TestResult(t *testing.T) {
	s := open(t, t.TempDir())
	for i, id := range []string{"00000000000000c1", "00000000000000c2"} {
		must(t, s.PutOrder("satu", gate.Order{Kiosk: one, Command: fleet.Command{ID: id, Name: fleet.Identify},
			Expires: noon.Add(time.Minute)}, "ranta", noon.Add(time.Duration(i))))
	}
	o, found, fresh, err := s.ApplyResult(one, 1, fleet.Result{Command: "00000000000000c2", OK: true})
	if err != nil || !found || !fresh || o.Command.Name != fleet.Identify {
		t.Errorf("%+v %v %v %v", o, found, fresh, err)
	}
	if _, found, fresh, _ := s.ApplyResult(one, 2, fleet.Result{Command: "00000000000000c2"}); found || !fresh {
		t.Error("an order answered twice")
	}
	if left, _ := s.Orders(one, noon); len(left) != 1 || left[0].Command.ID != "00000000000000c1" {
		t.Errorf("%+v", left)
	}
}

// reply is an answer of Satu's.
func reply(a fleet.HelpAnswer) store.HelpReply {
	return store.HelpReply{By: "satu", Who: "Satu V.", Answer: a, Minutes: 5, At: noon}
}

func TestAnswer(t *testing.T) {
	s := open(t, t.TempDir())
	const call = "00000000000000aa"
	_, err := s.ApplyHelp(fleet.HelpCall{ID: call, Kiosk: one, At: noon}, 1, "b")
	must(t, err)
	if _, err := s.AnswerHelp(one, "ranta", "00000000000000bb", reply(fleet.Coming)); !errors.Is(err, store.ErrNoCall) {
		t.Errorf("another call: %v", err)
	}
	if s.Failing() != nil {
		t.Error("a refusal counts as a failing disk")
	}
	c, err := s.AnswerHelp(one, "ranta", call, reply(fleet.Coming))
	if err != nil || c.Answer != fleet.Coming || c.AnsweredBy != "satu" || c.Who != "Satu V." || c.Minutes != 5 {
		t.Errorf("%+v %v", c, err)
	}
	if kept, _, _, _ := s.Help(one); kept.Who != "Satu V." || kept.Minutes != 5 {
		t.Errorf("kept is %+v", kept)
	}
	_, err = s.AnswerHelp(one, "ranta", call, reply(fleet.Done))
	must(t, err)
	if _, _, found, _ := s.Help(one); found {
		t.Error("still open after it was done")
	}
	if e, _ := s.Entries(one, 1); len(e) != 1 || e[0].Detail != "done" || e[0].Who != "satu" {
		t.Errorf("%+v", e)
	}
}

func TestTidy(t *testing.T) {
	s := open(t, t.TempDir())
	hash := identity.HashCode("0000-0000-0000")
	must(t, s.PutCode(store.Code{Hash: hash, Site: "ranta", Name: "Kone", Uses: 1, Expires: noon}, "console", noon))
	must(t, s.AppendAudit(staff.Entry{At: noon.AddDate(-3, 0, 0), Who: "satu", Action: "signed_in"}))
	web := s.Web(func() time.Time { return noon })
	must(t, web.Commit("old", []byte("x"), noon.Add(-time.Second)))
	must(t, web.Commit("new", []byte("y"), noon.Add(time.Hour)))
	must(t, s.PutOrder("satu", gate.Order{Kiosk: one, Command: fleet.Command{ID: "00000000000000c1", Name: fleet.Identify}, Expires: noon}, "ranta", noon))
	use := gate.Use{CodeHash: hash, PublicKey: make([]byte, 32), At: noon.Add(time.Hour), NewID: one}
	must(t, s.Tidy(noon.Add(time.Hour)))
	if _, _, err := s.Enrol(use); !errors.Is(err, gate.ErrCodeExpired) {
		t.Errorf("a code that is just too old: %v", err)
	}
	must(t, s.Tidy(noon.Add(25*time.Hour)))
	if _, _, err := s.Enrol(use); !errors.Is(err, gate.ErrCodeUnknown) {
		t.Errorf("a code of yesterday: %v", err)
	}
	if e, _ := s.Entries("", 10); len(e) != 2 {
		t.Errorf("%+v", e)
	}
	if _, found, _ := web.Find("old"); found {
		t.Error("an expired session was found")
	}
	if data, found, _ := s.Web(func() time.Time { return noon }).Find("new"); found && string(data) != "y" {
		t.Errorf("%q", data)
	}
}

func TestAccounts(t *testing.T) {
	s := open(t, t.TempDir())
	a := staff.Account{Name: "satu", Shown: "Satu", Role: staff.Staff, CodeHash: []byte{1}, CodeExpires: noon, Created: noon}
	must(t, s.AddAccount(a))
	if err := s.AddAccount(a); !errors.Is(err, staff.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if got, err := s.Account("satu"); err != nil || fmt.Sprint(got) != fmt.Sprint(a) {
		t.Errorf("%+v, want %+v", got, a)
	}
	no := errors.New("no")
	if err := s.ChangeAccount("satu", func(a *staff.Account) error { a.Disabled = true; return no }); err != no {
		t.Errorf("an error of change came back as %v", err)
	}
	if got, _ := s.Account("satu"); got.Disabled {
		t.Error("a change that failed was kept")
	}
	must(t, s.ChangeAccount("satu", func(a *staff.Account) error { a.Epoch++; return nil }))
	if got, _ := s.Account("satu"); got.Epoch != 1 {
		t.Errorf("%+v", got)
	}
	if err := s.ChangeAccount("pekka", func(*staff.Account) error { return nil }); !errors.Is(err, staff.ErrNotFound) {
		t.Error(err)
	}
	must(t, s.DeleteAccount("satu"))
	if _, err := s.Account("satu"); !errors.Is(err, staff.ErrNotFound) {
		t.Error(err)
	}
	for i, name := range []string{"b", "a"} {
		must(t, s.AddToken(staff.Token{Hash: []byte{byte(i)}, Name: name, Role: staff.Viewer, Created: noon}))
	}
	if err := s.AddToken(staff.Token{Hash: []byte{9}, Name: "a"}); !errors.Is(err, staff.ErrExists) {
		t.Error(err)
	}
	if all, _ := s.Tokens(); len(all) != 2 || all[0].Name != "a" {
		t.Errorf("%+v", all)
	}
	must(t, s.DeleteToken("a"))
	if _, err := s.Token([]byte{1}); !errors.Is(err, staff.ErrNotFound) {
		t.Error(err)
	}
	if tok, err := s.Token([]byte{0}); err != nil || tok.Name != "b" {
		t.Errorf("%+v %v", tok, err)
	}
}
