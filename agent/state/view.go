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
	Build     string        // what it runs: the image's version or, without an image, the program's; empty if it never said
	Report    *fleet.Report // the newest; nil before the first since the agent started
	Faults    []Fault       // those that people should see, worst first
	Folded    []Fault       // those that one of them explains
	Proof     *fleet.ProofSummary
	Help      *fleet.HelpCall // an open call; nil if none
}

// Fault is one fault of one kiosk.
type Fault struct {
	Code     fleet.Code
	Severity fleet.Severity
	Since    time.Time  // when it began, the last time
	First    time.Time  // when it began, the first of these times
	Times    int        // how often it came, with short breaks between; 0 counts as 1
	Away     time.Time  // since when it is not there; zero if it is there
	Under    fleet.Code // the shown fault that explains it; empty if it is shown itself
}

// flaps is how often a fault must come until it is said to come and go.
const flaps = 3

// Flaps reports whether the fault comes and goes.
func (f Fault) Flaps() bool { return f.Times >= flaps }

// Incident is a fault that is over.
type Incident struct {
	Site  fleet.SiteID
	Kiosk fleet.KioskID // empty: of the site as a whole
	Fault Fault
	End   time.Time
}

// Change says that a kiosk's view changed. Subscribers ask for the view.
type Change struct{ Kiosk fleet.KioskID }
