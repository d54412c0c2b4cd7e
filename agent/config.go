package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"
	_ "time/tzdata" // a small machine may have no time zones of its own

	"github.com/pelletier/go-toml/v2"

	"yhteiskone/agent/front"
	"yhteiskone/internal/fleet"
)

// config is agent.toml.
type config struct {
	Names    []string     `toml:"names"`    // host names of the agent, for its certificates and for kiosks
	Address  string       `toml:"address"`  // what kiosks and people are told, if not what it listens on
	Agents   []string     `toml:"agents"`   // other addresses of this agent, which kiosks try when they do not find it: for a move
	Timezone string       `toml:"timezone"` // of the sites
	Settings placeConfig  `toml:"settings"`
	Sites    []siteConfig `toml:"site"`
	Backup   backupConfig `toml:"backup"`
	OIDC     *oidcConfig  `toml:"oidc"` // who else vouches for people
	Log      logConfig    `toml:"log"`
	TLS      tlsConfig    `toml:"tls"`
	ACME     *acmeConfig  `toml:"acme"`
	Proxies  []string     `toml:"proxies"` // whose word about addresses counts
	Limits   limitConfig  `toml:"limits"`
	Mail     *mailConfig  `toml:"mail"`
	Alerts   alertConfig  `toml:"alerts"`

	Places map[fleet.SiteID]placeConfig `toml:"sites"` // where a site differs from Settings

	Uplink []string `toml:"uplink"` // host:port of what answers while the agent itself is on the network; one is enough

	proxies  front.Proxies
	location *time.Location
	cares    cares
	settings fleet.Settings                  // checked, of every site
	places   map[fleet.SiteID]fleet.Settings // checked, of those that differ
}

type siteConfig struct {
	ID   fleet.SiteID `toml:"id"`
	Name string       `toml:"name"`
}

// limitConfig is how many connections there may be at one time.
type limitConfig struct {
	Connections int `toml:"connections"`
	Each        int `toml:"each_address"`
}

func (c limitConfig) check() error {
	switch {
	case c.Connections < 10 || c.Connections > 1000000:
		return fmt.Errorf("limits: connections is %d; it must be 10 to 1000000", c.Connections)
	case c.Each < 5 || c.Each > c.Connections:
		return fmt.Errorf("limits: each_address is %d; it must be 5 to %d, as many as connections", c.Each, c.Connections)
	}
	return nil
}

// duration is a time.Duration written as people do: "10m".
type duration struct{ time.Duration }

// UnmarshalText reads "90s", "10m", "1h".
func (d *duration) UnmarshalText(text []byte) (err error) {
	if d.Duration, err = time.ParseDuration(string(text)); err != nil {
		return fmt.Errorf("%q is not a length of time such as \"90s\" or \"10m\"", text)
	}
	return nil
}

func (c config) sites() (all []fleet.Site) {
	for _, s := range c.Sites {
		all = append(all, fleet.Site{ID: s.ID, Name: s.Name})
	}
	return all
}

// loadConfig reads the file; without one ("") it returns what holds then.
func loadConfig(path string) (config, error) {
	c := config{Timezone: "Europe/Helsinki", Backup: defaultBackup(), Limits: limitConfig{20000, 500}}
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return c, badInput("read the configuration: %w", err)
		}
		defer f.Close()
		if err := toml.NewDecoder(f).DisallowUnknownFields().Decode(&c); err != nil {
			return c, badInput("%s: %w", path, where(err))
		}
	} else {
		path = "the configuration"
	}
	if err := c.check(); err != nil {
		return c, badInput("%s: %w", path, err)
	}
	return c, nil
}

// where puts line and key into words.
func where(err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		e := unknown.Errors[0]
		row, _ := e.Position()
		return fmt.Errorf("line %d: the key %q is unknown", row, dotted(e.Key()))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, _ := bad.Position()
		if key := dotted(bad.Key()); key != "" {
			return fmt.Errorf("line %d: %s: %s", row, key, bad.Error())
		}
		return fmt.Errorf("line %d: %s", row, bad.Error())
	}
	return err
}

func dotted(key toml.Key) (s string) {
	for i, part := range key {
		if i > 0 {
			s += "."
		}
		s += part
	}
	return s
}

func (c *config) check() (err error) {
	if c.location, err = time.LoadLocation(c.Timezone); err != nil {
		return fmt.Errorf("timezone: %q is not a time zone such as \"Europe/Helsinki\"", c.Timezone)
	}
	if err := c.checkAlerts(); err != nil { // sites follow its grace
		return err
	}
	if err := c.checkPlaces(); err != nil {
		return err
	}
	for _, check := range []func() error{c.Backup.check, c.Log.check, c.Limits.check, c.TLS.check} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := c.checkACME(); err != nil {
		return fmt.Errorf("acme: %w", err)
	}
	if c.proxies, err = front.ParseProxies(c.Proxies); err != nil {
		return fmt.Errorf("proxies: %w", err)
	}
	for i, n := range c.Names {
		if n == "" || len(n) > 253 {
			return fmt.Errorf("names: number %d is not a host name", i+1)
		}
	}
	if c.Address != "" {
		u, err := url.Parse(c.Address)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || (u.Path != "" && u.Path != "/") {
			return fmt.Errorf("address: %q is not an address such as \"https://agent.example.fi\"", c.Address)
		}
	}
	if err := c.OIDC.check(c.Address); err != nil {
		return fmt.Errorf("oidc: %w", err)
	}
	seen := map[fleet.SiteID]bool{}
	for i, s := range c.Sites {
		if !s.ID.Valid() {
			return fmt.Errorf("site number %d: id %q must be 1 to 40 of a-z, 0-9 and '-'", i+1, s.ID)
		}
		if seen[s.ID] {
			return fmt.Errorf("site number %d: id %q is there twice", i+1, s.ID)
		}
		seen[s.ID] = true
		if err := fleet.CheckName("name", s.Name); err != nil {
			return fmt.Errorf("site %q: %w", s.ID, err)
		}
	}
	return nil
}
