package fleet

import "time"

// HelpCall is a client's press of "I need help". It carries no text and no
// picture, and it lapses with its session.
type HelpCall struct {
	ID         string // 16 hexadecimal digits, made by the kiosk
	Kiosk      KioskID
	At         time.Time // when the agent heard of it
	Answer     HelpAnswer
	Minutes    int    // with ComingSoon: in how many, 1 to 120; 0 means ten
	Who        string // who comes, as clients are told; may be empty
	AnsweredAt time.Time
	AnsweredBy string // staff account name
}

// HelpAnswer is what staff said to a help call.
type HelpAnswer string

// The answers. NoAnswer means that it still rings.
const (
	NoAnswer   HelpAnswer = ""
	Coming     HelpAnswer = "coming"      // "I come at once"
	ComingSoon HelpAnswer = "coming_soon" // "I come in ten minutes"
	CannotCome HelpAnswer = "cannot_come"
	Done       HelpAnswer = "done" // staff have been there
)

// Valid reports whether a is an answer that staff can give.
func (a HelpAnswer) Valid() bool {
	return a == Coming || a == ComingSoon || a == CannotCome || a == Done
}
