package staff

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// codeLife is how long a new person has until the first sign-in: who is
// invited on a Friday begins on Monday.
const codeLife = 7 * 24 * time.Hour

// Newcomer is somebody who is to have an account.
type Newcomer struct {
	Name   string
	Mail   string // may be empty
	Grants []Grant
}

// Invitation is what a person signs in with for the first time. The code is
// told once; only its hash is kept.
type Invitation struct {
	Name, Shown string
	Code        string
	Expires     time.Time
}

// Member is one account as others may see it: without any secret.
type Member struct {
	Name, Shown, Mail string
	Grants            []Grant
	Waiting           bool // has not signed in yet
	Invited           bool // a one-time code is open
	Disabled          bool
	Factor            bool // has a second factor
	Recovery          int  // recovery codes that are left
	Linked            bool // signs in through the provider
	Password          bool // has one
	Language          string
	Created           time.Time
}

// Errors of changing people; errors.Is tells them apart.
var (
	ErrMailTaken = errors.New("somebody else has this mail address")
	ErrLastRole  = errors.New("this is the person's only role; disable the account instead")
)

// FoldMail brings a mail address into the form in which addresses are
// compared, or refuses it. "" is no address and passes.
func FoldMail(mail string) (string, error) {
	mail = strings.ToLower(norm.NFKC.String(strings.TrimSpace(mail)))
	if mail == "" {
		return "", nil
	}
	local, host, ok := strings.Cut(mail, "@")
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>()[]\,;:"`, r) }
	if !ok || local == "" || len(mail) > 254 || strings.Contains(host, "@") || !strings.Contains(host, ".") ||
		strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.ContainsFunc(mail, odd) {
		return "", fmt.Errorf("%q is not a mail address", mail)
	}
	return mail, nil
}

// newAccount checks a newcomer.
func (s *Service) newAccount(n Newcomer) (Account, error) {
	shown := strings.Join(strings.Fields(norm.NFC.String(n.Name)), " ")
	if err := fleet.CheckName("the name", shown); err != nil {
		return Account{}, fmt.Errorf("%w: %w", err, NameBad)
	}
	if Fold(shown) == Console || strings.HasPrefix(Fold(shown), tokenPerson) {
		return Account{}, fmt.Errorf("the name %q is taken by the agent itself: %w", shown, NameBad)
	}
	if !strings.ContainsFunc(shown, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return Account{}, fmt.Errorf("the name %q has neither a letter nor a digit: %w", shown, NameBad)
	}
	grants, err := CheckGrants(n.Grants)
	if err != nil {
		return Account{}, err
	}
	mail, err := FoldMail(n.Mail)
	if err != nil {
		return Account{}, err
	}
	return Account{Name: Fold(shown), Shown: shown, Mail: mail, Grants: grants, Created: s.now()}, nil
}

// add stores a new account; what by did is written down before.
func (s *Service) add(by string, a Account) error {
	s.adding.Lock()
	defer s.adding.Unlock()
	switch _, err := s.accounts.Account(a.Name); {
	case err == nil:
		return fmt.Errorf("add %s: %w", a.Shown, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return fmt.Errorf("add %s: %w", a.Shown, err)
	}
	if err := s.mailFree(a.Mail, a.Name); err != nil {
		return fmt.Errorf("add %s: %w", a.Shown, err)
	}
	if err := s.note(by, "account_added", only(a.Grants), a.Name); err != nil {
		return err
	}
	if err := s.accounts.AddAccount(a); err != nil {
		return fmt.Errorf("add %s: %w", a.Shown, err)
	}
	return nil
}

func (s *Service) mailFree(mail, name string) error {
	if mail == "" {
		return nil
	}
	all, err := s.accounts.Accounts()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(a Account) bool { return a.Mail == mail && a.Name != name }) {
		return ErrMailTaken
	}
	return nil
}

// Invite adds a person and returns the one-time code with which they sign in
// for the first time and choose a password.
func (s *Service) Invite(by string, n Newcomer) (Invitation, error) {
	a, err := s.newAccount(n)
	if err != nil {
		return Invitation{}, err
	}
	i := s.invitation(&a)
	return i, s.add(by, a)
}

// invitation gives the account a fresh code.
func (s *Service) invitation(a *Account) Invitation {
	i := Invitation{a.Name, a.Shown, identity.NewCode(), s.now().Add(codeLife)}
	a.CodeHash, a.CodeExpires = identity.HashCode(i.Code), i.Expires
	return i
}

// change alters an account of somebody else; what by did is written down
// before. A person that is gone leaves no trace of the attempt.
func (s *Service) change(by, action, name string, site fleet.SiteID, detail string, f func(*Account) error) error {
	a, err := s.accounts.Account(Fold(name))
	if err != nil {
		return fmt.Errorf("change the account of %s: %w", name, err)
	}
	if err := f(&a); err != nil {
		return err
	}
	if err := s.note(by, action, site, strings.TrimSpace(Fold(name)+" "+detail)); err != nil {
		return err
	}
	if err := s.accounts.ChangeAccount(Fold(name), f); err != nil {
		return fmt.Errorf("change the account of %s: %w", name, err)
	}
	return nil
}

// site is where somebody belongs, for the audit.
func (s *Service) site(name string) fleet.SiteID {
	a, err := s.accounts.Account(Fold(name))
	if err != nil {
		return ""
	}
	return only(a.Grants)
}

// Renew gives a person a new one-time code, for somebody who forgot the
// password. The old password works until the code is used.
func (s *Service) Renew(by, name string) (i Invitation, err error) {
	fresh := Account{}
	i = s.invitation(&fresh)
	err = s.change(by, "code_renewed", name, s.site(name), "", func(a *Account) error {
		a.CodeHash, a.CodeExpires = fresh.CodeHash, fresh.CodeExpires
		i.Name, i.Shown = a.Name, a.Shown
		return nil
	})
	return i, err
}

// SetDisabled shuts a person out, at once and everywhere, or lets them in
// again.
func (s *Service) SetDisabled(by, name string, disabled bool) error {
	word := "account_enabled"
	if disabled {
		word = "account_disabled"
	}
	err := s.change(by, word, name, s.site(name), "", func(a *Account) error {
		a.Disabled = disabled
		a.CodeHash = nil
		a.Epoch++
		return nil
	})
	if err == nil {
		s.cutPerson(name)
	}
	return err
}

// SetRole gives a person a role at a site, or takes it away when role is
// empty. Live pages are cut, so that they are drawn anew for the new role.
func (s *Service) SetRole(by, name string, site fleet.SiteID, role Role) error {
	word, detail := "role_given", string(role)
	if role == "" {
		word = "role_taken"
	}
	err := s.change(by, word, name, site, detail, func(a *Account) error {
		rest := slices.DeleteFunc(slices.Clone(a.Grants), func(g Grant) bool { return g.Site == site })
		if role != "" {
			rest = append(rest, Grant{role, site})
		} else if len(rest) == 0 {
			return ErrLastRole
		}
		var err error
		a.Grants, err = CheckGrants(rest)
		return err
	})
	if err == nil {
		s.cutPerson(name)
	}
	return err
}

// SetGrants replaces all roles of a person.
func (s *Service) SetGrants(by, name string, grants []Grant) error {
	grants, err := CheckGrants(grants)
	if err != nil {
		return err
	}
	err = s.change(by, "role_given", name, only(grants), string(Greatest(grants)), func(a *Account) error {
		a.Grants = grants
		return nil
	})
	if err == nil {
		s.cutPerson(name)
	}
	return err
}

// SetMail changes a person's mail address. Who they were to the provider
// counts no longer.
func (s *Service) SetMail(by, name, mail string) error {
	mail, err := FoldMail(mail)
	if err != nil {
		return err
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	if err := s.mailFree(mail, Fold(name)); err != nil {
		return err
	}
	return s.change(by, "mail_changed", name, s.site(name), "", func(a *Account) error {
		if a.Mail != mail {
			a.Mail, a.Subject = mail, ""
		}
		return nil
	})
}

// SetLanguage keeps the language that a person chose.
func (s *Service) SetLanguage(name, language string) error {
	err := s.accounts.ChangeAccount(Fold(name), func(a *Account) error {
		a.Language = language
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the language: %w", err)
	}
	return nil
}

// Remove removes a person for good. What they did stays in the audit.
func (s *Service) Remove(by, name string) error {
	a, err := s.accounts.Account(Fold(name))
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	if err := s.note(by, "account_removed", only(a.Grants), a.Name); err != nil {
		return err
	}
	if err := s.accounts.DeleteAccount(a.Name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	s.cutPerson(name)
	return s.drop(func(d Device) bool { return d.person == a.Name })
}

// People lists the accounts without their secrets, ordered by name.
func (s *Service) People() ([]Member, error) {
	all, err := s.accounts.Accounts()
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	var out []Member
	for _, a := range all {
		out = append(out, s.member(a))
	}
	return out, nil
}

// Member returns one person, or ErrNotFound.
func (s *Service) Member(name string) (Member, error) {
	a, err := s.accounts.Account(Fold(name))
	if err != nil {
		return Member{}, fmt.Errorf("look up %s: %w", name, err)
	}
	return s.member(a), nil
}

func (s *Service) member(a Account) Member {
	return Member{Name: a.Name, Shown: a.Shown, Mail: a.Mail, Grants: a.Grants, Waiting: a.PasswordHash == "" && a.Subject == "",
		Invited: len(a.CodeHash) > 0 && s.now().Before(a.CodeExpires), Disabled: a.Disabled, Factor: a.Factor.On(),
		Recovery: len(a.Factor.Recovery), Linked: a.Subject != "", Password: a.PasswordHash != "", Language: a.Language, Created: a.Created}
}

// Rules returns what was agreed on.
func (s *Service) Rules() (Rules, error) { return s.rules.StaffRules() }

// SetRules changes it. A role that now needs a second factor keeps its
// sessions, but only for setting one up.
func (s *Service) SetRules(by string, r Rules) error {
	var words []string
	for _, role := range r.Factor {
		if _, err := ParseRole(string(role)); err != nil {
			return err
		}
		words = append(words, string(role))
	}
	if err := s.note(by, "rules_changed", "", strings.Join(words, " ")); err != nil {
		return err
	}
	if err := s.rules.SetStaffRules(r); err != nil {
		return fmt.Errorf("keep the rules: %w", err)
	}
	s.cut(func(stream) bool { return true }) // each comes back, if it still may
	return nil
}

// needs tells whether one of the roles asks for a second factor.
func (r Rules) needs(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return slices.Contains(r.Factor, g.Role) })
}
