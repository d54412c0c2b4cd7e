package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
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
	c := update.Config{Log: k.log, Idle: func() bool { return left(m.Status(), time.Now()) },
		Good:   func() bool { return serves(m.Status()) && k.uplink.Connected() },
		Reboot: func() error { return k.reboot() },
		Source: func(o fleet.ImageOffer) update.Source { return fromAgent(member, o) }}
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

// reboot starts the machine anew once the agent has what it is to know.
func (k *kiosk) reboot() error {
	k.uplink.Flush(5 * time.Second)
	command := strings.Fields(k.config.Restart)
	if len(command) == 0 {
		return fmt.Errorf("there is no restart command in %s", k.config.path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, command[0], command[1:]...).Run()
}

// fromAgent fetches from our agent only: over TLS as the link.
func fromAgent(member uplink.Member, o fleet.ImageOffer) update.Source {
	config, err := identity.ClientTLS(member.Pin)
	if err != nil {
		config = &tls.Config{MinVersion: tls.VersionTLS13} // a pin that was enrolled with is one
	}
	return update.HTTP{Agent: member.Agent, Version: o.Version, Ticket: o.Ticket, Client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second}}}
}
