package staff

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// ErrSecond says that the person proved who they are once, and is now asked
// for the second factor.
var ErrSecond = errors.New("the second factor is asked for")

// SignIn signs a person in with name and password. The error is a Problem when
// there is something to tell the person, or ErrSecond.
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
	return s.arrive(r, a, "signed_in")
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
	s.cutPerson(now.Name)
	return s.arrive(r, now, "password_set")
}

// ChangePassword changes the password of the person who is signed in, and
// signs them out everywhere else.
func (s *Service) ChangePassword(r *http.Request, old, new string) error {
	p, ok := From(r.Context())
	if !ok {
		return WrongPassword
	}
	if err := s.confirm(r, p, old); err != nil {
		return err
	}
	if old == new {
		return PasswordSame
	}
	if err := checkPassword(new, p.Shown); err != nil {
		return err
	}
	hash, err := s.hasher.make(r.Context(), new)
	if err != nil {
		return err
	}
	return s.renew(r, p, "password_changed", func(a *Account) error {
		a.PasswordHash, a.CodeHash = hash, nil
		return nil
	})
}

// confirm asks the person who is signed in for the password once more: a
// browser that was left open is not enough to change how somebody signs in.
// Who has no password, because a provider vouches for them, passes.
func (s *Service) confirm(r *http.Request, p Person, password string) error {
	if err := s.throttled(r, p.Name); err != nil {
		return err
	}
	a, err := s.find(p.Name)
	if err != nil {
		return err
	}
	if a.PasswordHash == "" && a.Subject != "" {
		return nil
	}
	right, err := s.hasher.check(r.Context(), password, a.PasswordHash)
	if err != nil {
		return err
	}
	if !right {
		return WrongOwn
	}
	s.byName.forget(p.Name)
	return nil
}

// renew changes how the person who is signed in proves who they are: it is
// written down, every other session ends, and this one goes on under another
// token.
func (s *Service) renew(r *http.Request, p Person, action string, f func(*Account) error) error {
	if err := s.note(p.Name, action, only(p.Grants), ""); err != nil {
		return err
	}
	var now Account
	err := s.accounts.ChangeAccount(p.Name, func(a *Account) error {
		if err := f(a); err != nil {
			return err
		}
		a.Epoch++
		now = *a
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the change: %w", err)
	}
	s.cutPerson(p.Name)
	if err := s.drop(func(d Device) bool { return d.person == p.Name }); err != nil {
		return err
	}
	return s.begin(r, now)
}

func (s *Service) find(name string) (Account, error) {
	a, err := s.accounts.Account(Fold(name))
	switch {
	case errors.Is(err, ErrNotFound):
		return Account{}, nil // nobody, not somebody of that name
	case err != nil:
		return Account{}, fmt.Errorf("look up an account: %w", err)
	}
	return a, nil
}

// arrive is where every first step of signing in ends: inside, or before the
// second factor.
func (s *Service) arrive(r *http.Request, a Account, action string) error {
	if !a.Factor.On() {
		return s.enter(r, a, action)
	}
	if action != "signed_in" { // what happened, happened, whatever comes next
		if err := s.note(a.Name, action, only(a.Grants), ""); err != nil {
			return err
		}
	}
	return s.half(r.Context(), a)
}

// enter is where every way of signing in ends.
func (s *Service) enter(r *http.Request, a Account, action string) error {
	if err := s.note(a.Name, action, only(a.Grants), ""); err != nil {
		return err
	}
	s.byName.forget(a.Name)
	s.bySecond.forget(a.Name)
	return s.begin(r, a)
}

func (s *Service) throttled(r *http.Request, name string) error {
	if len(name) > 4*fleet.NameLimit { // nobody's, and too long to remember
		return WrongPassword
	}
	if !s.byAddr.allow(s.address(r), s.now()) || !s.byName.allow(Fold(name), s.now()) {
		return TooManyTries
	}
	return nil
}

// address is whom to hold back: an IPv4 address, or the /64 that one customer
// has of IPv6.
func (s *Service) address(r *http.Request) string {
	from := s.client(r)
	host, _, err := net.SplitHostPort(from)
	if err != nil {
		host = from
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

// AddWithPassword adds a person whose password somebody has chosen already.
// It is for the agent's own command line; Invite is the ordinary way.
func (s *Service) AddWithPassword(ctx context.Context, by string, n Newcomer, password string) error {
	if err := checkPassword(password, n.Name); err != nil {
		return err
	}
	a, err := s.newAccount(n)
	if err != nil {
		return err
	}
	if a.PasswordHash, err = s.hasher.make(ctx, password); err != nil {
		return err
	}
	return s.add(by, a)
}
