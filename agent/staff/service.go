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
// Caveat: tries are counted in memory, so a restart of the agent forgets them.
package staff

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/text/unicode/norm"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// codeLife is how long a new person has until the first sign-in: a working day
// and the night after it.
const codeLife = 24 * time.Hour

// Console is who acts at the agent's own command line.
const Console = "console"

// Config is what a Service is made of.
type Config struct {
	Accounts Accounts
	Sessions Sessions
	Tokens   Tokens
	Audit    Audit
	Secure   bool // the agent serves TLS: the cookie is __Host- and Secure
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is the staff of one agent. It is safe for concurrent use.
type Service struct {
	accounts Accounts
	tokens   Tokens
	audit    Audit
	now      func() time.Time
	log      *slog.Logger

	web    *scs.SessionManager
	hasher *hasher
	byName *throttle
	byAddr *throttle

	mu    sync.Mutex
	live  map[uint64]stream
	count uint64
}

// New makes the service.
func New(c Config) (*Service, error) {
	h, err := newHasher()
	if err != nil {
		return nil, fmt.Errorf("prepare sign-in: %w", err)
	}
	return &Service{
		accounts: c.Accounts, tokens: c.Tokens, audit: c.Audit, now: c.Now, log: c.Log,
		web: newWeb(c), hasher: h, live: map[uint64]stream{},
		// Ten tries in a row for a name, then two a minute; an address may be
		// a whole house, so it gets more.
		byName: newThrottle(10, 30*time.Second),
		byAddr: newThrottle(40, 5*time.Second),
	}, nil
}

// Fold brings a name into the form in which it is a key.
func Fold(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(norm.NFC.String(name)), " "))
}

// Invite adds a person and returns the one-time code with which they sign in
// for the first time and choose a password.
func (s *Service) Invite(by, name string, role Role, site fleet.SiteID) (code string, expires time.Time, err error) {
	shown := strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	if err := fleet.CheckName("the name", shown); err != nil {
		return "", expires, err
	}
	if Fold(shown) == Console {
		return "", expires, fmt.Errorf("the name %q is taken by the agent itself; choose another", Console)
	}
	if _, err := ParseRole(string(role)); err != nil {
		return "", expires, err
	}
	if site != "" && !site.Valid() {
		return "", expires, fmt.Errorf("site %q is not an identifier: use a-z, 0-9 and '-'", site)
	}
	code, expires = identity.NewCode(), s.now().Add(codeLife)
	a := Account{Name: Fold(shown), Shown: shown, Role: role, Site: site, CodeHash: identity.HashCode(code),
		CodeExpires: expires, Created: s.now()}
	if err := s.note(by, "account_added", site, a.Name); err != nil {
		return "", expires, err
	}
	if err := s.accounts.AddAccount(a); err != nil {
		return "", expires, fmt.Errorf("add %s: %w", shown, err)
	}
	return code, expires, nil
}

// Renew gives a person a new one-time code, for somebody who forgot the
// password. The old password works until the code is used.
func (s *Service) Renew(by, name string) (code string, expires time.Time, err error) {
	code, expires = identity.NewCode(), s.now().Add(codeLife)
	if err := s.note(by, "code_renewed", "", Fold(name)); err != nil {
		return "", expires, err
	}
	err = s.accounts.ChangeAccount(Fold(name), func(a *Account) error {
		a.CodeHash, a.CodeExpires = identity.HashCode(code), expires
		return nil
	})
	if err != nil {
		return "", expires, fmt.Errorf("renew the code of %s: %w", name, err)
	}
	return code, expires, nil
}

// SetDisabled shuts a person out, at once and everywhere, or lets them in
// again.
func (s *Service) SetDisabled(by, name string, disabled bool) error {
	word := "account_enabled"
	if disabled {
		word = "account_disabled"
	}
	if err := s.note(by, word, "", Fold(name)); err != nil {
		return err
	}
	err := s.accounts.ChangeAccount(Fold(name), func(a *Account) error {
		a.Disabled = disabled
		a.Epoch++
		return nil
	})
	if err != nil {
		return fmt.Errorf("change the account of %s: %w", name, err)
	}
	s.cut(func(st stream) bool { return st.name == Fold(name) })
	return nil
}

// People lists the accounts without their secrets, ordered by name.
func (s *Service) People() ([]Account, error) {
	all, err := s.accounts.Accounts()
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	for i := range all {
		// Whether there is one is worth knowing, what it is is not.
		if all[i].PasswordHash != "" {
			all[i].PasswordHash = "set"
		}
		all[i].CodeHash = nil
	}
	return all, nil
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
