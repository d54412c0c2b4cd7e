// Package fleet holds the words of Yhteiskone: what a site, a kiosk, a report,
// a fault, a status, a wipe proof, a help call, a command and a count are.
//
// It is for every other package to speak the same language. It never reads a
// clock, never does I/O and imports nothing but the standard library.
//
// Caveat: these are meanings, not encodings. What travels between kiosk and
// agent is in wire, what is kept is in agent/store and kiosk/uplink; each of
// those converts at its own border.
package fleet

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// KioskID names one enrolled kiosk: "k" and 12 characters of a-z2-7, given by
// the agent at enrolment and never reused.
type KioskID string

// SiteID names one day centre: 1 to 40 characters of a-z, 0-9 and '-'.
type SiteID string

var (
	kioskIDShape = regexp.MustCompile(`^k[a-z2-7]{12}$`)
	siteIDShape  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
)

// Valid reports whether the identifier has the shape of a kiosk's.
func (id KioskID) Valid() bool { return kioskIDShape.MatchString(string(id)) }

// Valid reports whether the identifier has the shape of a site's.
func (id SiteID) Valid() bool { return siteIDShape.MatchString(string(id)) }

// Site is one day centre.
type Site struct {
	ID   SiteID
	Name string // as people say it, for example "Illusia"
}

// Kiosk is one enrolled machine. Nothing in it is secret.
type Kiosk struct {
	ID        KioskID
	Site      SiteID
	Name      string // as people say it, for example "Kone 3"
	Place     string // where in the house, may be empty
	Notes     string // what a technician wrote of the machine when it was enrolled, may be empty
	PublicKey []byte // Ed25519, 32 bytes
	Hardware  string // what the machine said of itself at enrolment, one line
	Enrolled  time.Time
	WiredMAC  string // what it last said of its wired network card; empty if nothing
}

// NotesLimit is how many characters a technician's notes of a machine may have.
const NotesLimit = 200

// NameLimit is how many characters a name of a site, a kiosk or a place may have.
const NameLimit = 60

// CheckName says in one sentence what is wrong with a name that people gave,
// or returns nil. Control characters are refused because names are printed on
// terminals and labels, and those that turn the direction or that nobody sees,
// because by them a name could look like another.
func CheckName(what, name string) error { return checkLine(what, name, NameLimit) }

// unseen reports whether a character has no width, turns the direction of what
// stands beside it, or begins a new line. The joiners of Persian words are none.
func unseen(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r) || r == 0x200b || r >= 0x2028 && r <= 0x2029 || r == 0x2060 || r == 0xfeff
}

// CheckNotes is CheckName for notes, which may be longer.
func CheckNotes(what, notes string) error { return checkLine(what, notes, NotesLimit) }

func checkLine(what, name string, limit int) error {
	n := 0
	for _, r := range name {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0xfffd || unseen(r) {
			return fmt.Errorf("%s holds a character that cannot be printed", what)
		}
		n++
	}
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("%s is empty", what)
	case n > limit:
		return fmt.Errorf("%s is longer than %d characters", what, limit)
	}
	return nil
}
