package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME says where certificates are to be had, and for what.
type ACME struct {
	Domains   []string
	Email     string // whom the authority tells of trouble
	Directory string // of the authority; empty: Let's Encrypt's
	CAFile    string // the authority's own certificate's roots; empty: the system's
	Folder    string // where certificates and the account's key are kept
}

// Issuer has certificates from an authority, which asks for proof at this
// agent's port 443 (ACME, tls-alpn-01). It renews them after two thirds of their
// life. Nobody waits for it: until there is a certificate, and whenever there is
// no valid one, the agent shows its own.
type Issuer struct {
	from    *autocert.Manager
	domains []string
	log     *slog.Logger

	mu   sync.RWMutex
	have map[string]bool // the domains for which there was a certificate
	runs bool
}

// NewIssuer prepares one; Run does the work.
func NewIssuer(c ACME, log *slog.Logger) (*Issuer, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	i := &Issuer{log: log, domains: c.Domains, have: map[string]bool{}}
	i.from = &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: shelf{autocert.DirCache(c.Folder), i}, Email: c.Email,
		HostPolicy: autocert.HostWhitelist(c.Domains...),
		Client:     &acme.Client{DirectoryURL: c.Directory, HTTPClient: &http.Client{Transport: road{transport, i}, Timeout: time.Minute}}}
	return i, nil
}

// autocert's timers cannot be stopped. While Run does not run, they find that
// the authority is away and that nothing can be kept.
var errStopped = errors.New("the agent has stopped")

// road is the way to the authority.
type road struct {
	http.RoundTripper
	of *Issuer
}

// RoundTrip asks the authority.
func (r road) RoundTrip(q *http.Request) (*http.Response, error) {
	if !r.of.running() {
		return nil, errStopped
	}
	return r.RoundTripper.RoundTrip(q)
}

// shelf is where certificates are kept.
type shelf struct {
	autocert.Cache
	of *Issuer
}

// Put keeps one. A stop waits until it is written.
func (s shelf) Put(ctx context.Context, key string, text []byte) error {
	s.of.mu.RLock()
	defer s.of.mu.RUnlock()
	if !s.of.runs {
		return errStopped
	}
	return s.Cache.Put(ctx, key, text)
}

func (i *Issuer) running() bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.runs
}

func (i *Issuer) run(yes bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.runs = yes
}

// Protocol is what the authority says in its greeting when it asks for proof.
const Protocol = acme.ALPNProto

// Proof answers the authority's question, if it is one.
func (i *Issuer) Proof(hello *tls.ClientHelloInfo) (cert *tls.Certificate, asked bool, err error) {
	if len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != Protocol {
		return nil, false, nil
	}
	cert, err = i.from.GetCertificate(hello)
	return cert, true, err
}

// Certificate returns the certificate for a name; nil if there is none.
func (i *Issuer) Certificate(name string) *tls.Certificate {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !i.known(name) {
		return nil
	}
	c, err := i.from.GetCertificate(wish(name))
	if err != nil {
		return nil
	}
	return c
}

// wish is a greeting of somebody who takes what every browser takes. Others are
// not asked, so that nobody makes us order another kind of certificate.
func wish(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// Expires is when the first of the certificates ends; zero while there is none.
func (i *Issuer) Expires() (first time.Time) {
	for _, d := range i.domains {
		if c := i.Certificate(d); c != nil && (first.IsZero() || c.Leaf.NotAfter.Before(first)) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}

// Run gets the certificates, and tries again with growing pauses, because
// authorities count tries. What it has is renewed from then on.
func (i *Issuer) Run(ctx context.Context) error {
	i.run(true)
	defer i.run(false)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval, pause.Multiplier, pause.RandomizationFactor = 2*time.Minute, 6*time.Hour, 2, 0
	for {
		done := true
		for _, d := range i.domains {
			if i.known(d) {
				continue
			}
			c, err := i.issue(ctx, d)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				done = false
				i.log.Error("no certificate was issued; the agent's own is shown. Its name must lead to this agent's port 443.", "name", d, "why", err)
				continue
			}
			i.mu.Lock()
			i.have[d] = true
			i.mu.Unlock()
			i.log.Info("there is a certificate for browsers", "name", d, "to", c.Leaf.NotAfter)
		}
		if done {
			<-ctx.Done()
			return nil
		}
		wait := time.NewTimer(pause.NextBackOff())
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// issue gets a certificate. It returns at the context's end; what it waited for
// then fails by itself.
func (i *Issuer) issue(ctx context.Context, name string) (*tls.Certificate, error) {
	var c *tls.Certificate
	var err error
	back := make(chan struct{})
	go func() {
		defer close(back)
		c, err = i.from.GetCertificate(wish(name))
	}()
	select {
	case <-back:
		return c, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (i *Issuer) known(name string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.have[name]
}

// CheckDomain says what is wrong with a name that a certificate is wanted for.
func CheckDomain(name string) error {
	switch {
	case name == "" || len(name) > 253 || strings.ContainsAny(name, "*/: ") || name != strings.ToLower(name):
		return fmt.Errorf("%q is not a host name such as \"agent.example.fi\"", name)
	case !strings.Contains(strings.Trim(name, "."), ".") || strings.HasSuffix(name, "."):
		return errors.New("a public host name has a dot in its middle, and " + name + " has none")
	}
	return nil
}
