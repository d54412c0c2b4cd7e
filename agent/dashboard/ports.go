package dashboard

import (
	"context"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Fleet is "now". Implemented by agent/state.
type Fleet interface {
	// Views returns every kiosk, ordered by site name, then kiosk name.
	Views() []state.View
	View(fleet.KioskID) (state.View, bool)
	// Subscribe returns changes until the context ends. A subscriber that
	// does not keep up misses changes, and then receives one with an empty
	// kiosk: look at everything anew.
	Subscribe(context.Context) <-chan state.Change
}

// Actions are what staff can do. Implemented by agent's run over gate and
// store. Each is written to the audit before it is carried out.
type Actions interface {
	// Answer answers an open help call of the kiosk; ErrNoCall if there is none.
	Answer(ctx context.Context, who string, kiosk fleet.KioskID, call string, answer fleet.HelpAnswer) error
	// Command sends a command to the kiosk, now or as soon as it is back, and
	// returns its identifier.
	Command(ctx context.Context, who string, kiosk fleet.KioskID, c fleet.Command) (string, error)
}

// Audit is what staff did. Implemented by agent/store.
type Audit interface {
	// Entries returns the newest entries first, at most n, of one kiosk or of
	// all ("").
	Entries(kiosk fleet.KioskID, n int) ([]AuditEntry, error)
}

// AuditEntry is one action of one person.
type AuditEntry struct {
	At     time.Time
	Who    string // account name, or "console"
	Action string // a fixed word, for example "help_answered", "command", "enrolled", "signed_in"
	Kiosk  fleet.KioskID
	Site   fleet.SiteID
	Detail string // a fixed word or an identifier; never text of a client
}

// Texts says what a fault means and what to do, in a language. Implemented by
// agent/watch.
type Texts interface {
	Fault(lang string, code fleet.Code) (text, todo string)
}
