package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

func enrol(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("enrol", flag.ContinueOnError)
	data, site, name := fs.String("data", "", ""), fs.String("site", "", ""), fs.String("name", "", "")
	siteName, place := fs.String("site-name", "", ""), fs.String("place", "", "")
	notes := fs.String("notes", "", "")
	uses, ttl, asJSON := fs.Int("uses", 1, ""), fs.Duration("ttl", 15*time.Minute, ""), fs.Bool("json", false, "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data, "site": *site, "name": *name}, "data", "site", "name"); err != nil {
		return err
	}
	r := wire.EnrolmentRequest{Site: fleet.SiteID(*site), SiteName: *siteName, Name: *name, Place: *place, Notes: *notes,
		Uses: *uses, TTLS: int(*ttl / time.Second)}
	if _, err := wire.EncodeBody(r); err != nil {
		return badInput("%w", errors.Unwrap(err))
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	e, err := o.Enrol(ctx, staff.Operator(), r)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	print, err := fingerprint(e.Pin)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(stdout).Encode(struct {
			wire.Enrolment
			Fingerprint string `json:"fingerprint"`
		}{e, print})
	}
	_, err = fmt.Fprintf(stdout, "code         %s\nagent        %s\npin          %s\nfingerprint  %s\nvalid until  %s, for %s\n",
		e.Code, e.Agent, e.Pin, print, e.Expires.Local().Format("2006-01-02 15:04:05 MST"), machines(*uses))
	return err
}

func machines(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}
