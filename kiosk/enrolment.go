package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
	"yhteiskone/kiosk/health"
	"yhteiskone/kiosk/uplink"
)

// enrolPatience is how long one try may take: somebody stands beside it.
const enrolPatience = 40 * time.Second

// enrolOnce lets this machine in with the join file that the configuration
// names, and says who it is. It tries once; the join file stays where it is. A
// machine that is in already says who it is and asks nobody.
func enrolOnce(ctx context.Context, c *config, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, enrolPatience)
	defer cancel()
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return fmt.Errorf("make the folder of the state: %w", err)
	}
	lock, err := lockState(c.stateFile("lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	member, ok, err := uplink.ReadMember(c.stateFile("member.toml"))
	if err != nil {
		return badInput{err}
	}
	if !ok {
		join, err := uplink.ReadJoin(c.Join)
		if err != nil {
			return badInput{err}
		}
		key, err := identity.LoadKiosk(c.stateFile("key.pem"))
		if err != nil {
			return err
		}
		member, err = uplink.Enrol(ctx, join, key, health.Hardware(ctx), c.stateFile("member.toml"))
		if err != nil {
			return enrolFailed(err)
		}
	}
	return json.NewEncoder(stdout).Encode(struct {
		Kiosk fleet.KioskID `json:"kiosk"`
		Name  string        `json:"name"`
		Site  string        `json:"site"`
		Agent string        `json:"agent"`
	}{member.Kiosk, member.Name, member.SiteName, member.Agent})
}

// enrolFailed tells a code that is refused, which another try does not mend,
// from an agent that cannot be reached.
func enrolFailed(err error) error {
	var refusal wire.Refusal
	switch {
	case errors.Is(err, uplink.ErrStranger):
		return badInput{err}
	case errors.As(err, &refusal) && refusal.Code != wire.RefusedOften && refusal.Code != wire.RefusedStore && refusal.Code != wire.RefusedInternal:
		return badInput{err}
	}
	return notNow{err}
}
