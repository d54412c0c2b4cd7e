package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
)

// config is kiosk.toml. Every setting has a default that fits the image.
type config struct {
	State     string     // folder for what survives a restart: key, proofs, what waits for the agent
	Runtime   string     // folder for what does not, best on tmpfs
	Join      string     // the technician's join file; removed once the kiosk has enrolled
	Catalogue string     // the tiles; empty for those built in. Set here it goes before the agent's
	Language  string     // of a fresh welcome page
	Mode      fleet.Mode // set here it goes before the agent's
	Blocked   []string   // hosts that are never opened; set here they go before the agent's
	Restart   string     // command for the one restart of a machine whose wipe was not verified; empty for none
	PowerOff  string     `toml:"power_off"` // command that turns the machine off after closing time; empty for none
	// KeepTrying says that what keeps the kiosk from beginning to serve, a damaged
	// join file for example, is told on the screen and tried again. Otherwise the
	// program ends with what is wrong.
	KeepTrying  bool `toml:"keep_trying"`
	StateOnDisk bool `toml:"state_on_disk"` // the state folder must be a file system of its own: one in memory would be lost
	Browser     browserConfig
	Session     struct {
		Idle, Warn, Limit, Notice *duration // set here they go before the agent's
	}
	Services struct {
		Every duration // how often each service's start page is asked; "0s" for never
	}
	Wipe  wipeConfig
	Print struct {
		Socket      string // of the print server that clients print with; empty for none
		Spool, Logs string // its folders, which the wipe looks at; empty for Debian's
	}
	Test struct {
		Leftover    string    // "file" or "process": leaves one behind, so that the proof must fail
		ClockOffset *duration `toml:"clock_offset"` // added to the clock that reports carry
		Reach       []string  // addresses of this machine that the client's browser may reach
	}

	path string
}

// wipeConfig is how strict the wipe is.
type wipeConfig struct {
	SharedUser   bool     `toml:"shared_user"` // the user has a desktop of their own beside the kiosk
	Allow        []string // folders in which other programs of the kiosk's user write meanwhile
	Swap, Memory string   // forbid or allow; empty is forbid, on a shared machine allow
}

// allows reports whether a setting says allow.
func (w wipeConfig) allows(setting string) bool {
	return setting == "allow" || (setting == "" && w.SharedUser)
}

// duration is a time as people write it: "90s", "10m", "1h30m".
type duration struct{ time.Duration }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time such as \"90s\" or \"10m\"", text)
	}
	d.Duration = v
	return nil
}

// configPath is where the image keeps the configuration.
const configPath = "/etc/yhteiskone/kiosk.toml"

// loadConfig reads the file; a missing file is an error only if it was named.
func loadConfig(path string, named bool, env map[string]string) (*config, error) {
	c := &config{State: "/var/lib/yhteiskone", Runtime: "/run/yhteiskone", Language: "fi", path: path}
	if dir := env["XDG_RUNTIME_DIR"]; dir != "" {
		c.Runtime = filepath.Join(dir, "yhteiskone")
	}
	c.Browser.Chromium = "/usr/lib/chromium/chromium"
	c.Services.Every.Duration = 10 * time.Minute
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && !named {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(c); err != nil {
		return nil, configError(path, err)
	}
	return c, c.check()
}

// again says what is wrong with the file as it is now, or returns nil: whether
// the program would start with it.
func (c *config) again(env map[string]string) error {
	now, err := loadConfig(c.path, false, env)
	if err == nil && now.Catalogue != "" {
		_, err = catalogue.Load(now.Catalogue)
	}
	return err
}

func configError(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("%s, line %d: there is no setting %q", path, row, strings.Join(strict.Errors[0].Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, _ := decode.Position()
		return fmt.Errorf("%s, line %d: %s", path, row, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", path, err)
}

func (c *config) check() error {
	for name, dir := range map[string]string{"state": c.State, "runtime": c.Runtime} {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("%s: %s is not an absolute path: %q", c.path, name, dir)
		}
	}
	for _, dir := range c.Wipe.Allow {
		if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir || dir == "/" {
			return fmt.Errorf("%s: wipe.allow: %q is not the clean absolute path of a folder", c.path, dir)
		}
	}
	for name, value := range map[string]string{"swap": c.Wipe.Swap, "memory": c.Wipe.Memory} {
		if value != "" && value != "forbid" && value != "allow" {
			return fmt.Errorf("%s: wipe.%s is %q; it must be forbid or allow", c.path, name, value)
		}
	}
	if s := c.Print.Socket; s != "" && (!filepath.IsAbs(s) || filepath.Clean(s) != s) {
		return fmt.Errorf("%s: print.socket: %q is not the clean absolute path of a socket", c.path, s)
	}
	switch c.Language {
	case "fi", "sv", "en":
	default:
		return fmt.Errorf("%s: language is %q; it must be fi, sv or en", c.path, c.Language)
	}
	_, err := parseReach(c.Test.Reach)
	if err = errors.Join(err, c.Browser.check()); err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	switch c.Test.Leftover {
	case "", "file", "process":
	default:
		return fmt.Errorf("%s: test.leftover is %q; it must be file or process", c.path, c.Test.Leftover)
	}
	if e := c.Services.Every.Duration; e != 0 && (e < time.Second || e > 24*time.Hour) {
		return fmt.Errorf("%s: services.every is %v; it must be between 1s and 24h, or 0s for never", c.path, e)
	}
	if err := (fleet.Settings{Idle: time.Hour, Warn: time.Minute, Mode: c.Mode, Blocked: c.Blocked}).Validate(); err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	if err := c.settings(fleet.DefaultSettings()).Validate(); err != nil {
		return fmt.Errorf("%s: session: %w", c.path, err)
	}
	return nil
}

// settings puts this file's own over those of the agent.
func (c *config) settings(s fleet.Settings) fleet.Settings {
	if c.Session.Idle != nil {
		s.Idle = c.Session.Idle.Duration
	}
	if c.Session.Warn != nil {
		s.Warn = c.Session.Warn.Duration
	}
	if c.Session.Limit != nil {
		s.Limit = c.Session.Limit.Duration
	}
	if c.Session.Notice != nil {
		s.Notice = c.Session.Notice.Duration
	}
	if c.Mode != "" {
		s.Mode = c.Mode
	}
	if c.Blocked != nil {
		s.Blocked = c.Blocked
	}
	if c.Catalogue != "" {
		s.Offer = nil // this file's own services go before the site's
	}
	return s
}

func (c *config) stateFile(name string) string   { return filepath.Join(c.State, name) }
func (c *config) runtimeFile(name string) string { return filepath.Join(c.Runtime, name) }
func (c *config) socket() string                 { return c.runtimeFile("kiosk.sock") }
