// Package storetest is what every engine under the agent's store must do, as
// one suite of tests: gate, staff and run rely on it and on nothing else. An
// engine calls Run from a test of its own, and Main from its TestMain, because
// the suite kills processes that use the engine.
//
// It never looks into an engine: whatever it wants to know it asks for as the
// agent does.
package storetest

import (
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// Engine is a store as its consumers see it.
type Engine interface {
	gate.Store
	staff.Accounts
	staff.Tokens
	staff.Audit

	PutCode(c store.Code, who string, at time.Time) error
	PutOrder(who string, o gate.Order, site fleet.SiteID, at time.Time) error
	AnswerHelp(id fleet.KioskID, site fleet.SiteID, call string, a store.HelpReply) (fleet.HelpCall, error)
	Proof(fleet.KioskID) (state.Proof, error)
	ClearDoubt(fleet.KioskID) (state.Proof, error)
	Kiosks() ([]fleet.Kiosk, error)
	Sites() ([]fleet.Site, error)
	PutSites(...fleet.Site) (changed bool, err error)
	PutSettings(all fleet.Settings, sites map[fleet.SiteID]fleet.Settings) error
	PutFaults([]store.FaultChange, map[fleet.KioskID][]state.Fault) error
	OpenFaults(fleet.KioskID) ([]state.Fault, error)
	Incidents(site fleet.SiteID, kiosk fleet.KioskID, from time.Time, n int) ([]state.Incident, error)
	PutServed(day string, served map[fleet.KioskID]state.Served) error
	FoldServed(today string) error
	Served(from string, kiosks ...fleet.KioskID) (map[string]map[fleet.KioskID]state.Served, error)
	PutSeen(map[fleet.KioskID]time.Time) error
	Seen() (map[fleet.KioskID]time.Time, error)
	Entries(kiosk fleet.KioskID, n int) ([]staff.Entry, error)
	Tidy(now time.Time) error
	Failing() error
	Close() error
}

// Kind is one engine.
type Kind struct {
	// Open opens the store of a folder, or makes it. It waits a moment for
	// another process to let go of it.
	Open func(dir string) (Engine, error)
	// Sessions are the web sessions of an engine; now tells which are over.
	Sessions func(e Engine, now func() time.Time) staff.Sessions
}

func (k Kind) open(t *testing.T, dir string) Engine {
	t.Helper()
	e, err := k.Open(dir)
	must(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

// again closes an engine and opens it anew: what is not on the disk is gone.
func (k Kind) again(t *testing.T, e Engine, dir string) Engine {
	t.Helper()
	must(t, e.Close())
	return k.open(t, dir)
}

// Run runs the suite.
func Run(t *testing.T, k Kind) {
	for name, f := range map[string]func(*testing.T, Kind){
		"codes": codes, "numbers": numbers, "together": together, "results": results, "help": help, "proofs": proofs,
		"late": late, "faults": faults, "settings": settings, "accounts": accounts, "tokens": tokens, "sessions": sessions,
		"audit": audited, "retention": retention, "refusals": refusals, "killed": killed,
		"served": served, "served of many": servedOfMany, "incidents": incidents,
	} {
		t.Run(name, func(t *testing.T) { f(t, k) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const one, two = fleet.KioskID("kaaaaaaaaaaaa"), fleet.KioskID("kbbbbbbbbbbbb")

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func order(id fleet.KioskID, command string) gate.Order {
	return gate.Order{Kiosk: id, Command: fleet.Command{ID: command, Name: fleet.Identify}, Expires: noon().Add(time.Hour)}
}
