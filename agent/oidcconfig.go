package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/staff/oidc"
)

// oidcConfig is [oidc] of agent.toml.
type oidcConfig struct {
	Name       string `toml:"name"`        // what the button says
	Issuer     string `toml:"issuer"`      // exactly as the service calls itself
	Client     string `toml:"client_id"`   //
	SecretFile string `toml:"secret_file"` // left out: a public client

	secret string
	back   string
}

// secretLimit is more than a client secret has.
const secretLimit = 4096

func (c *oidcConfig) check(address string) error {
	if c == nil {
		return nil
	}
	switch {
	case address == "":
		return errors.New("it needs the agent's own address: set address = \"https://...\" at the top, because people come back to it")
	case c.Name == "" || len([]rune(c.Name)) > 60:
		return errors.New("name: say in 1 to 60 characters what people sign in with")
	case c.Client == "":
		return errors.New("client_id is missing")
	}
	for key, text := range map[string]string{"issuer": c.Issuer, "address at the top": address} {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			return fmt.Errorf("%s: %q is not an https address", key, text)
		}
	}
	c.back = strings.TrimSuffix(address, "/") + dashboard.ProviderReturn
	if c.SecretFile == "" {
		return nil
	}
	raw, err := os.ReadFile(c.SecretFile)
	if err != nil {
		return fmt.Errorf("secret_file: %w", err)
	}
	if c.secret = strings.TrimSpace(string(raw)); c.secret == "" || len(raw) > secretLimit {
		return fmt.Errorf("secret_file: %s must hold the client secret and nothing else", c.SecretFile)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// provider is nil when nobody else vouches for people.
func (c *oidcConfig) provider() staff.Provider {
	if c == nil {
		return nil
	}
	return oidc.New(oidc.Config{Issuer: c.Issuer, Client: c.Client, Secret: c.secret, Return: c.back})
}

func (c *oidcConfig) button() string {
	if c == nil {
		return ""
	}
	return c.Name
}
