package gate

import (
	"errors"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Errors with which a Store refuses an enrolment; errors.Is tells them apart.
var (
	ErrCodeUnknown = errors.New("there is no such code")
	ErrCodeUsed    = errors.New("the code was used by another machine")
	ErrCodeExpired = errors.New("the code is too old")
)

// Use is a kiosk's use of an enrolment code.
type Use struct {
	CodeHash  []byte
	PublicKey []byte
	Hardware  string
	At        time.Time
	NewID     fleet.KioskID // the identifier to give, if a new one is needed
}

// Order is a command that waits for its result.
type Order struct {
	Kiosk   fleet.KioskID
	For     fleet.KioskID // the machine that it is about, if that is another: one that is woken
	Command fleet.Command
	Expires time.Time
}

// Store keeps what must survive a restart. Everything that a method says it
// did is durable when it returns. Implemented by agent/store.
type Store interface {
	// Enrol uses a code: it makes a kiosk, or returns the one that was made
	// when the same key used the same code before.
	Enrol(Use) (fleet.Kiosk, fleet.Site, error)

	// Applied is the highest sequence number that was applied for the kiosk.
	Applied(fleet.KioskID) (uint64, error)

	// The Apply methods carry out one numbered message and move the applied
	// number on, in one transaction. A number that is not higher than the
	// applied one was carried out before: fresh is false and nothing changes.

	// ApplyProof takes in a proof; signed says whether its signature is the
	// kiosk's. It returns where the kiosk then stands.
	ApplyProof(id fleet.KioskID, seq uint64, p fleet.WipeProof, signed bool, at time.Time) (now state.Proof, fresh bool, err error)
	ApplyCounts(id fleet.KioskID, seq uint64, c fleet.Counts, at time.Time) (fresh bool, err error)
	// ApplyHelp opens a help call; boot is the run of the kiosk it belongs to.
	ApplyHelp(call fleet.HelpCall, seq uint64, boot string) (fresh bool, err error)
	ApplyHelpOver(id fleet.KioskID, seq uint64, call string) (fresh bool, err error)
	// ApplySheet keeps an acceptance sheet that was asked for; signed says whether
	// its signature is the kiosk's.
	ApplySheet(id fleet.KioskID, seq uint64, s fleet.Sheet, signed bool, at time.Time) (kept, fresh bool, err error)
	// ApplyResult takes the order from the list; found is false if it was not
	// on it any more.
	ApplyResult(id fleet.KioskID, seq uint64, r fleet.Result, at time.Time) (o Order, found, fresh bool, err error)

	// Help returns the open help call of a kiosk, the run it belongs to, and
	// whether there is one.
	Help(fleet.KioskID) (call fleet.HelpCall, boot string, found bool, err error)
	// DropHelp closes the call without the kiosk's word.
	DropHelp(id fleet.KioskID, call string) error

	// Orders returns the kiosk's orders that wait and have not expired, oldest
	// first.
	Orders(id fleet.KioskID, now time.Time) ([]Order, error)
	// Settings returns the settings of a kiosk, with the names to show.
	Settings(fleet.Kiosk) (fleet.Settings, error)
}

// Presence is "now". Implemented by agent/state.
type Presence interface {
	Put(state.Known)
	Kiosk(fleet.KioskID) (fleet.Kiosk, bool)
	Connected(fleet.KioskID) (epoch uint64)
	// Runs says which run of the kiosk's program made that connection, and
	// which build it is.
	Runs(id fleet.KioskID, epoch uint64, boot, build string)
	Gone(id fleet.KioskID, epoch uint64)
	Report(id fleet.KioskID, epoch uint64, r fleet.Report)
	Proof(fleet.KioskID, state.Proof)
	Help(fleet.HelpCall)
	HelpOver(id fleet.KioskID, call string)
}

// Signer is the agent's identity. Implemented by identity.Agent.
type Signer interface {
	Sign(message []byte) ([]byte, error)
}
