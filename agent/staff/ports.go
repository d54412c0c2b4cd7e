package staff

import (
	"errors"
	"time"

	"yhteiskone/internal/fleet"
)

// Errors that a store answers with; errors.Is tells them apart.
var (
	ErrNotFound = errors.New("there is no such entry")
	ErrExists   = errors.New("there is already such an entry")
)

// Account is one person who may sign in. Its secrets are hashes only, but for
// the second factor's: no code can be computed from a hash.
type Account struct {
	Name         string  // the key: folded by Fold, so that "Satu" and "satu" are one person
	Shown        string  // the name as it was written
	Grants       []Grant // ordered by site, one at most for each
	Mail         string  // folded by FoldMail; finds the account of somebody whom a provider knows
	Subject      string  // who they are to that provider, from their first sign-in there on
	Language     string  // what they chose; empty: as the browser asks
	PasswordHash string  // Argon2id in PHC form; empty until the first sign-in
	CodeHash     []byte  // identity.HashCode of an open one-time code; nil if none
	CodeExpires  time.Time
	Factor       Factor
	Disabled     bool
	Epoch        uint64 // grows with every revocation; a web session of another epoch is void
	Created      time.Time
}

// Factor is somebody's second factor: an authenticator in their phone.
type Factor struct {
	Secret   []byte   // shared with the phone; empty: there is none
	Step     int64    // the newest step whose code was used: none up to it counts again
	Salt     []byte   // of Recovery
	Recovery [][]byte // Argon2id of each recovery code that was not used yet
}

// On tells whether there is one.
func (f Factor) On() bool { return len(f.Secret) > 0 }

// Accounts keeps accounts. Implemented by agent/store.
type Accounts interface {
	// Account returns one account, or ErrNotFound.
	Account(name string) (Account, error)
	// Accounts returns all of them, ordered by name.
	Accounts() ([]Account, error)
	// AddAccount stores a new account, or answers ErrExists.
	AddAccount(Account) error
	// ChangeAccount reads an account, lets change alter it and stores it, all
	// in one transaction; ErrNotFound if there is none. An error of change is
	// returned as it is, and nothing is stored. change is quick and must not
	// alter the name.
	ChangeAccount(name string, change func(*Account) error) error
	// DeleteAccount removes an account, or answers ErrNotFound.
	DeleteAccount(name string) error
}

// Sessions keeps web sessions; it is the Store of alexedwards/scs. The tokens
// that arrive here are hashes already. Implemented by agent/store, which also
// drops the expired ones now and then.
type Sessions interface {
	// Find returns the data of a session; found is false if there is none or
	// it has expired.
	Find(token string) (data []byte, found bool, err error)
	// Commit stores or replaces a session.
	Commit(token string, data []byte, expiry time.Time) error
	// Delete removes a session; it is no error if there is none.
	Delete(token string) error
	// All returns every session that has not expired, by token. There are as
	// many as people have browsers.
	All() (map[string][]byte, error)
}

// Token is one bearer token for /api. The token itself is shown once and never
// stored.
type Token struct {
	Hash    []byte // SHA-256, 32 bytes: the key
	Name    string // what people call it, unique
	Grants  []Grant
	Created time.Time
}

// Tokens keeps bearer tokens. Implemented by agent/store.
type Tokens interface {
	// Token returns the token of this hash, or ErrNotFound.
	Token(hash []byte) (Token, error)
	// Tokens returns all of them, ordered by name.
	Tokens() ([]Token, error)
	// AddToken stores a token; ErrExists if its name or hash is taken.
	AddToken(Token) error
	// DeleteToken removes the token of this name, or answers ErrNotFound.
	DeleteToken(name string) error
}

// Rules is what the people of this agent agreed on.
type Rules struct {
	Factor []Role // who has one of these roles, anywhere, needs a second factor
}

// RuleBook keeps the rules. Implemented by agent/store.
type RuleBook interface {
	// StaffRules returns the rules; none were set: the zero value.
	StaffRules() (Rules, error)
	// SetStaffRules replaces them.
	SetStaffRules(Rules) error
}

// Audit keeps what people did. Implemented by agent/store.
type Audit interface {
	// AppendAudit stores one entry durably before it returns.
	AppendAudit(Entry) error
}

// Entry is one action of one person.
type Entry struct {
	At     time.Time
	Who    string // account name, or "console"
	Action string // a fixed word, for example "help_answered", "command", "enrolled", "signed_in"
	Kiosk  fleet.KioskID
	Site   fleet.SiteID
	Detail string // a fixed word or an identifier; never text of a client
}
