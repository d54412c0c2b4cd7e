package main

import (
	"errors"
	"testing"
	"time"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// A machine is woken by one of its own site that is there, and not in use if
// there is such a one; the audit says of which machine it was.
func TestWakeThroughANeighbour(t *testing.T) {
	a, id, _ := staffed(t)
	const mac = "52:54:00:12:34:56"
	a.board.Put(state.Known{Kiosk: fleet.Kiosk{ID: id, Site: "ranta", Name: "Kone 1", WiredMAC: mac}})
	put := func(n fleet.KioskID, site fleet.SiteID, on bool, now fleet.State) {
		a.board.Put(state.Known{Kiosk: fleet.Kiosk{ID: n, Site: site, Name: string(n)}})
		if on {
			a.board.Report(n, a.board.Connected(n), fleet.Report{At: time.Now(), State: now, Since: time.Now()})
		}
	}
	wake := func() error {
		_, err := a.Command(t.Context(), "satu", id, fleet.Command{Name: fleet.Wake, TTL: time.Minute})
		return err
	}
	put("kbbbbbbbbbbbb", "tori", true, fleet.Ready)   // of another site
	put("kcccccccccccc", "ranta", false, fleet.Ready) // off itself
	if err := wake(); !errors.Is(err, dashboard.ErrNobodyNear) {
		t.Fatalf("nobody is near: %v", err)
	}
	if e, _ := a.store.Entries(id, 9); len(e) != 0 {
		t.Errorf("what was not done is in the audit: %+v", e)
	}
	put("kdddddddddddd", "ranta", true, fleet.InUse)
	if err := wake(); err != nil {
		t.Fatal(err)
	}
	put("keeeeeeeeeeee", "ranta", true, fleet.Ready)
	if err := wake(); err != nil {
		t.Fatal(err)
	}
	for near, want := range map[fleet.KioskID]int{id: 0, "kbbbbbbbbbbbb": 0, "kcccccccccccc": 0, "kdddddddddddd": 1, "keeeeeeeeeeee": 1} {
		all, err := a.store.Orders(near, time.Now())
		if err != nil || len(all) != want || want == 1 && (all[0].Command.MAC != mac || all[0].For != id) {
			t.Errorf("%s has the orders %+v, %v", near, all, err)
		}
		if waits, err := a.Waiting(near); err != nil || len(waits) != 0 {
			t.Errorf("%s is said to have not answered %+v, %v", near, waits, err)
		}
	}
	e, err := a.store.Entries(id, 9)
	if err != nil || len(e) != 2 || e[0].Who != "satu" || e[0].Action != "command" || e[0].Detail != "wake" {
		t.Errorf("the audit has %+v, %v", e, err)
	}
	// A machine whose card is not known cannot be woken.
	if _, err := a.Command(t.Context(), "satu", "kcccccccccccc", fleet.Command{Name: fleet.Wake, TTL: time.Minute}); err == nil {
		t.Error("woken without a card")
	}
}

// What a machine said of its card is there when it is off, and after a restart
// of the agent.
func TestWiredCardIsKept(t *testing.T) {
	a, _, _ := staffed(t)
	mac := "52:54:00:12:34:56"
	if err := a.store.PutCode(store.Code{Hash: []byte("code"), Site: "ranta", Name: "Kone 2", Uses: 1, Expires: time.Now().Add(time.Hour)}, "satu", time.Now()); err != nil {
		t.Fatal(err)
	}
	k, _, err := a.store.Enrol(gate.Use{CodeHash: []byte("code"), PublicKey: make([]byte, 32), At: time.Now(), NewID: "kbbbbbbbbbbbb"})
	if err != nil {
		t.Fatal(err)
	}
	a.board.Put(state.Known{Kiosk: k})
	report := fleet.Report{At: time.Now(), State: fleet.Ready, Since: time.Now(), Health: fleet.Health{WiredMAC: &mac}}
	epoch := a.board.Connected(k.ID)
	a.board.Report(k.ID, epoch, report)
	if err := a.store.PutWired(a.board.Wired()); err != nil {
		t.Fatal(err)
	}
	a.board.Gone(k.ID, epoch)
	if v, _ := a.board.View(k.ID); v.Kiosk.WiredMAC != mac {
		t.Errorf("the board has %+v", v.Kiosk)
	}
	if news := a.board.Wired(); len(news) != 0 {
		t.Errorf("it is news again: %v", news)
	}
	all, err := a.store.Kiosks()
	if err != nil || len(all) != 1 || all[0].WiredMAC != mac || all[0].Name != k.Name {
		t.Errorf("%+v, %v", all, err)
	}
}
