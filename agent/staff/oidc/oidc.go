// Package oidc lets an organisation's own sign-in service (OpenID Connect: a
// city's Entra ID, a Keycloak) vouch for people. It asks the service who
// somebody is and checks the answer: signature, issuer, audience, time, nonce,
// and the proof that the browser which comes back is the one that set out.
//
// It never decides what somebody may do, never makes an account, and asks for
// no group or role. It takes no address from a request: where the browser goes
// and where it comes back stands in the configuration.
//
// Caveat: the service is first asked when somebody wants to sign in, so that
// the agent starts without it; a wrong issuer shows only then.
package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"yhteiskone/agent/staff"
)

// Config is how the service knows this agent.
type Config struct {
	Issuer string
	Client string // client identifier
	Secret string // client secret; empty: a public client, with PKCE alone
	Return string // the whole address at which the browser comes back
	HTTP   *http.Client
}

// answerTime is how long the service may take to answer.
const answerTime = 10 * time.Second

// Provider is a staff.Provider. It is safe for concurrent use.
type Provider struct {
	config Config

	mu    sync.Mutex
	known *oidc.Provider // what the service said of itself, once it did
}

// New makes a provider; it asks nobody anything yet.
func New(c Config) *Provider {
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: answerTime}
	}
	return &Provider{config: c}
}

// discover asks the service for its addresses and keys, until it answers once.
// Its context is not a request's: the keys are fetched with it later on.
func (p *Provider) discover() (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	known, err := oidc.NewProvider(oidc.ClientContext(context.Background(), p.config.HTTP), p.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the sign-in service about itself: %w", err)
	}
	p.known = known
	return known, nil
}

func (p *Provider) oauth(known *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.config.Client, ClientSecret: p.config.Secret, RedirectURL: p.config.Return,
		Endpoint: known.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "email"}}
}

// Start is staff.Provider's.
func (p *Provider) Start(_ context.Context, way staff.Passage) (string, error) {
	known, err := p.discover()
	if err != nil {
		return "", err
	}
	return p.oauth(known).AuthCodeURL(way.State, oidc.Nonce(way.Nonce), oauth2.S256ChallengeOption(way.Verifier)), nil
}

// Finish is staff.Provider's.
func (p *Provider) Finish(ctx context.Context, code string, way staff.Passage) (staff.Identity, error) {
	known, err := p.discover()
	if err != nil {
		return staff.Identity{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.config.HTTP), answerTime)
	defer cancel()
	token, err := p.oauth(known).Exchange(ctx, code, oauth2.VerifierOption(way.Verifier))
	if err != nil {
		return staff.Identity{}, fmt.Errorf("trade the code: %w", bare(err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.VerifierContext(oidc.ClientContext(context.Background(), p.config.HTTP), &oidc.Config{ClientID: p.config.Client}).Verify(ctx, raw)
	if err != nil {
		return staff.Identity{}, fmt.Errorf("check the sign-in service's word: %w", err)
	}
	if id.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(way.Nonce)) != 1 {
		return staff.Identity{}, errors.New("check the sign-in service's word: it is for another sign-in")
	}
	var said struct {
		Mail     string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&said); err != nil {
		return staff.Identity{}, fmt.Errorf("read the sign-in service's word: %w", err)
	}
	if id.Subject == "" {
		return staff.Identity{}, errors.New("read the sign-in service's word: it names nobody")
	}
	return staff.Identity{Subject: id.Issuer + " " + id.Subject, Mail: said.Mail, Verified: said.Verified}, nil
}

// bare leaves of an error what is fit for a log: what the service answered in
// full may hold what is secret.
func bare(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return err
	}
	status := "no status"
	if answer.Response != nil {
		status = answer.Response.Status
	}
	return fmt.Errorf("the sign-in service refused it (%s, %q)", status, answer.ErrorCode)
}
