package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/release"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/update"
	"yhteiskone/kiosk/uplink"
)

// A kiosk on a machine that somebody set up by hand says so, at once.
func TestNotRunFromAnImage(t *testing.T) {
	answers := make(chan fleet.Result, 1)
	o := obeyer{updater: update.New(update.Config{Log: slog.New(slog.DiscardHandler)})}
	o.Command(t.Context(), fleet.Command{ID: "0123456789abcdef", Name: fleet.UpdateImage, TTL: time.Minute},
		func(r fleet.Result) { answers <- r })
	if r := <-answers; r.OK || r.Why != "no_image" || r.Command != "0123456789abcdef" {
		t.Errorf("%+v", r)
	}
}

// Nobody is there when the welcome page has been there for a while and nobody
// is called for; good is what has come as far as that.
func TestLeftAndServes(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		status       session.Status
		left, serves bool
	}{
		{session.Status{State: fleet.Starting, Shell: true}, false, false},
		{session.Status{State: fleet.Ready, Shell: true}, true, true},
		{session.Status{State: fleet.Ready, Shell: false}, true, false},
		{session.Status{State: fleet.Ready, Shell: true, Since: now.Add(-30 * time.Second)}, false, true},
		{session.Status{State: fleet.Ready, Shell: true, Help: session.HelpTrying}, false, true},
		{session.Status{State: fleet.InUse, Shell: true}, false, true},
		{session.Status{State: fleet.Warning, Shell: true}, false, true},
		{session.Status{State: fleet.Erasing, Shell: true}, false, fleet.Erasing.InSession()},
		{session.Status{State: fleet.Closed, Shell: true}, true, true},
		{session.Status{State: fleet.OutOfService, Shell: true}, true, true},
		{session.Status{State: fleet.OutOfOrder, Shell: true}, true, false},
	} {
		if got := left(c.status, now); got != c.left {
			t.Errorf("%+v: left is %v", c.status, got)
		}
		if got := serves(c.status); got != c.serves {
			t.Errorf("%+v: serves is %v", c.status, got)
		}
	}
}

// After a move of the agent, releases come from where it is now, as the link does.
func TestReleasesComeFromWhereTheAgentIs(t *testing.T) {
	dir := t.TempDir()
	const now = "https://new.example.org:8443"
	if err := os.WriteFile(filepath.Join(dir, "agent-address"), []byte(now), 0o600); err != nil {
		t.Fatal(err)
	}
	agent, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	member := uplink.Member{Agent: "https://old.example.org:8443", Pin: agent.Pin()}
	log := slog.New(slog.DiscardHandler)
	u, err := uplink.Open(uplink.Config{Dir: dir, Member: member, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	k := &kiosk{uplink: u, log: log, config: &config{}}
	source, ok := k.newUpdater(nil, member).Source(fleet.ImageOffer{Version: "2", Ticket: "t"}).(update.HTTP)
	if !ok || source.Agent != now || source.Version != "2" || source.Ticket != "t" {
		t.Errorf("%+v", source)
	}
	// With no pin nobody is asked for anything.
	if k.newUpdater(nil, uplink.Member{Agent: now}).Source != nil {
		t.Error("a kiosk without a pin would fetch from anybody")
	}
}

// The agent is told the image's version; without an image, the program's.
func TestRuns(t *testing.T) {
	dir := t.TempDir()
	cmdline, disk := filepath.Join(dir, "cmdline"), update.Machine{Slots: filepath.Join(dir, "kiosk-"), ESP: filepath.Join(dir, "esp")}
	for path, text := range map[string]string{cmdline: "quiet kiosk.slot=B\n", disk.Slots + "A": "", filepath.Join(disk.ESP, "B", release.SlotConfig): "set version=2026.11.29\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if got := runs(disk, cmdline); got != "2026.11.29" {
		t.Errorf("it runs %q", got)
	}
	if err := os.WriteFile(cmdline, []byte("quiet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runs(disk, cmdline); got != build() {
		t.Errorf("without an image it runs %q", got)
	}
}
