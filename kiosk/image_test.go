package main

import (
	"log/slog"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/update"
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
