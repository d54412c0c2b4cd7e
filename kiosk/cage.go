package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/group"
	"yhteiskone/kiosk/health"
	"yhteiskone/kiosk/procs"
)

// browserConfig says which browser the client gets, and what is around it.
type browserConfig struct {
	Chromium string // the program itself, not Debian's script
	User     string // whom it runs as; empty for "client" where that can be, else the kiosk's own user
	Cgroup   string // folder of cgroup v2 for its groups; empty for the kiosk's own group where that can be, else none
	XTrust   string `toml:"x_trust"` // auto, never or always; empty is auto
	Units    string // folder of the sockets behind which systemd starts sessions and the shell; empty: the kiosk starts them
}

func (b browserConfig) check() error {
	if b.Cgroup != "" && (!filepath.IsAbs(b.Cgroup) || filepath.Clean(b.Cgroup) != b.Cgroup) {
		return fmt.Errorf("browser.cgroup: %q is not the clean absolute path of a folder", b.Cgroup)
	}
	if b.Units != "" && (!filepath.IsAbs(b.Units) || filepath.Clean(b.Units) != b.Units) {
		return fmt.Errorf("browser.units: %q is not the clean absolute path of a folder", b.Units)
	}
	if b.Units != "" && b.Cgroup != "" {
		return errors.New("browser.units and browser.cgroup: with units, a session's group is its unit's; leave browser.cgroup out")
	}
	if !slices.Contains([]string{"", trustAuto, trustNever, trustAlways}, b.XTrust) {
		return fmt.Errorf("browser.x_trust is %q; it must be %s, %s or %s", b.XTrust, trustAuto, trustNever, trustAlways)
	}
	return nil
}

// Whether the X server trusts the client's browser.
const (
	trustAuto   = "auto"
	trustNever  = "never"
	trustAlways = "always"
)

// sysFolder is where the kernel tells of devices.
const sysFolder = "/sys"

// parseReach reads the addresses that the client's browser may reach on this
// machine in a test.
func parseReach(all []string) ([]netip.AddrPort, error) {
	var reach []netip.AddrPort
	for _, text := range all {
		to, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, fmt.Errorf("test.reach: %q is not an address with a port, such as \"127.0.0.1:8081\"", text)
		}
		reach = append(reach, to)
	}
	return reach, nil
}

// openBrowser puts the walls around the client's browser that this machine can
// give. One that is asked for by name must be there.
func (k *kiosk) openBrowser() (*browser.Browser, error) {
	c := k.config.Browser
	reach, err := parseReach(k.config.Test.Reach)
	if err != nil {
		return nil, err
	}
	if _, err := k.tiles.Hosts(); err != nil {
		return nil, err
	}
	o := browser.Options{Chromium: c.Chromium, Display: k.env["DISPLAY"], Cookies: cookies(k.env),
		Windows: windows{k.display}, Links: k.links, Leftover: k.config.Test.Leftover, Reach: reach,
		Dir: k.config.Runtime, Allow: k.allowed, Printer: k.config.Print.Socket, Units: c.Units,
		Card: func() bool { return health.CardReader(sysFolder) }}
	bounded, err := c.apart(&o)
	if err != nil {
		return nil, err
	}
	if o.Untrusted, err = k.untrusted(); err != nil {
		return nil, fmt.Errorf("browser.x_trust: %w", err)
	}
	k.log.Info("the walls around the client's browser", "own_user", o.User != nil, "own_group", o.Group != nil || o.Units != "",
		"bounded", bounded, "x_trusted", o.Untrusted == nil)
	if o.User != nil {
		// The policy lies there, and that user has to come to it. What else is
		// there is for our own user only, file by file.
		if err := os.Chmod(k.config.Runtime, 0o711); err != nil {
			return nil, fmt.Errorf("let the client's browser come to its policy: %w", err)
		}
	}
	k.client, k.bounded, k.guarded = o.User, bounded, o.Untrusted != nil
	return browser.New(o)
}

// apart gives sessions a user and a group of their own, in units or by our own
// rights, and says whether they are held to a bound of memory.
func (b browserConfig) apart(o *browser.Options) (bounded bool, err error) {
	name := b.User
	if name == "" {
		name = browser.DefaultUser
	}
	if b.Units != "" {
		o.User, bounded, err = browser.FindUnits(context.Background(), name, b.Units)
		if err != nil {
			return false, fmt.Errorf("browser.units: %w", err)
		}
		return bounded, nil
	}
	o.User, err = browser.FindUser(name)
	if err != nil && (b.User != "" || !errors.Is(err, browser.ErrNoUser)) {
		return false, fmt.Errorf("browser.user: %w", err)
	}
	o.Group, err = group.Open(b.Cgroup)
	if err != nil && (b.Cgroup != "" || !errors.Is(err, group.ErrNone)) {
		return false, fmt.Errorf("browser.cgroup: %w", err)
	}
	return o.Group != nil && o.Group.Bounded(), nil
}

// untrusted is how the browser gets a cookie that the X server does not trust;
// nil if it is to be trusted. Who is not trusted hears nothing of a touch
// screen, so with one the browser is. (It gets no XKB extension either; the
// session's door sees to it that Chromium reads the keyboard rightly without.)
func (k *kiosk) untrusted() (func() ([]byte, func(), error), error) {
	mode := k.config.Browser.XTrust
	if mode == "" {
		mode = trustAuto
	}
	if mode == trustAlways || (mode == trustAuto && health.TouchScreen(procs.Root)) {
		return nil, nil
	}
	_, release, err := k.display.UntrustedCookie()
	if err != nil && mode == trustAuto { // a server without the SECURITY extension
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	release()
	return k.display.UntrustedCookie, nil
}
