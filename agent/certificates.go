package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"

	"yhteiskone/agent/front"
)

// tlsConfig is a certificate that browsers know. Without one the agent makes
// its own.
type tlsConfig struct {
	Certificate string `toml:"certificate"` // the chain, in PEM
	Key         string `toml:"key"`
}

func (c tlsConfig) check() error {
	if (c.Certificate == "") != (c.Key == "") {
		return errors.New("tls: certificate and key belong together, and one is missing")
	}
	return nil
}

// acmeConfig is an authority that issues certificates to the agent itself.
type acmeConfig struct {
	Domains   []string `toml:"domains"`
	Email     string   `toml:"email"`
	Directory string   `toml:"directory"` // left out: Let's Encrypt's
	CAFile    string   `toml:"ca_file"`   // who vouches for the directory, if the system does not know
}

// checkACME checks the section, and takes its domains as the agent's names if
// it has no others.
func (c *config) checkACME() error {
	if c.ACME == nil {
		return nil
	}
	if c.TLS.Certificate != "" {
		return errors.New("there is a certificate in tls already; take one of the two out")
	}
	if len(c.ACME.Domains) == 0 {
		return errors.New("domains is missing: say for which host names, for example [\"agent.example.fi\"]")
	}
	for i, d := range c.ACME.Domains {
		if err := front.CheckDomain(d); err != nil {
			return fmt.Errorf("domains: number %d: %w", i+1, err)
		}
	}
	if d := c.ACME.Directory; d != "" {
		if u, err := url.Parse(d); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("directory: %q is not an address that begins with https://", d)
		}
	}
	if len(c.Names) == 0 {
		c.Names = c.ACME.Domains
	}
	return nil
}

// public prepares the certificate for browsers; nil: the agent's own is shown.
func (c config) public(dir string, log *slog.Logger) (front.Public, error) {
	switch {
	case c.TLS.Certificate != "":
		files, err := front.OpenFiles(c.TLS.Certificate, c.TLS.Key, log)
		if err != nil {
			return nil, badInput("tls: %w", err)
		}
		return files, nil
	case c.ACME != nil:
		issuer, err := front.NewIssuer(front.ACME{Domains: c.ACME.Domains, Email: c.ACME.Email, Directory: c.ACME.Directory,
			CAFile: c.ACME.CAFile, Folder: filepath.Join(dir, "acme")}, log)
		if err != nil {
			return nil, badInput("acme: %w", err)
		}
		return issuer, nil
	}
	return nil, nil
}
