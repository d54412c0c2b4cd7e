package staff

import (
	"crypto/subtle"
	"net/http"
	"time"

	"yhteiskone/internal/identity"
)

// firstLife is how long the code for the first admin is good. A restart of the
// agent makes another.
const firstLife = 24 * time.Hour

// firstCode is the code with which the first admin comes in. It is kept in
// memory only: what it opens is there only until somebody has an account.
type firstCode struct {
	hash    []byte
	expires time.Time
}

// OpenFirst makes the code for the first admin, to be said at the agent's
// console and nowhere else. It is empty when somebody has an account already.
func (s *Service) OpenFirst() (string, error) {
	all, err := s.accounts.Accounts()
	if err != nil || len(all) > 0 {
		return "", err
	}
	code := identity.NewCode()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = firstCode{identity.HashCode(code), s.now().Add(firstLife)}
	return code, nil
}

// FirstOpen tells whether the first admin may still come.
func (s *Service) FirstOpen() bool {
	s.mu.Lock()
	first := s.first
	s.mu.Unlock()
	if len(first.hash) == 0 || s.now().After(first.expires) {
		return false
	}
	all, err := s.accounts.Accounts()
	return err == nil && len(all) == 0
}

// ClaimFirst makes the first admin's account and signs them in. The code works
// once, and only while nobody has an account.
func (s *Service) ClaimFirst(r *http.Request, code, name, password string) error {
	if err := s.throttled(r, name); err != nil {
		return err
	}
	a, err := s.newAccount(Newcomer{Name: name, Grants: At(Admin)})
	if err != nil {
		return NameBad
	}
	if err := checkPassword(password, name); err != nil {
		return err
	}
	code, err = identity.ParseCode(code)
	if err != nil || !s.FirstOpen() || !s.isFirst(code) {
		return WrongFirst
	}
	if a.PasswordHash, err = s.hasher.make(r.Context(), password); err != nil {
		return err
	}
	if !s.takeFirst(code) { // somebody else was quicker
		return WrongFirst
	}
	if err := s.add(Console, a); err != nil {
		return err
	}
	return s.enter(r, a, "password_set")
}

func (s *Service) isFirst(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return subtle.ConstantTimeCompare(s.first.hash, identity.HashCode(code)) == 1
}

// takeFirst uses the code up.
func (s *Service) takeFirst(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subtle.ConstantTimeCompare(s.first.hash, identity.HashCode(code)) != 1 {
		return false
	}
	s.first = firstCode{}
	return true
}
