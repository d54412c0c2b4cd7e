package staff

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// SignIn signs a person in with name and password. The error is a Problem when
// there is something to tell the person.
func (s *Service) SignIn(r *http.Request, name, password string) error {
	if err := s.throttled(r, name); err != nil {
		return err
	}
	a, err := s.find(name)
	if err != nil {
		return err
	}
	ok, err := s.hasher.check(r.Context(), password, a.PasswordHash)
	if err != nil {
		return err
	}
	if !ok || a.Disabled {
		if a.Name != "" {
			s.log.Warn("sign-in refused", "account", a.Name)
		}
		return WrongPassword
	}
	return s.enter(r, a, "signed_in")
}

// SignInWithCode signs a person in for the first time: the one-time code is
// used up, and the password is theirs from now on.
func (s *Service) SignInWithCode(r *http.Request, name, code, password string) error {
	if err := s.throttled(r, name); err != nil {
		return err
	}
	if err := checkPassword(password, name); err != nil {
		return err
	}
	code, err := identity.ParseCode(code)
	if err != nil {
		return WrongCode
	}
	hash, err := s.hasher.make(r.Context(), password)
	if err != nil {
		return err
	}
	var now Account
	err = s.accounts.ChangeAccount(Fold(name), func(a *Account) error {
		if a.Disabled || len(a.CodeHash) == 0 || s.now().After(a.CodeExpires) ||
			subtle.ConstantTimeCompare(a.CodeHash, identity.HashCode(code)) != 1 {
			return WrongCode
		}
		a.PasswordHash, a.CodeHash = hash, nil
		a.Epoch++
		now = *a
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return WrongCode
	}
	if err != nil {
		return err
	}
	s.cut(func(st stream) bool { return st.name == now.Name })
	return s.enter(r, now, "password_set")
}

// ChangePassword changes the password of the person who is signed in, and
// signs them out everywhere else.
func (s *Service) ChangePassword(r *http.Request, old, new string) error {
	p, ok := From(r.Context())
	if !ok {
		return WrongPassword
	}
	if err := s.throttled(r, p.Name); err != nil {
		return err
	}
	a, err := s.find(p.Name)
	if err != nil {
		return err
	}
	right, err := s.hasher.check(r.Context(), old, a.PasswordHash)
	if err != nil {
		return err
	}
	if !right {
		return WrongPassword
	}
	if old == new {
		return PasswordSame
	}
	if err := checkPassword(new, p.Shown); err != nil {
		return err
	}
	var now Account
	hash, err := s.hasher.make(r.Context(), new)
	if err != nil {
		return err
	}
	if err := s.note(p.Name, "password_changed", p.Site, ""); err != nil {
		return err
	}
	err = s.accounts.ChangeAccount(p.Name, func(a *Account) error {
		a.PasswordHash, a.CodeHash = hash, nil
		a.Epoch++
		now = *a
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the new password: %w", err)
	}
	s.cut(func(st stream) bool { return st.name == p.Name })
	return s.begin(r.Context(), now)
}

func (s *Service) find(name string) (Account, error) {
	a, err := s.accounts.Account(Fold(name))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Account{}, fmt.Errorf("look up an account: %w", err)
	}
	return a, nil
}

// enter is where every way of signing in ends.
func (s *Service) enter(r *http.Request, a Account, action string) error {
	if err := s.note(a.Name, action, a.Site, ""); err != nil {
		return err
	}
	s.byName.forget(a.Name)
	return s.begin(r.Context(), a)
}

func (s *Service) throttled(r *http.Request, name string) error {
	if len(name) > 4*fleet.NameLimit { // nobody's, and too long to remember
		return WrongPassword
	}
	if !s.byAddr.allow(address(r), s.now()) || !s.byName.allow(Fold(name), s.now()) {
		return TooManyTries
	}
	return nil
}

// address is whom to hold back: an IPv4 address, or the /64 that one customer
// has of IPv6.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if net, err := ip.Prefix(64); err == nil {
			return net.String()
		}
	}
	return ip.String()
}
