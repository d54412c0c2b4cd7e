package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

func enrol(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("enrol", flag.ContinueOnError)
	data, site, name := fs.String("data", "", ""), fs.String("site", "", ""), fs.String("name", "", "")
	siteName, place := fs.String("site-name", "", ""), fs.String("place", "", "")
	uses, ttl, asJSON := fs.Int("uses", 1, ""), fs.Duration("ttl", 15*time.Minute, ""), fs.Bool("json", false, "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data, "site": *site, "name": *name}, "data", "site", "name"); err != nil {
		return err
	}
	r := wire.EnrolmentRequest{Site: fleet.SiteID(*site), SiteName: *siteName, Name: *name, Place: *place,
		Uses: *uses, TTLS: int(*ttl / time.Second)}
	if _, err := wire.EncodeBody(r); err != nil {
		return badInput("%w", errors.Unwrap(err))
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	e, err := o.Enrol(ctx, staff.Console, r)
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

// person reads what user add and token add share.
func person(what string, args []string, more func(*flag.FlagSet)) (data, name string, role staff.Role, site fleet.SiteID, err error) {
	fs := flag.NewFlagSet(what, flag.ContinueOnError)
	dataFlag, roleFlag, siteFlag := fs.String("data", "", ""), fs.String("role", "", ""), fs.String("site", "", "")
	if more != nil {
		more(fs)
	}
	got, err := parse(fs, args, "NAME")
	if err != nil {
		return "", "", "", "", err
	}
	if err := need(map[string]string{"data": *dataFlag, "role": *roleFlag}, "data", "role"); err != nil {
		return "", "", "", "", err
	}
	if role, err = staff.ParseRole(*roleFlag); err != nil {
		return "", "", "", "", badInput("--role: %w", err)
	}
	if site = fleet.SiteID(*siteFlag); site != "" && !site.Valid() {
		return "", "", "", "", badInput("--site: %q is not an identifier: use a-z, 0-9 and '-'", site)
	}
	if err := fleet.CheckName("NAME", got[0]); err != nil {
		return "", "", "", "", badInput("%w", err)
	}
	if staff.Fold(got[0]) == staff.Console {
		return "", "", "", "", badInput("NAME: %q is the agent itself; choose another name", got[0])
	}
	return *dataFlag, got[0], role, site, nil
}

func userAdd(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	var fromStdin *bool
	data, name, role, site, err := person("user add", args, func(fs *flag.FlagSet) {
		fromStdin = fs.Bool("password-stdin", false, "")
	})
	if err != nil {
		return err
	}
	r := userRequest{Name: name, Role: role, Site: site}
	if *fromStdin {
		line, err := bufio.NewReader(io.LimitReader(stdin, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the password: %w", err)
		}
		if r.Password = strings.TrimRight(line, "\r\n"); r.Password == "" {
			return badInput("--password-stdin: there is no password on the standard input")
		}
	}
	o, done, err := operate(ctx, data)
	if err != nil {
		return err
	}
	a, err := o.AddUser(ctx, r)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	if a.Code == "" {
		_, err = fmt.Fprintf(stdout, "%s can sign in with the password%s.\n", name, at(a.Agent))
		return err
	}
	return sayCode(stdout, name, a)
}

func sayCode(stdout io.Writer, name string, a userAnswer) error {
	_, err := fmt.Fprintf(stdout, "%s can sign in once with this code%s and then chooses a password:\n%s\nThe code is valid until %s.\n",
		name, at(a.Agent), a.Code, a.Expires.Local().Format("2006-01-02 15:04 MST"))
	return err
}

func userRenew(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("user renew", flag.ContinueOnError)
	data := fs.String("data", "", "")
	got, err := parse(fs, args, "NAME")
	if err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data}, "data"); err != nil {
		return err
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	a, err := o.RenewUser(ctx, renewRequest{got[0]})
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	return sayCode(stdout, got[0], a)
}

func at(address string) string {
	if address == "" {
		return ""
	}
	return " at " + address
}

func userList(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("user list", flag.ContinueOnError)
	data := fs.String("data", "", "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data}, "data"); err != nil {
		return err
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	people, err := o.Users(ctx)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, p := range people {
		site, note := string(p.Site), ""
		if site == "" {
			site = "every site"
		}
		switch {
		case p.Disabled:
			note = "disabled"
		case p.Waiting:
			note = "has not signed in yet"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Name, p.Role, site, note)
	}
	return t.Flush()
}

func tokenAdd(ctx context.Context, args []string, stdout io.Writer) error {
	data, name, role, site, err := person("token add", args, nil)
	if err != nil {
		return err
	}
	o, done, err := operate(ctx, data)
	if err != nil {
		return err
	}
	a, err := o.AddToken(ctx, tokenRequest{name, role, site})
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, a.Token)
	return err
}
