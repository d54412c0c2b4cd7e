// Package state holds "now" for every kiosk in memory: who is connected, the
// last report, what is wrong, who calls for help; and tells subscribers what
// changed.
//
// It never touches the disk (agent/store keeps what must survive) and decides
// nothing (agent/watch does).
package state

import (
	"time"

	"yhteiskone/internal/fleet"
)

// View is one kiosk as staff see it now. It is a copy; nobody shares it.
type View struct {
	Kiosk     fleet.Kiosk
	SiteName  string
	Status    fleet.Status
	Since     time.Time // when Status began
	LastSeen  time.Time // zero if never
	Connected bool
	Report    *fleet.Report // the newest; nil before the first since the agent started
	Faults    []Fault       // those that people should see, worst first
	Proof     *fleet.ProofSummary
	Help      *fleet.HelpCall // an open call; nil if none
}

// Fault is one open fault of one kiosk.
type Fault struct {
	Code     fleet.Code
	Severity fleet.Severity
	Since    time.Time
}

// Change says that a kiosk's view changed. Subscribers ask for the view.
type Change struct{ Kiosk fleet.KioskID }
