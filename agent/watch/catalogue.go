package watch

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Row is one fault as data: all that the agent knows of it. The rows stand in
// around_table.go, serving_table.go and noted_table.go.
type Row struct {
	Code     fleet.Code
	Severity fleet.Severity
	Under    []fleet.Code  // explained by any of these, if they are shown and at least as bad
	After    time.Duration // how long it must last before people see it
	Said     bool          // rests on the newest report: of a silent machine it is not known
	Steady   bool          // coming again is no news in itself: it is never said to come and go
	Told     Told
	To       Audience

	present    func(*state.Facts) bool
	since      func(*state.Facts) time.Time // nil: since it was first noticed
	fi, sv, en words
}

// words is one fault in one language: one plain sentence, one thing to do.
type words struct{ text, todo string }

// Told says when people hear of a fault who do not look at the dashboard.
type Told int

// Once the site's grace time is over; but of what can wait until somebody is
// there, not while the site is closed.
const (
	Never Told = iota
	WhenOpen
	AtOnce // without grace, by day and by night
)

// Audience says who can do something about a fault.
type Audience int

// The audiences.
const (
	ForStaff Audience = iota
	ForTechnician
	Everybody
)

// catalogue is made once: it is asked for every report.
var catalogue = sync.OnceValue(func() []Row { return slices.Concat(trust(), silence(), serving(), noted()) })

// Catalogue lists every fault. A cause comes before what it explains, and
// within a severity the more urgent one first.
func Catalogue() []Row { return slices.Clone(catalogue()) }

// RowOf returns the row of a fault. One that this agent does not know, from a
// newer kiosk, has a row that says so.
func RowOf(code fleet.Code) Row {
	for _, r := range catalogue() {
		if r.Code == code {
			return r
		}
	}
	return unknown(code)
}

func unknown(code fleet.Code) Row {
	more := " (" + string(code) + ")"
	return Row{Code: code, Severity: fleet.SeverityWarning, Said: true, Told: WhenOpen, To: ForTechnician, present: reported(code),
		fi: words{"Koneessa on vika" + more + ".", "Kerro tekniselle tuelle."},
		sv: words{"Datorn har ett fel" + more + ".", "Kontakta den tekniska supporten."},
		en: words{"The machine has a fault" + more + ".", "Tell the technical support."}}
}

// In returns the sentence and the thing to do in the language ("fi", "sv" or
// "en"; any other reads Finnish).
func (r Row) In(lang string) (text, todo string) {
	w := r.fi
	switch lang {
	case "sv":
		w = r.sv
	case "en":
		w = r.en
	}
	return w.text, w.todo
}

// Texts says what a fault means and what to do. Its zero value is ready.
type Texts struct{}

// Fault returns the sentence and the thing to do; see Row.In.
func (Texts) Fault(lang string, code fleet.Code) (text, todo string) { return RowOf(code).In(lang) }

// Flapping says of a fault that comes and goes how often it came, since when;
// and nothing of another one.
func (Texts) Flapping(lang string, f state.Fault, zone *time.Location) string {
	if !f.Flaps() {
		return ""
	}
	at := f.First.In(zone)
	switch lang {
	case "sv":
		return fmt.Sprintf("Felet kommer och går: %d gånger sedan kl. %s.", f.Times, at.Format("15.04"))
	case "en":
		return fmt.Sprintf("This comes and goes: %d times since %s.", f.Times, at.Format("15:04"))
	}
	return fmt.Sprintf("Vika tulee ja menee: %d kertaa klo %s jälkeen.", f.Times, at.Format("15.04"))
}
