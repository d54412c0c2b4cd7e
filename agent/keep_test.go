package main

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// keeping is an agent with a store and a board, and nothing else.
func keeping(t *testing.T) *agent {
	t.Helper()
	st, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	c, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	return &agent{store: st, config: c, board: state.NewBoard(watch.Judge).With(watch.Outlook{})}
}

// A fault becomes an incident when it is over: once, with its whole length when
// it came and went, and not when something wider took its place.
func TestIncidentsAreKept(t *testing.T) {
	a := keeping(t)
	now := time.Now()
	kiosk := fleet.Kiosk{ID: "kaaaaaaaaaaaa", Site: "ranta", Name: "Kone 1", Enrolled: now.Add(-time.Hour)}
	a.board.Put(state.Known{Kiosk: kiosk, SiteName: "Ranta"})
	open := map[fleet.KioskID][]state.Fault{}
	record := func() {
		t.Helper()
		now = now.Add(10 * time.Second)
		if err := a.recordFaults(now, open, map[fleet.KioskID]bool{kiosk.ID: true, store.Whole("ranta"): true}); err != nil {
			t.Fatal(err)
		}
	}
	said := func() (out []string) {
		all, err := a.store.Incidents("ranta", "", now.Add(-24*time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			out = append(out, fmt.Sprintf("%s %s", i.Kiosk, i.Fault.Code))
		}
		return out
	}
	record()
	if len(open[kiosk.ID]) != 1 || len(said()) != 0 {
		t.Fatalf("never connected: open %v, over %q", open, said())
	}
	a.board.Report(kiosk.ID, a.board.Connected(kiosk.ID), fleet.Report{At: now, State: fleet.Ready})
	record()
	record()
	if got := fmt.Sprint(said()); got != "[kaaaaaaaaaaaa no_connection]" {
		t.Errorf("connected: %s", got)
	}
	if left, err := a.store.OpenFaults(kiosk.ID); err != nil || len(left) != 0 {
		t.Errorf("still open on disk: %v, %v", left, err)
	}

	lost := state.Fault{Code: fleet.NoConnection, Since: now, First: now, Times: 1}
	gone := now.Add(-time.Minute)
	flapped := state.Fault{Code: fleet.TooHot, Since: now, First: now.Add(-time.Hour), Times: 3, Away: gone}
	d := difference(kiosk.ID, []state.Fault{lost, flapped}, []state.Fault{lost}, now)
	if len(d) != 1 || d[0].Open || !d[0].At.Equal(gone) {
		t.Errorf("what came and went: %+v", d)
	}
}

// What machines did is appended every five minutes and at the end, and waits
// for a disk that does not take it.
func TestServedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := keeping(t)
		kiosk := fleet.Kiosk{ID: "kaaaaaaaaaaaa", Site: "ranta", Name: "Kone 1", Enrolled: time.Now()}
		a.board.Put(state.Known{Kiosk: kiosk, SiteName: "Ranta"})
		a.board.Report(kiosk.ID, a.board.Connected(kiosk.ID), fleet.Report{State: fleet.Ready})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.keepServed(ctx) }()
		works := func() time.Duration {
			days, err := a.store.Served("1999-01-01", kiosk.ID)
			if err != nil {
				t.Fatal(err)
			}
			sum := state.Served{}
			for _, d := range days {
				sum = sum.Add(d[kiosk.ID])
			}
			return sum.Works
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if got := works(); got != 0 {
			t.Errorf("after four minutes: %v", got)
		}
		time.Sleep(7 * time.Minute)
		synctest.Wait()
		if got := works(); got != 10*time.Minute {
			t.Errorf("after eleven minutes: %v", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := works(); got != 11*time.Minute {
			t.Errorf("at the end: %v", got)
		}
	})
}
