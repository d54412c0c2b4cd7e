package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// peopleOperator is what the command line can ask for about people and tokens.
type peopleOperator interface {
	AddUser(ctx context.Context, r userRequest) (userAnswer, error)
	RenewUser(ctx context.Context, r renewRequest) (userAnswer, error)
	ChangeUser(ctx context.Context, r changeRequest) (nothing, error)
	Users(ctx context.Context) ([]userLine, error)
	AddToken(ctx context.Context, r tokenRequest) (tokenAnswer, error)
	RemoveToken(ctx context.Context, r renewRequest) (nothing, error)
	Tokens(ctx context.Context) ([]tokenLine, error)
}

// nothing is the answer to what is only done.
type nothing struct{}

type grantLine struct {
	Role staff.Role   `json:"role"`
	Site fleet.SiteID `json:"site,omitempty"`
}

func grantsIn(all []grantLine) (out []staff.Grant) {
	for _, g := range all {
		out = append(out, staff.Grant(g))
	}
	return out
}

func grantsOut(all []staff.Grant) (out []grantLine) {
	for _, g := range all {
		out = append(out, grantLine(g))
	}
	return out
}

type userRequest struct {
	Name     string      `json:"name"`
	Mail     string      `json:"mail,omitempty"`
	Grants   []grantLine `json:"grants"`
	Password string      `json:"password,omitempty"`
}

type renewRequest struct {
	Name string `json:"name"`
}

// changeRequest changes one person; Do is one of the words in ChangeUser.
type changeRequest struct {
	Name   string      `json:"name"`
	Do     string      `json:"do"`
	Grants []grantLine `json:"grants,omitempty"`
	Mail   string      `json:"mail,omitempty"`
}

type userAnswer struct {
	Code    string    `json:"code,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Agent   string    `json:"agent,omitempty"`
}

type tokenRequest struct {
	Name   string      `json:"name"`
	Grants []grantLine `json:"grants"`
}

type tokenAnswer struct {
	Token string `json:"token"`
}

type tokenLine struct {
	Name    string      `json:"name"`
	Grants  []grantLine `json:"grants"`
	Created time.Time   `json:"created"`
}

type userLine struct {
	Name     string      `json:"name"`
	Mail     string      `json:"mail,omitempty"`
	Grants   []grantLine `json:"grants"`
	Disabled bool        `json:"disabled,omitempty"`
	Waiting  bool        `json:"waiting,omitempty"` // has not yet signed in
	Factor   bool        `json:"factor,omitempty"`  // has a second factor
}

// userError is an error of what somebody asked for, not of the agent.
func userError(err error, name string) error {
	var problem staff.Problem
	switch {
	case errors.Is(err, staff.ErrExists):
		return badInput("%w; choose another name", err)
	case errors.Is(err, staff.ErrNotFound):
		return badInput("nobody is called %q; see agent user list", name)
	case errors.As(err, &problem), errors.Is(err, staff.ErrMailTaken), errors.Is(err, staff.ErrLastRole):
		return badInput("%w", err)
	}
	return err
}

// AddUser adds a person, who signs in with the password or the one-time code.
func (c *console) AddUser(ctx context.Context, r userRequest) (userAnswer, error) {
	address, err := c.store.Address()
	if err != nil {
		return userAnswer{}, err
	}
	n := staff.Newcomer{Name: r.Name, Mail: r.Mail, Grants: grantsIn(r.Grants)}
	if r.Password != "" {
		return userAnswer{Agent: address}, userError(c.staff.AddWithPassword(ctx, staff.Console, n, r.Password), r.Name)
	}
	i, err := c.staff.Invite(staff.Console, n)
	return userAnswer{i.Code, i.Expires.UTC(), address}, userError(err, r.Name)
}

// RenewUser gives a person a fresh one-time code; their password goes on until
// they use it.
func (c *console) RenewUser(ctx context.Context, r renewRequest) (userAnswer, error) {
	address, err := c.store.Address()
	if err != nil {
		return userAnswer{}, err
	}
	i, err := c.staff.Renew(staff.Console, r.Name)
	return userAnswer{i.Code, i.Expires.UTC(), address}, userError(err, r.Name)
}

// ChangeUser changes a person.
func (c *console) ChangeUser(_ context.Context, r changeRequest) (nothing, error) {
	var err error
	switch r.Do {
	case "role":
		err = c.staff.SetGrants(staff.Console, r.Name, grantsIn(r.Grants))
	case "mail":
		err = c.staff.SetMail(staff.Console, r.Name, r.Mail)
	case "disable", "enable":
		err = c.staff.SetDisabled(staff.Console, r.Name, r.Do == "disable")
	case "remove":
		err = c.staff.Remove(staff.Console, r.Name)
	case "reset-factor":
		err = c.staff.ResetFactor(staff.Console, r.Name)
	case "sign-out":
		err = c.staff.EndAll(staff.Console, r.Name)
	default:
		err = badInput("there is no change %q", r.Do)
	}
	return nothing{}, userError(err, r.Name)
}

// Users lists the people.
func (c *console) Users(context.Context) ([]userLine, error) {
	people, err := c.staff.People()
	lines := []userLine{}
	for _, p := range people {
		lines = append(lines, userLine{p.Shown, p.Mail, grantsOut(p.Grants), p.Disabled, p.Waiting, p.Factor})
	}
	return lines, err
}

// AddToken makes a bearer token.
func (c *console) AddToken(_ context.Context, r tokenRequest) (tokenAnswer, error) {
	token, err := c.staff.AddToken(staff.Console, r.Name, grantsIn(r.Grants))
	return tokenAnswer{token}, userError(err, r.Name)
}

// RemoveToken makes a bearer token worthless.
func (c *console) RemoveToken(_ context.Context, r renewRequest) (nothing, error) {
	err := c.staff.RemoveToken(staff.Console, r.Name)
	if errors.Is(err, staff.ErrNotFound) {
		err = badInput("no token is called %q; see agent token list", r.Name)
	}
	return nothing{}, err
}

// Tokens lists the bearer tokens.
func (c *console) Tokens(context.Context) ([]tokenLine, error) {
	all, err := c.staff.ListTokens()
	lines := []tokenLine{}
	for _, t := range all {
		lines = append(lines, tokenLine{t.Name, grantsOut(t.Grants), t.Created})
	}
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return lines, nil
}
