package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"yhteiskone/agent/backup"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// operator is what the command line can ask for, of a running agent or of the
// store itself.
type operator interface {
	Enrol(ctx context.Context, who string, r wire.EnrolmentRequest) (wire.Enrolment, error)
	AddUser(ctx context.Context, r userRequest) (userAnswer, error)
	RenewUser(ctx context.Context, r renewRequest) (userAnswer, error)
	AddToken(ctx context.Context, r tokenRequest) (tokenAnswer, error)
	Users(ctx context.Context) ([]userLine, error)

	// Backup writes a backup to a file that is the caller's.
	Backup(ctx context.Context, path string) (backup.About, error)
	// Check looks through the store.
	Check(ctx context.Context) (store.Holds, error)
	// TakeIn puts a backup that was staged in the place of the data.
	TakeIn(ctx context.Context) error
}

type userRequest struct {
	Name     string       `json:"name"`
	Role     staff.Role   `json:"role"`
	Site     fleet.SiteID `json:"site,omitempty"`
	Password string       `json:"password,omitempty"`
}

type renewRequest struct {
	Name string `json:"name"`
}

type userAnswer struct {
	Code    string    `json:"code,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Agent   string    `json:"agent,omitempty"`
}

type tokenRequest struct {
	Name string       `json:"name"`
	Role staff.Role   `json:"role"`
	Site fleet.SiteID `json:"site,omitempty"`
}

type tokenAnswer struct {
	Token string `json:"token"`
}

type userLine struct {
	Name     string       `json:"name"`
	Role     staff.Role   `json:"role"`
	Site     fleet.SiteID `json:"site,omitempty"`
	Disabled bool         `json:"disabled,omitempty"`
	Waiting  bool         `json:"waiting,omitempty"` // has not yet signed in
}

// console is an operator over the store. named is called when a site has a
// new name.
type console struct {
	store  *store.Store
	staff  *staff.Service
	pin    identity.Pin
	named  func(fleet.Site)
	keeper backup.Keeper
	again  func() // starts the agent anew; nil if none runs
}

// userError is an error of what somebody asked for, not of the agent.
func userError(err error) error {
	var problem staff.Problem
	switch {
	case errors.Is(err, staff.ErrExists):
		return badInput("%w; choose another name", err)
	case errors.As(err, &problem):
		return badInput("%w", err)
	}
	return err
}

// numberRoom is what "Kone 2000" needs behind the name.
const numberRoom = 5

// Enrol makes an enrolment code.
func (c *console) Enrol(_ context.Context, who string, r wire.EnrolmentRequest) (wire.Enrolment, error) {
	if _, err := wire.EncodeBody(r); err != nil {
		return wire.Enrolment{}, badInput("%w", errors.Unwrap(err))
	}
	if r.Uses > 1 && len([]rune(r.Name)) > fleet.NameLimit-numberRoom {
		return wire.Enrolment{}, badInput("name is longer than %d characters, and a number must fit behind it", fleet.NameLimit-numberRoom)
	}
	address, err := c.store.Address()
	if err != nil {
		return wire.Enrolment{}, err
	}
	if address == "" {
		return wire.Enrolment{}, notNow("the agent never ran with this data folder, so nobody knows its address; start agent serve first")
	}
	if err := c.nameSite(r); err != nil {
		return wire.Enrolment{}, err
	}
	now := time.Now()
	code := identity.NewCode()
	e := wire.Enrolment{Code: code, Agent: address, Pin: string(c.pin),
		Expires: now.Add(time.Duration(r.TTLS) * time.Second).UTC().Truncate(time.Second)}
	err = c.store.PutCode(store.Code{Hash: identity.HashCode(code), Site: r.Site, Name: r.Name, Place: r.Place,
		Uses: r.Uses, Expires: e.Expires}, who, now)
	if err != nil {
		return wire.Enrolment{}, fmt.Errorf("make a code: %w", err)
	}
	return e, nil
}

// nameSite makes the site known. A name for one that has another name already
// changes it.
func (c *console) nameSite(r wire.EnrolmentRequest) error {
	site := fleet.Site{ID: r.Site, Name: r.SiteName}
	if site.Name == "" {
		sites, err := c.store.Sites()
		if err != nil {
			return err
		}
		for _, s := range sites {
			if s.ID == r.Site {
				return nil
			}
		}
		site.Name = string(r.Site)
	}
	changed, err := c.store.PutSites(site)
	if err != nil {
		return fmt.Errorf("keep the site: %w", err)
	}
	if changed && c.named != nil {
		c.named(site)
	}
	return nil
}

// AddToken makes a bearer token.
func (c *console) AddToken(_ context.Context, r tokenRequest) (tokenAnswer, error) {
	token, err := c.staff.AddToken(staff.Console, r.Name, r.Role, r.Site)
	return tokenAnswer{token}, userError(err)
}

// AddUser adds a person, who signs in with the password or the one-time code.
func (c *console) AddUser(ctx context.Context, r userRequest) (userAnswer, error) {
	address, err := c.store.Address()
	if err != nil {
		return userAnswer{}, err
	}
	if r.Password != "" {
		return userAnswer{Agent: address}, userError(c.staff.AddWithPassword(ctx, staff.Console, r.Name, r.Role, r.Site, r.Password))
	}
	code, expires, err := c.staff.Invite(staff.Console, r.Name, r.Role, r.Site)
	return userAnswer{code, expires.UTC(), address}, userError(err)
}

// RenewUser gives a person a fresh one-time code; their password goes on until
// they use it.
func (c *console) RenewUser(ctx context.Context, r renewRequest) (userAnswer, error) {
	address, err := c.store.Address()
	if err != nil {
		return userAnswer{}, err
	}
	code, expires, err := c.staff.Renew(staff.Console, r.Name)
	if errors.Is(err, staff.ErrNotFound) {
		err = badInput("nobody is called %q; see agent user list", r.Name)
	}
	return userAnswer{code, expires.UTC(), address}, err
}

// Users lists the people.
func (c *console) Users(context.Context) ([]userLine, error) {
	people, err := c.staff.People()
	lines := []userLine{}
	for _, p := range people {
		lines = append(lines, userLine{p.Shown, p.Role, p.Site, p.Disabled, p.PasswordHash == ""})
	}
	return lines, err
}

// operate returns the operator of a data folder: the agent that runs on it, or
// the store itself. Whoever holds the store's lock is the one to ask, so the
// two never meet: an agent that is just starting or stopping is waited for.
func operate(ctx context.Context, dir string) (operator, func() error, error) {
	for deadline := time.Now().Add(10 * time.Second); ; {
		if c, ok := dialControl(ctx, dir); ok {
			return c, func() error { return nil }, nil
		}
		d, err := openData(dir, nil)
		if err == nil {
			people, err := newStaff(d.store, true, slog.New(slog.DiscardHandler))
			if err != nil {
				d.Close()
				return nil, nil, err
			}
			return &console{store: d.store, staff: people, pin: d.id.Pin(), keeper: d.keeper()}, d.Close, nil
		}
		if !errors.Is(err, store.ErrBusy) {
			return nil, nil, err
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, nil, notNow("the data folder %s is in use, and whoever uses it does not answer; try again", dir)
		}
	}
}

func newStaff(st *store.Store, secure bool, log *slog.Logger) (*staff.Service, error) {
	return staff.New(staff.Config{Accounts: st, Sessions: st.Web(time.Now), Tokens: st, Audit: st,
		Secure: secure, Now: time.Now, Log: log})
}

// fingerprint is what people compare: of the identity's key, which stays the
// same when certificates are renewed.
func fingerprint(pin string) (string, error) {
	_, key, err := identity.ParsePin(pin)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("read the pin: %w", err)
	}
	return identity.Fingerprint(der), nil
}
