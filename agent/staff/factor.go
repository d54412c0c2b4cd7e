package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"yhteiskone/internal/identity"
)

// Keys of a web session on the way to and from a second factor.
const (
	keyHalf      = "half" // who has shown the password and not yet the second factor
	keyHalfEpoch = "half_epoch"
	keyHalfUntil = "half_until"
	keyPending   = "pending" // a secret that the phone has not confirmed yet
)

const (
	halfLife      = 5 * time.Minute // between the password and the second factor
	recoveryCodes = 10
	secretSize    = 20 // bytes, as RFC 4226 recommends
	stepTime      = 30 // seconds
	stepSlack     = 1  // steps that a phone's clock may be off
)

// totpOptions are those that every authenticator knows.
func totpOptions() totp.ValidateOpts {
	return totp.ValidateOpts{Period: stepTime, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
}

func secretText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// matchStep returns the step whose code this is, near now and newer than used;
// 0 if there is none.
func matchStep(secret []byte, code string, now time.Time, used int64) (int64, error) {
	found := int64(0)
	for step := now.Unix()/stepTime - stepSlack; step <= now.Unix()/stepTime+stepSlack; step++ {
		want, err := totp.GenerateCodeCustom(secretText(secret), time.Unix(step*stepTime, 0), totpOptions())
		if err != nil {
			return 0, fmt.Errorf("compute a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > used && found == 0 {
			found = step
		}
	}
	return found, nil
}

// half opens a web session that is good for nothing but the second factor.
func (s *Service) half(ctx context.Context, a Account) error {
	if err := s.web.RenewToken(ctx); err != nil {
		return fmt.Errorf("open a web session: %w", err)
	}
	s.web.Remove(ctx, keyName)
	s.web.Put(ctx, keyHalf, a.Name)
	s.web.Put(ctx, keyHalfEpoch, int64(a.Epoch))
	s.web.Put(ctx, keyHalfUntil, s.now().Add(halfLife).Unix())
	return ErrSecond
}

// Half returns who has still to show the second factor; false if nobody has,
// or took too long.
func (s *Service) Half(ctx context.Context) (shown string, ok bool) {
	a, ok, err := s.halfway(ctx)
	return a.Shown, ok && err == nil
}

func (s *Service) halfway(ctx context.Context) (Account, bool, error) {
	name := s.web.GetString(ctx, keyHalf)
	if name == "" || s.now().Unix() > s.web.GetInt64(ctx, keyHalfUntil) {
		return Account{}, false, nil
	}
	a, err := s.find(name)
	ok := a.Name != "" && !a.Disabled && a.Epoch == uint64(s.web.GetInt64(ctx, keyHalfEpoch)) && a.Factor.On()
	return a, ok, err
}

// SignInSecond is the second step: a code of the authenticator, or one of the
// recovery codes, which is used up.
func (s *Service) SignInSecond(r *http.Request, code string) error {
	a, ok, err := s.halfway(r.Context())
	if err != nil {
		return err
	}
	if !ok {
		return SecondLate
	}
	if !s.byAddr.allow(s.address(r), s.now()) || !s.bySecond.allow(a.Name, s.now()) {
		return TooManyTries
	}
	now, action, err := s.useCode(r.Context(), a, code)
	if err != nil {
		if errors.Is(err, WrongSecond) {
			s.log.Warn("second factor refused", "account", a.Name)
		}
		return err
	}
	return s.enter(r, now, action)
}

// useCode uses up a code of either kind.
func (s *Service) useCode(ctx context.Context, a Account, code string) (now Account, action string, err error) {
	digits := strings.NewReplacer(" ", "", "\u00a0", "", "-", "").Replace(strings.TrimSpace(code))
	if len(digits) == 6 {
		err = s.accounts.ChangeAccount(a.Name, func(a *Account) error {
			step, err := matchStep(a.Factor.Secret, digits, s.now(), a.Factor.Step)
			if err != nil {
				return err
			}
			if step == 0 || !a.Factor.On() {
				return WrongSecond
			}
			a.Factor.Step = step
			now = *a
			return nil
		})
		return now, "signed_in", err
	}
	typed, err := identity.ParseCode(code)
	if err != nil || len(a.Factor.Salt) == 0 {
		return now, "", WrongSecond
	}
	hash, err := s.hasher.stretch(ctx, typed, a.Factor.Salt)
	if err != nil {
		return now, "", err
	}
	err = s.accounts.ChangeAccount(a.Name, func(a *Account) error {
		left := slices.DeleteFunc(slices.Clone(a.Factor.Recovery), func(h []byte) bool { return subtle.ConstantTimeCompare(h, hash) == 1 })
		if len(left) == len(a.Factor.Recovery) {
			return WrongSecond
		}
		a.Factor.Recovery = left
		now = *a
		return nil
	})
	return now, "signed_in_recovery", err
}

// BeginFactor makes a secret for a new second factor, which counts from when
// ConfirmFactor has seen a code of it.
func (s *Service) BeginFactor(r *http.Request, password string) error {
	p, ok := From(r.Context())
	if !ok {
		return WrongOwn
	}
	if err := s.confirm(r, p, password); err != nil {
		return err
	}
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails, by its documentation
	s.web.Put(r.Context(), keyPending, secret)
	return nil
}

// Pending is a second factor that is being set up.
type Pending struct {
	Secret  string // base32, for typing
	Address string // the same as an otpauth address, for drawing
}

// PendingFactor returns what BeginFactor made.
func (s *Service) PendingFactor(ctx context.Context) (Pending, bool, error) {
	p, signedIn := From(ctx)
	secret := s.web.GetBytes(ctx, keyPending)
	if !signedIn || len(secret) != secretSize {
		return Pending{}, false, nil
	}
	o := totpOptions()
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Yhteiskone", AccountName: strings.ReplaceAll(p.Shown, ":", " "), Secret: secret,
		Period: o.Period, Digits: o.Digits, Algorithm: o.Algorithm})
	if err != nil {
		return Pending{}, false, fmt.Errorf("prepare a second factor: %w", err)
	}
	return Pending{key.Secret(), key.URL()}, true, nil
}

// ConfirmFactor makes the second factor count, and returns its recovery codes,
// which are told once.
func (s *Service) ConfirmFactor(r *http.Request, code string) ([]string, error) {
	p, ok := From(r.Context())
	secret := s.web.GetBytes(r.Context(), keyPending)
	if !ok || len(secret) != secretSize {
		return nil, SecondLate
	}
	if !s.bySecond.allow(p.Name, s.now()) {
		return nil, TooManyTries
	}
	step, err := matchStep(secret, strings.ReplaceAll(strings.TrimSpace(code), " ", ""), s.now(), 0)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, WrongSecond
	}
	codes, salt, hashes, err := s.recovery(r.Context())
	if err != nil {
		return nil, err
	}
	s.bySecond.forget(p.Name)
	return codes, s.renew(r, p, "factor_set", func(a *Account) error {
		a.Factor = Factor{Secret: secret, Step: step, Salt: salt, Recovery: hashes}
		return nil
	})
}

// RenewRecovery makes new recovery codes; the old ones are worthless.
func (s *Service) RenewRecovery(r *http.Request, password string) ([]string, error) {
	p, ok := From(r.Context())
	if !ok {
		return nil, WrongOwn
	}
	if err := s.confirm(r, p, password); err != nil {
		return nil, err
	}
	codes, salt, hashes, err := s.recovery(r.Context())
	if err != nil {
		return nil, err
	}
	if err := s.note(p.Name, "recovery_renewed", only(p.Grants), ""); err != nil {
		return nil, err
	}
	return codes, s.accounts.ChangeAccount(p.Name, func(a *Account) error {
		if !a.Factor.On() {
			return SecondLate
		}
		a.Factor.Salt, a.Factor.Recovery = salt, hashes
		return nil
	})
}

// RemoveFactor takes the person's own second factor away, unless a rule asks
// for it.
func (s *Service) RemoveFactor(r *http.Request, password string) error {
	p, ok := From(r.Context())
	if !ok {
		return WrongOwn
	}
	rules, err := s.rules.StaffRules()
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	if rules.needs(p.Grants) {
		return FactorNeeded
	}
	if err := s.confirm(r, p, password); err != nil {
		return err
	}
	return s.renew(r, p, "factor_removed", func(a *Account) error {
		a.Factor = Factor{}
		return nil
	})
}

// ResetFactor takes somebody's second factor away who has lost phone and
// recovery codes, and signs them out everywhere.
func (s *Service) ResetFactor(by, name string) error {
	err := s.change(by, "factor_reset", name, s.site(name), "", func(a *Account) error {
		a.Factor = Factor{}
		a.Epoch++
		return nil
	})
	if err == nil {
		s.cutPerson(name)
	}
	return err
}

// recovery makes a set of recovery codes with one salt, so that a code that is
// typed costs one hash and not ten.
func (s *Service) recovery(ctx context.Context) (codes []string, salt []byte, hashes [][]byte, err error) {
	salt = make([]byte, 16)
	rand.Read(salt)
	for range recoveryCodes {
		code := identity.NewCode()
		hash, err := s.hasher.stretch(ctx, code, salt)
		if err != nil {
			return nil, nil, nil, err
		}
		codes, hashes = append(codes, code), append(hashes, hash)
	}
	return codes, salt, hashes, nil
}
