package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

func accounts(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	a := staff.Account{Name: "satu", Shown: "Satu", Grants: []staff.Grant{{Role: staff.Staff, Site: "ranta"}, {Role: staff.Admin, Site: "tori"}},
		Mail: "satu@example.fi", Subject: "https://login.example.fi 7", Language: "sv", CodeHash: []byte{1}, CodeExpires: noon(),
		Factor: staff.Factor{Secret: []byte{2}, Step: 3, Salt: []byte{4}, Recovery: [][]byte{{5}, {6}}}, Created: noon()}
	must(t, e.AddAccount(a))
	if err := e.AddAccount(a); !errors.Is(err, staff.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	no := errors.New("no")
	if err := e.ChangeAccount("satu", func(a *staff.Account) error { a.Disabled = true; return no }); err != no {
		t.Errorf("an error of change came back as %v", err)
	}
	e = k.again(t, e, dir)
	if got, err := e.Account("satu"); err != nil || fmt.Sprint(got) != fmt.Sprint(a) {
		t.Errorf("%+v, want %+v (%v)", got, a, err)
	}
	var all sync.WaitGroup
	for range 20 { // changes that meet are all carried out
		all.Go(func() {
			if err := e.ChangeAccount("satu", func(a *staff.Account) error { a.Epoch++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, _ := e.Account("satu"); got.Epoch != 20 {
		t.Errorf("20 changes made %d", got.Epoch)
	}
	must(t, e.AddAccount(staff.Account{Name: "arto", Created: noon()}))
	if got, err := e.Accounts(); err != nil || len(got) != 2 || got[0].Name != "arto" {
		t.Errorf("%+v %v", got, err)
	}
	for _, err := range []error{e.ChangeAccount("pekka", func(*staff.Account) error { return nil }), e.DeleteAccount("pekka")} {
		if !errors.Is(err, staff.ErrNotFound) {
			t.Error(err)
		}
	}
	must(t, e.DeleteAccount("satu"))
	if a, err := e.Account("satu"); !errors.Is(err, staff.ErrNotFound) || a.Name != "" {
		t.Errorf("%+v %v", a, err)
	}
}

func tokens(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	for i, name := range []string{"b", "a"} {
		must(t, e.AddToken(staff.Token{Hash: []byte{byte(i)}, Name: name, Grants: staff.At(staff.Viewer, "ranta"), Created: noon()}))
	}
	for _, taken := range []staff.Token{{Hash: []byte{9}, Name: "a"}, {Hash: []byte{1}, Name: "c"}} {
		if err := e.AddToken(taken); !errors.Is(err, staff.ErrExists) {
			t.Errorf("%+v: %v", taken, err)
		}
	}
	e = k.again(t, e, dir)
	if all, _ := e.Tokens(); len(all) != 2 || all[0].Name != "a" {
		t.Errorf("%+v", all)
	}
	must(t, e.DeleteToken("a"))
	if _, err := e.Token([]byte{1}); !errors.Is(err, staff.ErrNotFound) {
		t.Error(err)
	}
	if tok, err := e.Token([]byte{0}); err != nil || tok.Name != "b" || fmt.Sprint(tok.Grants) != "[{viewer ranta}]" {
		t.Errorf("%+v %v", tok, err)
	}
}

func sessions(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	now := noon()
	web := func() staff.Sessions { return k.Sessions(e, func() time.Time { return now }) }
	must(t, web().Commit("token", []byte("data"), noon().Add(time.Hour)))
	e = k.again(t, e, dir)
	if data, found, err := web().Find("token"); err != nil || !found || string(data) != "data" {
		t.Errorf("%q %v %v", data, found, err)
	}
	now = noon().Add(time.Hour)
	if _, found, _ := web().Find("token"); found {
		t.Error("found after its end")
	}
	must(t, web().Delete("token"))
	must(t, web().Delete("token"))
	now = noon()
	if _, found, _ := web().Find("token"); found {
		t.Error("found after it was deleted")
	}
}

func audited(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	for i := range 5 {
		must(t, e.AppendAudit(staff.Entry{At: noon().Add(time.Duration(i) * 13 * time.Hour), Who: "satu", Action: "signed_in",
			Kiosk: []fleet.KioskID{one, two}[i%2], Detail: fmt.Sprint(i)}))
	}
	e = k.again(t, e, dir)
	got, err := e.Entries("", 3)
	if err != nil || len(got) != 3 || got[0].Detail != "4" || got[2].Detail != "2" {
		t.Errorf("%+v %v", got, err)
	}
	if got, _ := e.Entries(two, 10); len(got) != 2 || got[0].Detail != "3" || got[1].Detail != "1" {
		t.Errorf("%+v", got)
	}
}

// What is old goes, and nothing else does.
func retention(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	code := identity.HashCode("0000-0000-0000")
	must(t, e.PutCode(store.Code{Hash: code, Site: "ranta", Name: "Kone", Uses: 1, Expires: noon()}, "console", noon()))
	must(t, e.AppendAudit(staff.Entry{At: noon().AddDate(-3, 0, 0), Who: "satu", Action: "signed_in"}))
	must(t, e.AppendAudit(staff.Entry{At: noon().AddDate(-1, 0, 0), Who: "satu", Action: "signed_in"}))
	must(t, e.PutOrder("satu", order(one, "00000000000000c1"), "ranta", noon()))
	web := k.Sessions(e, func() time.Time { return noon().Add(-time.Hour) }) // would still find it, were it there
	must(t, web.Commit("old", []byte("x"), noon().Add(-time.Second)))
	must(t, web.Commit("new", []byte("y"), noon().Add(48*time.Hour)))
	use := gate.Use{CodeHash: code, PublicKey: make([]byte, 32), At: noon().Add(time.Hour), NewID: one}
	must(t, e.Tidy(noon().Add(30*time.Minute)))
	if left, _ := e.Orders(one, noon()); len(left) != 1 {
		t.Error("an order went before its time")
	}
	if _, _, err := e.Enrol(use); !errors.Is(err, gate.ErrCodeExpired) {
		t.Errorf("a code that is just too old: %v", err)
	}
	must(t, e.Tidy(noon().Add(25*time.Hour)))
	e = k.again(t, e, dir)
	if _, _, err := e.Enrol(use); !errors.Is(err, gate.ErrCodeUnknown) {
		t.Errorf("a code of yesterday: %v", err)
	}
	if left, _ := e.Orders(one, noon()); len(left) != 0 {
		t.Errorf("an order stayed: %+v", left)
	}
	if got, _ := e.Entries("", 10); len(got) != 4 { // a code, a command, that nobody answered it, a year ago
		t.Errorf("%+v", got)
	}
	web = k.Sessions(e, func() time.Time { return noon().Add(-time.Hour) })
	if _, found, _ := web.Find("old"); found {
		t.Error("a session stayed")
	}
	if _, found, _ := web.Find("new"); !found {
		t.Error("a session went before its time")
	}
}

// A refusal says nothing about the disk.
func refusals(t *testing.T, k Kind) {
	e := k.open(t, t.TempDir())
	if _, _, err := e.Enrol(gate.Use{CodeHash: make([]byte, 32)}); err == nil {
		t.Error("an unknown code was taken")
	}
	if err := e.DeleteAccount("nobody"); err == nil {
		t.Error("nobody was deleted")
	}
	if e.Failing() != nil {
		t.Error("a refusal counts as a failing disk")
	}
}
