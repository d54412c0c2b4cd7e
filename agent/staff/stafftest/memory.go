// Package stafftest keeps accounts, web sessions, tokens and audit in memory,
// for tests of what uses them. No program imports it.
package stafftest

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// Memory is all the stores of staff at once. It is safe for concurrent use.
type Memory struct {
	Now func() time.Time

	mu       sync.Mutex
	accounts map[string]staff.Account
	sessions map[string]session
	tokens   []staff.Token
	entries  []staff.Entry
	rules    staff.Rules
}

type session struct {
	data   []byte
	expiry time.Time
}

// New returns an empty store.
func New(now func() time.Time) *Memory {
	return &Memory{Now: now, accounts: map[string]staff.Account{}, sessions: map[string]session{}}
}

// Account implements staff.Accounts.
func (m *Memory) Account(name string) (staff.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[name]
	if !ok {
		return staff.Account{}, staff.ErrNotFound
	}
	return a, nil
}

// Accounts implements staff.Accounts.
func (m *Memory) Accounts() ([]staff.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.accounts), func(a, b staff.Account) int {
		return strings.Compare(a.Name, b.Name)
	}), nil
}

// AddAccount implements staff.Accounts.
func (m *Memory) AddAccount(a staff.Account) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.accounts[a.Name]; ok {
		return staff.ErrExists
	}
	m.accounts[a.Name] = a
	return nil
}

// ChangeAccount implements staff.Accounts.
func (m *Memory) ChangeAccount(name string, change func(*staff.Account) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[name]
	if !ok {
		return staff.ErrNotFound
	}
	if err := change(&a); err != nil {
		return err
	}
	m.accounts[name] = a
	return nil
}

// DeleteAccount implements staff.Accounts.
func (m *Memory) DeleteAccount(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.accounts[name]; !ok {
		return staff.ErrNotFound
	}
	delete(m.accounts, name)
	return nil
}

// Find implements staff.Sessions.
func (m *Memory) Find(token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[token]
	if !ok || m.Now().After(s.expiry) {
		return nil, false, nil
	}
	return s.data, true, nil
}

// Commit implements staff.Sessions.
func (m *Memory) Commit(token string, data []byte, expiry time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[token] = session{slices.Clone(data), expiry}
	return nil
}

// Delete implements staff.Sessions.
func (m *Memory) Delete(token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, token)
	return nil
}

// All implements staff.Sessions.
func (m *Memory) All() (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string][]byte{}
	for token, s := range m.sessions {
		if !m.Now().After(s.expiry) {
			all[token] = slices.Clone(s.data)
		}
	}
	return all, nil
}

// StaffRules implements staff.RuleBook.
func (m *Memory) StaffRules() (staff.Rules, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rules, nil
}

// SetStaffRules implements staff.RuleBook.
func (m *Memory) SetStaffRules(r staff.Rules) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rules = r
	return nil
}

// SessionKeys returns under which tokens sessions are stored.
func (m *Memory) SessionKeys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.sessions))
}

// Token implements staff.Tokens.
func (m *Memory) Token(hash []byte) (staff.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tokens {
		if bytes.Equal(t.Hash, hash) {
			return t, nil
		}
	}
	return staff.Token{}, staff.ErrNotFound
}

// Tokens implements staff.Tokens.
func (m *Memory) Tokens() ([]staff.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(slices.Values(m.tokens), func(a, b staff.Token) int {
		return strings.Compare(a.Name, b.Name)
	}), nil
}

// AddToken implements staff.Tokens.
func (m *Memory) AddToken(t staff.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.tokens {
		if o.Name == t.Name || bytes.Equal(o.Hash, t.Hash) {
			return staff.ErrExists
		}
	}
	m.tokens = append(m.tokens, t)
	return nil
}

// DeleteToken implements staff.Tokens.
func (m *Memory) DeleteToken(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, t := range m.tokens {
		if t.Name == name {
			m.tokens = slices.Delete(m.tokens, i, i+1)
			return nil
		}
	}
	return staff.ErrNotFound
}

// AppendAudit implements staff.Audit.
func (m *Memory) AppendAudit(e staff.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, e)
	return nil
}

// Entries returns the newest audit entries first, at most n, of one kiosk or
// of all ("").
func (m *Memory) Entries(kiosk fleet.KioskID, n int) ([]staff.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []staff.Entry
	for _, e := range slices.Backward(m.entries) {
		if len(out) < n && (kiosk == "" || e.Kiosk == kiosk) {
			out = append(out, e)
		}
	}
	return out, nil
}
