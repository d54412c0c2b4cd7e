package notify

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
)

// Channel is a way to tell.
type Channel string

// The channels.
const (
	ByMail  Channel = "mail"
	ByNtfy  Channel = "ntfy"  // a topic of ntfy
	ByTeams Channel = "teams" // an incoming webhook that takes an adaptive card
	ByJSON  Channel = "json"  // our own words, for a program
)

// Channels lists every channel.
func Channels() []Channel { return []Channel{ByMail, ByNtfy, ByTeams, ByJSON} }

// Target is somebody who is told, and how.
type Target struct {
	ID      string       // 16 hexadecimal digits
	Owner   string       // the account whose own it is; empty: the site's
	Site    fleet.SiteID // what it is told of; empty: every site. One with an owner is told of what they may see now, wherever they set it
	Channel Channel
	Address string // a mail address or a URL; a URL may hold a secret
	Lang    string
	Faults  bool
	Only    Audience // of faults those that this audience can do something about, and what concerns everybody
	Notices bool     // also what is merely worth knowing
	Help    bool
	Quiet   fleet.Span // minutes of the day in which nothing is sent; may go over midnight; none if both are the same
	Digest  int        // minute of the day at which faults are told all at once; -1: as they come
	Changed time.Time
}

// Shown is the address as others may see it: a URL's path may be a password.
func (t Target) Shown() string {
	if t.Channel == ByMail {
		return t.Address
	}
	u, err := url.Parse(t.Address)
	if err != nil {
		return ""
	}
	return u.Host
}

// Errors of Check; each is one field's.
var (
	ErrChannel = errors.New("the way to tell is unknown")
	ErrMail    = errors.New("the address is not an e-mail address such as name@example.fi")
	ErrURL     = errors.New("the address is not one such as https://ntfy.example.fi/topic")
	ErrPlain   = errors.New("the address must begin with https://")
	ErrWhere   = errors.New("the address leads to this machine or the network around it")
	ErrTopic   = errors.New("the address names no topic: https://ntfy.example.fi/topic")
	ErrNothing = errors.New("nothing is chosen that would be told")
	ErrQuiet   = errors.New("quiet hours are two times of the day such as 20:00 and 7:00")
	ErrDigest  = errors.New("the time of the digest is a time of the day such as 7:30")
	ErrLang    = errors.New("the language is fi, sv or en")
	ErrNoMail  = errors.New("no mail server is configured")
)

// Check says what is wrong with a target. allow are the exceptions of the
// configuration.
func (t Target) Check(allow []string) error {
	switch {
	case !slices.Contains(Channels(), t.Channel):
		return ErrChannel
	case !slices.Contains(Languages(), t.Lang):
		return ErrLang
	case !t.Faults && !t.Help, !slices.Contains(Audiences(), t.Only):
		return ErrNothing
	case t.Quiet.From < 0 || t.Quiet.From >= day || t.Quiet.To < 0 || t.Quiet.To > day:
		return ErrQuiet
	case t.Digest < -1 || t.Digest >= day:
		return ErrDigest
	}
	if t.Channel == ByMail {
		return checkMail(t.Address)
	}
	return checkURL(t.Channel, t.Address, allow)
}

func checkMail(address string) error {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Address != address || len(address) > 254 || !strings.Contains(address[strings.LastIndex(address, "@"):], ".") {
		return ErrMail
	}
	for _, r := range address {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>(),;:\`, r) {
			return ErrMail
		}
	}
	return nil
}

func checkURL(c Channel, address string, allow []string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > addressLimit || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return ErrURL
	}
	for _, r := range address {
		if r <= ' ' || r >= 0x7f {
			return ErrURL
		}
	}
	excepted := slices.Contains(allow, origin(u))
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return ErrURL
	case u.Scheme != "https" && !excepted:
		return ErrPlain
	case !excepted && literallyRefused(u.Hostname()):
		return ErrWhere
	case c == ByNtfy && strings.Trim(u.Path, "/") == "":
		return ErrTopic
	}
	return nil
}

// CheckOrigin says what is wrong with an exception of the configuration, such
// as "http://ntfy.lan:8080".
func CheckOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || origin(u) != s {
		return fmt.Errorf("%.60q is not a scheme, host and port such as \"http://ntfy.lan:8080\"", s)
	}
	return nil
}

// origin is scheme, host and, where it is not the usual one, port.
func origin(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + net.JoinHostPort(host, port)
}

// day is a day in minutes.
const day = 24 * 60

// wants reports whether the target is to be told of the event.
func (t Target) wants(e Event, reach func(string, fleet.SiteID) bool) bool {
	if t.Owner == "" && t.Site != "" && t.Site != e.Site && t.Site != e.Also || !t.reaches(e, reach) {
		return false
	}
	switch e.Kind {
	case FaultOpened, FaultClosed:
		return t.Faults && (t.Notices || e.Severity != fleet.SeverityNotice) &&
			(t.Only == Everybody || e.To == Everybody || t.Only == e.To)
	case HelpWaits:
		return t.Help
	}
	return false
}

// reaches reports whether the owner, if there is one, may know of the event.
func (t Target) reaches(e Event, reach func(string, fleet.SiteID) bool) bool {
	return t.Owner == "" || reach(t.Owner, e.Site) || e.Also != "" && reach(t.Owner, e.Also)
}

// due is when the target is told of something that is so now; never for a call
// for help in quiet hours.
func (t Target) due(e Event, now time.Time, at *time.Location) (due time.Time, ever bool) {
	now = now.In(at)
	minute := now.Hour()*60 + now.Minute()
	if e.help() {
		return now, !t.quiet(minute)
	}
	due = now
	if t.Digest >= 0 {
		due = next(now, t.Digest)
	}
	if m := due.Hour()*60 + due.Minute(); t.quiet(m) {
		due = next(due, t.Quiet.To)
	}
	return due, true
}

// quiet reports whether nothing is sent at that minute of the day.
func (t Target) quiet(minute int) bool {
	q := t.Quiet
	if q.From <= q.To {
		return minute >= q.From && minute < q.To
	}
	return minute >= q.From || minute < q.To
}

// next is the next time of that minute of the day, by t's clock.
func next(t time.Time, minute int) time.Time {
	at := time.Date(t.Year(), t.Month(), t.Day(), 0, minute, 0, 0, t.Location())
	if !at.After(t) {
		at = time.Date(t.Year(), t.Month(), t.Day()+1, 0, minute, 0, 0, t.Location())
	}
	return at
}

// addressLimit is how long an address may be.
const addressLimit = 500
