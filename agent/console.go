package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"yhteiskone/agent/backup"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/releases"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// operator is what the command line can ask for, of a running agent or of the
// store itself.
type operator interface {
	Enrol(ctx context.Context, who staff.Person, r wire.EnrolmentRequest) (wire.Enrolment, error)
	peopleOperator

	// Offer orders kiosks to take a release; Released keeps in the audit what
	// was done to the releases.
	Offer(ctx context.Context, who staff.Person, r offerRequest) (offerAnswer, error)
	Released(ctx context.Context, n releaseNote) (nothing, error)

	// Backup writes a backup to a file that is the caller's.
	Backup(ctx context.Context, path string) (backup.About, error)
	// Check looks through the store.
	Check(ctx context.Context) (store.Holds, error)
	// TakeIn puts a backup that was staged in the place of the data.
	TakeIn(ctx context.Context) error
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

	releases *releases.Keeper
	ordered  func(gate.Order) // is told of an order; nil if no agent runs
}

// numberRoom is what "Kone 2000" needs behind the name.
const numberRoom = 5

// errElsewhere says that the site is not the asker's.
var errElsewhere = errors.New("you may not enrol kiosks at this site")

// Enrol makes an enrolment code, for whoever may enrol at that very site.
func (c *console) Enrol(_ context.Context, who staff.Person, r wire.EnrolmentRequest) (wire.Enrolment, error) {
	if r.Replaces == "" && !staff.May(who, staff.EnrolKiosk, r.Site) {
		return wire.Enrolment{}, errElsewhere
	}
	if _, err := wire.EncodeBody(r); err != nil {
		return wire.Enrolment{}, badInput("%w", errors.Unwrap(err))
	}
	var replaces fleet.KioskID
	if r.Replaces != "" {
		k, err := c.replaced(who, r)
		if err != nil {
			return wire.Enrolment{}, err
		}
		replaces, r.Site, r.Name, r.Place = k.ID, k.Site, k.Name, k.Place
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
	hash := identity.HashCode(code)
	e := wire.Enrolment{Code: code, Agent: address, Pin: string(c.pin), ID: store.CodeID(hash), Site: r.Site, Name: r.Name,
		Expires: now.Add(time.Duration(r.TTLS) * time.Second).UTC().Truncate(time.Second)}
	err = c.store.PutCode(store.Code{Hash: hash, Site: r.Site, Name: r.Name, Place: r.Place, Notes: r.Notes,
		Uses: r.Uses, Expires: e.Expires, Replaces: replaces, Once: r.Once}, who.Name, now)
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
			people, err := newStaff(staff.Config{Secure: true, Log: slog.New(slog.DiscardHandler)}, d.store)
			if err != nil {
				d.Close()
				return nil, nil, err
			}
			return &console{store: d.store, staff: people, pin: d.id.Pin(), keeper: d.keeper(), releases: releasesIn(dir)}, d.Close, nil
		}
		if !errors.Is(err, store.ErrBusy) {
			return nil, nil, err
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, nil, notNow("the data folder %s is in use, and whoever uses it does not answer; try again", dir)
		}
	}
}

// newStaff makes the staff over the store.
func newStaff(c staff.Config, st *store.Store) (*staff.Service, error) {
	c.Accounts, c.Sessions, c.Tokens, c.Audit, c.Rules, c.Now = st, st.Web(time.Now), st, st, st, time.Now
	return staff.New(c)
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
