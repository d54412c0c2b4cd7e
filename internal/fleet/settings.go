package fleet

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Mode says where a client's browser may go.
type Mode string

// The modes. An empty one is Open.
const (
	Open    Mode = "open"    // the whole web but the centre's block list
	Errands Mode = "errands" // the catalogue's services and every identification host
)

// Support is one time at which digital support is at the site.
type Support struct{ From, To time.Time }

// Settings are what the agent tells a kiosk about how to serve: names to show,
// times to keep, where clients may go. They are small; a kiosk that never heard
// any uses DefaultSettings and its own configuration.
type Settings struct {
	Version   uint64 // grows with every change; 0 means "the kiosk's own"
	SiteName  string
	KioskName string
	Idle      time.Duration // without input until the session ends
	Warn      time.Duration // how long before that end the warning begins
	Limit     time.Duration // after it the client is asked to finish; 0, the default, means none
	Notice    time.Duration // what a client keeps once somebody waits
	Mode      Mode
	Blocked   []string  // hosts that are never opened: "host" exact, "*.host" below it
	Languages []string  // offered to clients, in this order; empty means all
	Hours     *Hours    // opening hours; nil means always open
	Support   []Support // the next times of digital support, soonest first
	Phone     string    // number of support by phone, as people write it; may be empty
	Welcome   Text      // the centre's own words on the welcome page; empty in all languages or in none
	Agents    []string  // other addresses of the agent, which a kiosk tries when it does not find it; see CheckAgent
	Offer     *Offer    // the services on the welcome page; nil for those of the kiosk's own catalogue
}

// DefaultSettings are the times of a kiosk that was told none. The idle time
// leaves room for a wait of ten minutes on a phone before anybody is even
// asked; there is no limit while nobody waits.
func DefaultSettings() Settings {
	return Settings{Idle: 12 * time.Minute, Warn: 2 * time.Minute, Notice: 15 * time.Minute, Mode: Open}
}

// WelcomeLimit is how many characters the centre's own words have at most.
const WelcomeLimit = 100

var languageShape = regexp.MustCompile(`^[a-z]{2,3}$`)

// Validate says in one sentence which field is wrong, or returns nil.
func (s Settings) Validate() error {
	switch {
	case s.Idle < 2*time.Second || s.Idle > 24*time.Hour:
		return fmt.Errorf("idle is %v; it must be between 2s and 24h", s.Idle)
	case s.Warn < time.Second || s.Warn >= s.Idle:
		return fmt.Errorf("warn is %v; it must be at least 1s and shorter than idle (%v)", s.Warn, s.Idle)
	case s.Limit != 0 && (s.Limit <= s.Warn || s.Limit > 24*time.Hour):
		return fmt.Errorf("limit is %v; it must be 0, or longer than warn (%v) and at most 24h", s.Limit, s.Warn)
	case s.Notice < 0 || s.Notice > 24*time.Hour:
		return fmt.Errorf("notice is %v; it must be between 0s and 24h", s.Notice)
	case s.Mode != "" && s.Mode != Open && s.Mode != Errands:
		return fmt.Errorf("mode is %q; it must be %s or %s", s.Mode, Open, Errands)
	case len(s.Blocked) > 500:
		return fmt.Errorf("blocked has %d hosts; at most 500", len(s.Blocked))
	case len(s.Languages) > 20:
		return fmt.Errorf("languages has %d entries; at most 20", len(s.Languages))
	case len(s.Support) > 20:
		return fmt.Errorf("support has %d times; at most 20", len(s.Support))
	case len(s.Agents) > AgentsMost:
		return fmt.Errorf("agents has %d addresses; at most %d", len(s.Agents), AgentsMost)
	case len(s.Phone) > 40:
		return errors.New("phone is longer than 40 characters")
	}
	if s.Welcome != (Text{}) {
		if lang, err := s.Welcome.Check(1, WelcomeLimit); err != nil {
			return fmt.Errorf("welcome in %s %w", lang, err)
		}
	}
	for _, l := range s.Languages {
		if !languageShape.MatchString(l) {
			return fmt.Errorf("languages: %.20q is not a code such as \"fi\"", l)
		}
	}
	for _, a := range s.Agents {
		if err := CheckAgent(a); err != nil {
			return fmt.Errorf("agents: %w", err)
		}
	}
	for _, r := range s.Phone {
		if !unicode.IsPrint(r) {
			return errors.New("phone holds a character that cannot be printed")
		}
	}
	for _, p := range s.Blocked {
		if err := CheckHost(p); err != nil {
			return fmt.Errorf("blocked: %w", err)
		}
	}
	for _, t := range s.Support {
		if !t.To.After(t.From) {
			return fmt.Errorf("support ends at %v, not after it begins at %v", t.To, t.From)
		}
	}
	if err := s.Offer.Validate(); err != nil {
		return err
	}
	return s.Hours.Validate()
}

// CheckHost says in one sentence what is wrong with a host pattern, or returns
// nil. A pattern is a host name of lower-case letters, digits, '-' and '.', or
// "*." before one, which means every host below it but not that host itself.
func CheckHost(pattern string) error {
	host := strings.TrimPrefix(pattern, "*.")
	if host == "" || len(host) > 253 {
		return fmt.Errorf("%.60q is not a host such as \"kela.fi\" or \"*.kela.fi\"", pattern)
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%.60q is not a host such as \"kela.fi\" or \"*.kela.fi\"", pattern)
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return fmt.Errorf("%.60q is not a host such as \"kela.fi\" or \"*.kela.fi\"", pattern)
			}
		}
	}
	return nil
}
