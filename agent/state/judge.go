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
	Build     string      // that the kiosk runs; empty if it never said
	Starts    []time.Time // when the kiosk's program was seen to start anew, newest last; not all there ever were
	Around    Around
}

// Around is what is so around a kiosk. The zero value: always open, and nothing
// is wrong but with kiosks themselves.
type Around struct {
	Closed bool      // outside opening hours
	Turned time.Time // when the site opened or closed; zero if it was always so
	Next   time.Time // when it does that next; zero if it never does
	Silent time.Time // since when most of the site's machines are lost; zero if they are not
	Blind  time.Time // since when the agent itself is cut off; zero if it is not
	Build  string    // that the site's machines should run; empty: any
}

// Place is how a site is to be watched.
type Place struct {
	Hours *fleet.Hours   // nil: always open
	Zone  *time.Location // of the hours; nil: UTC
	Grace time.Duration  // how long a fault lasts before people are told who do not look at the dashboard
	Build string         // that its machines should run; empty: any
}

// Proof is where a kiosk stands with its wipe proofs.
type Proof struct {
	Newest  *fleet.ProofSummary // the newest that was received and verified
	Invalid time.Time           // since when a proof is in doubt; zero if none is
}

// Verdict is what a Judge concludes.
type Verdict struct {
	Status fleet.Status
	Open   []Fault   // all that is or lately was wrong, also what is too fresh to show; given to the next judgement
	Shown  []Fault   // what people should see, worst first
	Folded []Fault   // what a shown one explains
	Next   time.Time // when to judge again although nothing happened; zero for never
}

// Judge decides what the facts mean. open is Verdict.Open of the judgement
// before. Implemented by agent/watch.
type Judge func(f Facts, open []Fault) Verdict

// Outlook decides what is so around kiosks. Implemented by agent/watch.
type Outlook interface {
	// Hours says whether a place is closed, since when, and until when that
	// holds. A zero time is none.
	Hours(p Place, now time.Time) (closed bool, turned, next time.Time)
	// Silent says since when a site as a whole is silent. lost are the times at
	// which each machine that is lost was lost, in any order; here is how many
	// are not lost; before is the answer of the time before.
	Silent(now time.Time, lost []time.Time, here int, before time.Time) time.Time
	// Blind says since when the agent cannot see, in the same way, over all
	// machines; cut says that the agent's own way to the network is cut.
	Blind(now time.Time, lost []time.Time, here int, cut bool, before time.Time) time.Time
	// Site decides what people should see of a site as a whole.
	Site(now time.Time, around Around, open []Fault) Verdict
}
