package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// keyPassage is the way to the provider and back, in the web session of the
// browser that set out; so nobody comes back who did not set out.
const keyPassage = "passage"

// passageLife is how long somebody may take at the provider.
const passageLife = 10 * time.Minute

// Provider vouches for people: a sign-in service of the organisation.
// Implemented by agent/staff/oidc.
type Provider interface {
	// Start returns the address at the provider where the browser goes.
	Start(ctx context.Context, p Passage) (string, error)
	// Finish trades the code that the browser brought back for who it is.
	Finish(ctx context.Context, code string, p Passage) (Identity, error)
}

// Passage is what ties the way to the provider to the way back. All three are
// random.
type Passage struct{ State, Nonce, Verifier string }

// Identity is whom a provider vouches for.
type Identity struct {
	Subject  string // stable, and never given to somebody else; with the issuer in it
	Mail     string
	Verified bool // the provider says that the mail address is really theirs
}

// HasProvider tells whether people may sign in through one.
func (s *Service) HasProvider() bool { return s.provider != nil }

// StartProvider returns where the browser goes to sign in.
func (s *Service) StartProvider(r *http.Request) (string, error) {
	if !s.byAddr.allow(s.address(r), s.now()) {
		return "", TooManyTries
	}
	p := Passage{rand.Text(), rand.Text(), rand.Text() + rand.Text()}
	to, err := s.provider.Start(r.Context(), p)
	if err != nil {
		s.log.Warn("the sign-in provider does not answer", "why", err)
		return "", ProviderFailed
	}
	until := s.now().Add(passageLife).UTC().Format(time.RFC3339)
	s.web.Put(r.Context(), keyPassage, []byte(p.State+" "+p.Nonce+" "+p.Verifier+" "+until))
	return to, nil
}

// FinishProvider signs in who comes back from the provider. An account must be
// there already: the provider says who somebody is, never what they may do.
func (s *Service) FinishProvider(r *http.Request, state, code string) error {
	if !s.byAddr.allow(s.address(r), s.now()) {
		return TooManyTries
	}
	p, ok := s.passage(r.Context())
	if !ok || code == "" || subtle.ConstantTimeCompare([]byte(p.State), []byte(state)) != 1 {
		return ProviderFailed
	}
	who, err := s.provider.Finish(r.Context(), code, p)
	if err != nil {
		s.log.Warn("sign-in through the provider refused", "why", err)
		return ProviderFailed
	}
	a, err := s.vouched(who)
	if err != nil {
		return err
	}
	return s.arrive(r, a, "signed_in")
}

// passage takes the passage out of the session: it is good for one return.
func (s *Service) passage(ctx context.Context) (Passage, bool) {
	var p Passage
	var until string
	raw := s.web.PopBytes(ctx, keyPassage)
	if n, err := fmt.Sscan(string(raw), &p.State, &p.Nonce, &p.Verifier, &until); n != 4 || err != nil {
		return Passage{}, false
	}
	end, err := time.Parse(time.RFC3339, until)
	return p, err == nil && s.now().Before(end)
}

// vouched finds the account of whom the provider named: by the subject that it
// was bound to at the first sign-in, or else, once, by a verified mail address.
func (s *Service) vouched(who Identity) (Account, error) {
	all, err := s.accounts.Accounts()
	if err != nil {
		return Account{}, fmt.Errorf("list accounts: %w", err)
	}
	if who.Subject == "" {
		return Account{}, ProviderFailed
	}
	for _, a := range all {
		if a.Subject == who.Subject {
			if a.Disabled {
				return Account{}, ProviderUnknown
			}
			return a, nil
		}
	}
	mail, err := FoldMail(who.Mail)
	if err != nil || mail == "" || !who.Verified {
		return Account{}, ProviderUnknown
	}
	for _, a := range all {
		if a.Mail == mail && a.Subject == "" && !a.Disabled {
			return s.bind(a.Name, mail, who.Subject)
		}
	}
	return Account{}, ProviderUnknown
}

// bind ties an account to a subject of the provider for good. A code that is
// still open is used up by it.
func (s *Service) bind(name, mail, subject string) (now Account, err error) {
	if err := s.note(name, "provider_linked", s.site(name), ""); err != nil {
		return now, err
	}
	err = s.accounts.ChangeAccount(name, func(a *Account) error {
		if a.Mail != mail || a.Subject != "" || a.Disabled {
			return ProviderUnknown
		}
		a.Subject, a.CodeHash = subject, nil
		now = *a
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		err = ProviderUnknown
	}
	return now, err
}
