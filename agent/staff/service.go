// Package staff holds who the people are that use the agent: their accounts
// and roles, how they sign in, how long they stay signed in, and what each of
// them may do (May is the one place that decides).
//
// It never draws a page (agent/dashboard does) and never touches a disk
// (agent/store does, behind the interfaces of ports.go). It never stores or
// logs a password, a code or a token, only their hashes; and it never logs a
// name that somebody typed and that is nobody's, because people type passwords
// into the wrong field.
//
// Caveats: tries are counted in memory, so a restart of the agent forgets
// them. The second factor's secret is kept as it is, because a code cannot be
// checked against a hash: who steals the store can make codes, but has no
// password.
package staff

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/text/unicode/norm"

	"yhteiskone/internal/fleet"
)

// Console is who acts at the agent's own command line.
const Console = "console"

// Operator is that person: whoever may open the agent's socket may do anything.
func Operator() Person { return Person{Name: Console, Shown: Console, Grants: At(Admin)} }

// Config is what a Service is made of.
type Config struct {
	Accounts Accounts
	Sessions Sessions
	Tokens   Tokens
	Audit    Audit
	Rules    RuleBook
	Provider Provider // who else vouches for people; nil: nobody
	Secure   bool     // the agent serves TLS: the cookie is __Host- and Secure
	Now      func() time.Time
	Log      *slog.Logger
	// Client is the address that a request came from, when something that is
	// trusted stands between; nil: the one that it has.
	Client func(*http.Request) string
}

// Service is the staff of one agent. It is safe for concurrent use.
type Service struct {
	accounts Accounts
	sessions Sessions
	tokens   Tokens
	audit    Audit
	rules    RuleBook
	provider Provider
	client   func(*http.Request) string
	now      func() time.Time
	log      *slog.Logger

	web      *scs.SessionManager
	hasher   *hasher
	byName   *throttle
	byAddr   *throttle
	bySecond *throttle

	adding sync.Mutex // accounts are added one at a time, so that a mail address stays one person's
	mu     sync.Mutex
	live   map[uint64]stream
	count  uint64
	first  firstCode
}

// New makes the service.
func New(c Config) (*Service, error) {
	h, err := newHasher()
	if err != nil {
		return nil, fmt.Errorf("prepare sign-in: %w", err)
	}
	if c.Client == nil {
		c.Client = func(r *http.Request) string { return r.RemoteAddr }
	}
	sessions := &burial{Sessions: c.Sessions, now: c.Now, dead: map[string]time.Time{}}
	return &Service{
		accounts: c.Accounts, sessions: sessions, tokens: c.Tokens, audit: c.Audit, rules: c.Rules, provider: c.Provider,
		client: c.Client, now: c.Now, log: c.Log,
		web: newWeb(c, sessions), hasher: h, live: map[uint64]stream{},
		// Ten tries in a row for a name, then two a minute; an address may be
		// a whole house, so it gets more. Who comes to the second factor knows
		// the password already: six digits must not be tried out.
		byName:   newThrottle(10, 30*time.Second),
		byAddr:   newThrottle(40, 5*time.Second),
		bySecond: newThrottle(5, time.Minute),
	}, nil
}

// Fold brings a name into the form in which it is a key.
func Fold(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(norm.NFC.String(name)), " "))
}

func (s *Service) note(who, action string, site fleet.SiteID, detail string) error {
	err := s.audit.AppendAudit(Entry{At: s.now(), Who: who, Action: action, Site: site, Detail: detail})
	if err != nil {
		return fmt.Errorf("write the audit: %w", err)
	}
	return nil
}

// Shown returns a person's name as it was written; false if there is none.
func (s *Service) Shown(name string) (string, bool) {
	a, err := s.accounts.Account(name)
	return a.Shown, err == nil && a.Shown != ""
}
