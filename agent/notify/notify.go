// Package notify tells people what the dashboard tells them, when they are not
// looking at it: by e-mail and by webhook, in their language, in their hours.
//
// What is to be told is kept on disk (a Store) before anything is sent, and is
// forgotten only when the other end has taken it, so a stop at any moment
// loses nothing. It may be sent twice: every message carries an identifier
// that stays the same, by which a receiver can tell (Message-ID in a mail,
// Idempotency-Key over HTTP). What could not be sent for long enough is given
// up, and the dashboard says so.
//
// It never decides what is wrong (agent/watch does) and never reads a machine.
// It holds nothing of a client: a help call is a machine and a time. It never
// follows a redirect, never shows what a webhook answered, never logs an
// address that it was given, and never connects to this machine or the networks
// around it, unless the configuration names the place.
//
// Caveat: in quiet hours a call for help is not sent at all; in the morning it
// would be of no use.
package notify

import (
	"crypto/x509"
	"log/slog"
	"time"

	"yhteiskone/internal/fleet"
)

// Kind is what an event is.
type Kind string

// The kinds of events.
const (
	FaultOpened Kind = "fault_opened"
	FaultClosed Kind = "fault_closed"
	HelpWaits   Kind = "help_waits" // nobody has answered for as long as the site allows
	HelpOver    Kind = "help_over"  // answered or ended: nobody needs to be told any more
	Test        Kind = "test"
)

// Audience says who can do something about a fault.
type Audience string

// The audiences. Of an event the empty one is everybody, of a target it is
// whatever is told.
const (
	Everybody     Audience = ""
	ForStaff      Audience = "staff"
	ForTechnician Audience = "technician"
)

// Audiences lists them.
func Audiences() []Audience { return []Audience{Everybody, ForStaff, ForTechnician} }

// Event is one thing that people may want to be told of. The one that closes
// has the Incident of the one that opened.
type Event struct {
	Kind     Kind
	Incident string // identifies what began; the same after a restart
	At       time.Time
	Began    time.Time
	Site     fleet.SiteID
	SiteName string
	Also     fleet.SiteID  // another site that is told as well; empty: none
	Kiosk    fleet.KioskID // empty: the whole site
	Name     string        // of the kiosk
	Code     fleet.Code    // of a fault
	Severity fleet.Severity
	To       Audience
}

// help reports whether the event is about a call for help.
func (e Event) help() bool { return e.Kind == HelpWaits || e.Kind == HelpOver }

// Letter is one event for one target, until it goes into a message.
type Letter struct {
	ID     string
	Target string
	Due    time.Time // not before
	Event  Event
}

// Message is what is sent to a target: one or more events.
type Message struct {
	ID     string // the same at every try
	Target string
	Events []Event
	Made   time.Time
	Next   time.Time // of the next try
	Tries  int
	Why    Why // the last failure
}

// Trouble is what could not be told.
type Trouble struct {
	Target string
	At     time.Time
	Lost   int // messages given up since the last one that went out
	Why    Why
}

// Why is a fixed word for what went wrong. What the other end said is never
// kept or shown.
type Why string

// The reasons.
const (
	WhyNone     Why = ""
	WhyAddress  Why = "address"  // an address that the agent does not connect to
	WhyName     Why = "name"     // there is no such host
	WhyTime     Why = "time"     // no answer in time
	WhyTrust    Why = "trust"    // the certificate is not good
	WhyLine     Why = "line"     // no connection
	WhyRefused  Why = "refused"  // the other end said no
	WhyRedirect Why = "redirect" // the other end sent us elsewhere
	WhySignIn   Why = "sign_in"  // the mail server does not accept our name and password
	WhyNoMail   Why = "no_mail"  // no mail server is configured
)

// Reasons lists every Why but the empty one.
func Reasons() []Why {
	return []Why{WhyAddress, WhyName, WhyTime, WhyTrust, WhyLine, WhyRefused, WhyRedirect, WhySignIn, WhyNoMail}
}

// Store keeps what must survive a restart. What a method says it did is
// durable when it returns. Implemented by agent/store.
type Store interface {
	Targets() ([]Target, error)
	// Tell keeps an event that opens or closes something, with its letters, in
	// one transaction. fresh is false, and nothing is kept, when that incident
	// was opened before, or is closed and was never opened. One that closes a
	// call for help takes back the letters of it that wait.
	Tell(e Event, letters []Letter) (fresh bool, err error)
	// Open lists what was opened and not closed, by incident.
	Open() (map[string]Event, error)
	// Letters lists what waits, oldest first.
	Letters() ([]Letter, error)
	// Compose puts letters into a message, in one transaction.
	Compose(m Message, letters []string) error
	// Messages lists those that were not taken yet, oldest first.
	Messages() ([]Message, error)
	// Retry keeps when and after what a message is tried again.
	Retry(Message) error
	// Sent forgets a message that was taken, and its target's trouble.
	Sent(Message) error
	// Drop forgets a message that nobody needs any more.
	Drop(Message) error
	// GiveUp forgets a message and keeps that it was lost.
	GiveUp(m Message, at time.Time) error
}

// Texts says what a fault means and what to do, in a language. Implemented by
// agent/watch.
type Texts interface {
	Fault(lang string, code fleet.Code) (text, todo string)
}

// Config is what a Notifier is made of.
type Config struct {
	Store Store
	// Reach says whether a person still has an account and may see the site.
	Reach    func(person string, site fleet.SiteID) bool
	Texts    Texts
	Mail     *Mail          // nil: no mail server
	Allow    []string       // exceptions: "http://ntfy.lan:8080" may be plain and may be near
	Roots    *x509.CertPool // that webhooks' certificates are checked against; nil: the system's
	Address  func() string  // of the dashboard, for links
	Location *time.Location
	Log      *slog.Logger
}

// How long a message is worth trying, from when it was made.
const (
	HelpLife  = 15 * time.Minute
	FaultLife = 24 * time.Hour
)

// life is how long the message is worth trying.
func (m Message) life() time.Duration {
	for _, e := range m.Events {
		if !e.help() {
			return FaultLife
		}
	}
	return HelpLife
}
