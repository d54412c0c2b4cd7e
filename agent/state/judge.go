package state

import (
	"time"

	"yhteiskone/internal/fleet"
)

// Facts are what is known of one kiosk at one moment: all that a Judge may
// look at.
type Facts struct {
	Now       time.Time
	Connected bool
	LastSeen  time.Time     // zero if never
	Since     time.Time     // when the connection was made, or lost, or the kiosk enrolled
	Report    *fleet.Report // the newest; nil before the first
	ClockOff  time.Duration // how far the kiosk's clock was ahead of ours in that report
	Proof     Proof
	Help      *fleet.HelpCall
}

// Proof is where a kiosk stands with its wipe proofs.
type Proof struct {
	Newest  *fleet.ProofSummary // the newest that was received and verified
	Invalid time.Time           // since when a proof is in doubt; zero if none is
}

// Verdict is what a Judge concludes.
type Verdict struct {
	Status fleet.Status
	Open   []Fault   // all that is wrong, also what is too fresh to show; given to the next judgement
	Shown  []Fault   // what people should see, worst first
	Next   time.Time // when to judge again although nothing happened; zero for never
}

// Judge decides what the facts mean. open is Verdict.Open of the judgement
// before. Implemented by agent/watch.
type Judge func(f Facts, open []Fault) Verdict
