package dashboard

import (
	"context"
	"errors"
	"time"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Fleet is "now". Implemented by agent/state.
type Fleet interface {
	// Views returns every kiosk, ordered by site name, then kiosk name.
	Views() []state.View
	View(fleet.KioskID) (state.View, bool)
	// Sites returns every site, ordered by name.
	Sites() []state.Site
	Site(fleet.SiteID) (state.Site, bool)
	// Subscribe returns changes until the context ends. A subscriber that
	// does not keep up misses changes, and then receives one with an empty
	// kiosk: look at everything anew.
	Subscribe(context.Context) <-chan state.Change
}

// History is what was. Implemented by agent/store.
type History interface {
	// Incidents returns what was wrong and is over, at a kiosk or, with an
	// empty one, at the site and all its kiosks; the newest first, at most n,
	// of those that ended at or after from.
	Incidents(site fleet.SiteID, kiosk fleet.KioskID, from time.Time, n int) ([]state.Incident, error)
	// Served returns what kiosks did on each day from that one on, by day
	// (2006-01-02). Days on which none of them did anything are not there.
	Served(from string, kiosks ...fleet.KioskID) (map[string]map[fleet.KioskID]state.Served, error)
}

// ErrNoCall says that a help call is over: it was done, or its session ended.
var ErrNoCall = errors.New("the help call is over")

// ErrNobodyNear says that no machine is there that could wake another of its
// site.
var ErrNobodyNear = errors.New("no other machine of the site is there")

// Reply is an answer to a help call.
type Reply struct {
	Answer  fleet.HelpAnswer
	Minutes int    // with fleet.ComingSoon: in how many; 0 means ten
	Who     string // the name of who answers, as the client may read it
}

// Actions are what staff can do. Implemented by agent's run over gate and
// store. Each is written to the audit before it is carried out.
type Actions interface {
	// Answer answers an open help call of the kiosk; ErrNoCall if there is
	// none. Audited as "help_answered", with the answer as its detail.
	Answer(ctx context.Context, who string, kiosk fleet.KioskID, call string, r Reply) error
	// Command sends a command to the kiosk, now or as soon as it is back, and
	// returns its identifier, which it makes. Audited as "command", with the
	// command's name as its detail. The text of one that takes a machine out
	// of service is a note for people. One that wakes the kiosk goes to another
	// of its site, or is ErrNobodyNear.
	Command(ctx context.Context, who string, kiosk fleet.KioskID, c fleet.Command) (string, error)
	// Waiting lists the commands that the kiosk has not answered yet, oldest
	// first. What it answers is in the audit, as "result_ok" or "result_" and
	// why not.
	Waiting(fleet.KioskID) ([]fleet.Command, error)
	// HelpWeeks are how fast calls were answered in the week of that time and
	// those after it, newest first: sums by site.
	HelpWeeks(since time.Time) ([]HelpWeek, error)
	// Note is why the kiosk was taken out of service; its At is zero if it was
	// not.
	Note(fleet.KioskID) (Note, error)
}

// HelpWeek is how long the calls of one site and week rang until the first
// answer. No call is kept by itself.
type HelpWeek struct {
	Week  string // "2026-48"
	Site  fleet.SiteID
	Calls figures.Calls
}

// Note is why a machine is out of service, for people.
type Note struct {
	Text string // may be empty
	Who  string
	At   time.Time
}

// Audit is what staff did. Implemented by agent/store.
type Audit interface {
	// Entries returns the newest entries first, at most n, of one kiosk or of
	// all ("").
	Entries(kiosk fleet.KioskID, n int) ([]AuditEntry, error)
}

// AuditEntry is one action of one person.
type AuditEntry = staff.Entry

// Texts says what a fault means and what to do, in a language. Implemented by
// agent/watch.
type Texts interface {
	Fault(lang string, code fleet.Code) (text, todo string)
}

// Sheets are the machines' acceptance sheets. Implemented by agent's run over
// store.
type Sheets interface {
	// Sheet is the newest of a kiosk; its At is zero if there is none.
	Sheet(fleet.KioskID) (state.KeptSheet, error)
	// Try keeps that a person tried a way out of that sheet, and that it held;
	// ErrNoSheet if it is not the newest. Audited as "way_tried".
	Try(ctx context.Context, who string, kiosk fleet.KioskID, command string, way int) error
}

// ErrNoSheet says that a machine has no such sheet.
var ErrNoSheet = errors.New("there is no such sheet")

// SheetWords are what stands on an acceptance sheet. Implemented by
// internal/acceptance.
type SheetWords interface {
	Row(lang string, r fleet.SheetRow) (name, todo string)
	Mark(lang string, m fleet.Mark) string
	Part(lang, name string) string
	Result(lang string, s fleet.Sheet, r fleet.SheetResult) (headline string, more []string)
}

// Register is what pages about people need to know of the agent. Implemented
// by agent/store.
type Register interface {
	// Address is where people find the agent: from its configuration, never
	// from what a request claims.
	Address() (string, error)
	// Sites returns every site, ordered by identifier.
	Sites() ([]fleet.Site, error)
}
