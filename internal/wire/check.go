package wire

import (
	"time"

	"yhteiskone/internal/fleet"
)

// KiosksPath is where the agent's API has its kiosks. Beside what DESIGN names
// there are, for a bearer token:
//
// POST KiosksPath/ID/check, for technicians: has the machine checked, answers
// 202 and a CheckOrdered.
//
// GET KiosksPath/ID/sheet?command=ID, for staff: a SheetAnswer. Accept-Language
// says in which words.
const KiosksPath = "/api/v1/kiosks"

// CheckOrdered says under which identifier a check was ordered.
type CheckOrdered struct {
	Command   string `json:"command"`
	Connected bool   `json:"connected"` // the kiosk is there now
}

// CheckState is what became of a check.
type CheckState string

// What may become of it.
const (
	CheckWaiting CheckState = "waiting" // for the kiosk, or for its session's end
	CheckMade    CheckState = "made"    // Sheet is its sheet
	CheckFailed  CheckState = "failed"  // Why says why, in a Result's words
	CheckRefused CheckState = "refused" // its sheet was not signed by the kiosk
	CheckGone    CheckState = "gone"    // too old, or another has come since
)

// SheetAnswer is the newest acceptance sheet of a kiosk.
type SheetAnswer struct {
	Kiosk     fleet.KioskID `json:"kiosk"`
	Name      string        `json:"name"`
	Site      fleet.SiteID  `json:"site"`
	Place     string        `json:"place,omitempty"`
	Connected bool          `json:"connected"`
	Check     CheckState    `json:"check,omitempty"` // of the command that was asked about
	Why       string        `json:"why,omitempty"`
	Sheet     *SheetShown   `json:"sheet"`  // null before the first
	Result    *SheetVerdict `json:"result"` // the same
}

// SheetShown is a sheet with words. Signed is what the kiosk signed, byte for
// byte as proof.CanonicalSheet says, with the kiosk's identifier.
type SheetShown struct {
	Signed      SheetBody   `json:"signed"`
	PublicKey   []byte      `json:"public_key"`
	Fingerprint string      `json:"fingerprint"`
	Who         string      `json:"who"`
	Received    time.Time   `json:"received"`
	Rows        []SheetLine `json:"rows"` // as they count
}

// SheetLine is one row as it counts.
type SheetLine struct {
	Code    string     `json:"code"`
	Mark    fleet.Mark `json:"mark"`
	Value   string     `json:"value,omitempty"`
	Name    string     `json:"name"`
	Todo    string     `json:"todo,omitempty"`
	TriedBy string     `json:"tried_by,omitempty"`
	TriedAt *time.Time `json:"tried_at,omitempty"`
}

// SheetVerdict is what a sheet comes to.
type SheetVerdict struct {
	Accepted   bool       `json:"accepted"` // nothing is left to mend
	Whole      bool       `json:"whole"`    // and nothing to try by hand
	WipeProved bool       `json:"wipe_proved"`
	Ways       SheetTally `json:"ways"`
	Rest       SheetTally `json:"rest"`
	Text       string     `json:"text"`
	More       []string   `json:"more"`
}

// SheetTally is fleet.Tally, and how many ways out people have tried.
type SheetTally struct {
	All     int `json:"all"`
	Here    int `json:"here"`
	Build   int `json:"build"`
	Hand    int `json:"hand"`
	Tried   int `json:"tried"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
}
