package main

import (
	"crypto/tls"
	"net/http"
	"os"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/release"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/update"
	"yhteiskone/kiosk/uplink"
)

// releaseKey is the key that releases for this image are signed with.
const releaseKey = "/etc/yhteiskone/release.pub"

// restedTime is how long the welcome page must have been there before the
// machine counts as left: somebody may be walking up to it.
const restedTime = time.Minute

// newUpdater makes what takes new releases of the image. On a machine that is
// not run from one it only says so.
func (k *kiosk) newUpdater(m *session.Machine, member uplink.Member) *update.Updater {
	trusted, err := identity.ClientTLS(member.Pin)
	if err != nil { // nobody is trusted then, and the link says so as well
		k.log.Error("this kiosk takes no new release: its agent's pin cannot be read", "err", err)
		return update.New(update.Config{Log: k.log})
	}
	c := update.Config{Log: k.log, Idle: func() bool { return left(m.Status(), time.Now()) },
		Good: func() bool { return serves(m.Status()) && k.uplink.Connected() },
		Reboot: func() error {
			k.uplink.Flush(5 * time.Second) // the agent has what it is to know
			return carryOut(k.config.Restart)
		},
		Source: func(o fleet.ImageOffer) update.Source { return fromAgent(k.uplink.Address(), trusted, o) }}
	disk := update.DefaultMachine()
	slot, err := disk.Booted("/proc/cmdline")
	if err != nil {
		return update.New(c)
	}
	text, err := os.ReadFile(releaseKey)
	if err == nil {
		c.Key, err = release.ParsePublicKey(text)
	}
	if err != nil { // nothing is signed with no key
		k.log.Error("this image takes no new release: its key cannot be read", "err", err)
	}
	c.Disk, c.Booted = disk, slot
	return update.New(c)
}

// runs says what this machine runs, for the agent's staff: the image's version,
// or the program's own where there is no image.
func runs(disk update.Machine, cmdline string) string {
	slot, err := disk.Booted(cmdline)
	if err != nil {
		return build()
	}
	v, err := update.VersionOf(disk, slot)
	if err != nil {
		return build()
	}
	return v
}

// left reports whether nobody is at the machine.
func left(s session.Status, now time.Time) bool {
	switch s.State {
	case fleet.Ready, fleet.Closed, fleet.OutOfService, fleet.OutOfOrder:
		return s.Help == "" && now.Sub(s.Since) >= restedTime
	}
	return false
}

// serves reports whether the machine has done all that a client needs: every
// start proves a wipe before it is ready.
func serves(s session.Status) bool {
	switch s.State {
	case fleet.Ready, fleet.Closed, fleet.OutOfService:
		return s.Shell
	}
	return s.Shell && s.State.InSession()
}

// fromAgent fetches from where our agent is now, and from our agent only: over
// TLS as the link.
func fromAgent(agent string, config *tls.Config, o fleet.ImageOffer) update.Source {
	return update.HTTP{Agent: agent, Version: o.Version, Ticket: o.Ticket, Client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second}}}
}
