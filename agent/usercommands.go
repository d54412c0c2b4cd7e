package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// siteList is a flag that may stand several times.
type siteList []fleet.SiteID

func (l *siteList) String() string { return fmt.Sprint(*l) }

// Set adds one site.
func (l *siteList) Set(s string) error {
	if !fleet.SiteID(s).Valid() {
		return fmt.Errorf("%q is not an identifier: use a-z, 0-9 and '-'", s)
	}
	*l = append(*l, fleet.SiteID(s))
	return nil
}

// aboutOne reads what the commands about one person or token share.
type aboutOne struct {
	fs    *flag.FlagSet
	data  *string
	role  *string
	sites siteList
	name  string
}

func newAbout(what string) *aboutOne {
	a := &aboutOne{fs: flag.NewFlagSet(what, flag.ContinueOnError)}
	a.data = a.fs.String("data", "", "")
	return a
}

// withRole adds the flags of a role.
func (a *aboutOne) withRole() *aboutOne {
	a.role = a.fs.String("role", "", "")
	a.fs.Var(&a.sites, "site", "")
	return a
}

func (a *aboutOne) parse(args []string) error {
	got, err := parse(a.fs, args, "NAME")
	if err != nil {
		return err
	}
	want, order := map[string]string{"data": *a.data}, []string{"data"}
	if a.role != nil {
		want["role"], order = *a.role, append(order, "role")
	}
	if err := need(want, order...); err != nil {
		return err
	}
	if a.role != nil {
		if _, err := staff.ParseRole(*a.role); err != nil {
			return badInput("--role: %w", err)
		}
	}
	if err := fleet.CheckName("NAME", got[0]); err != nil {
		return badInput("%w", err)
	}
	if staff.Fold(got[0]) == staff.Console {
		return badInput("NAME: %q is the agent itself; choose another name", got[0])
	}
	a.name = got[0]
	return nil
}

func (a *aboutOne) grants() []grantLine {
	var all []grantLine
	for _, g := range staff.At(staff.Role(*a.role), a.sites...) {
		all = append(all, grantLine(g))
	}
	return all
}

// operating runs one step on the operator of a data folder.
func operating(ctx context.Context, data string, step func(operator) error) error {
	o, done, err := operate(ctx, data)
	if err != nil {
		return err
	}
	return errors.Join(step(o), done())
}

func userAdd(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	about := newAbout("user add").withRole()
	fromStdin, mail := about.fs.Bool("password-stdin", false, ""), about.fs.String("mail", "", "")
	if err := about.parse(args); err != nil {
		return err
	}
	if _, err := staff.FoldMail(*mail); err != nil {
		return badInput("--mail: %w", err)
	}
	r := userRequest{Name: about.name, Mail: *mail, Grants: about.grants()}
	if *fromStdin {
		line, err := bufio.NewReader(io.LimitReader(stdin, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the password: %w", err)
		}
		if r.Password = strings.TrimRight(line, "\r\n"); r.Password == "" {
			return badInput("--password-stdin: there is no password on the standard input")
		}
	}
	var a userAnswer
	err := operating(ctx, *about.data, func(o operator) (err error) {
		a, err = o.AddUser(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	if a.Code == "" {
		_, err = fmt.Fprintf(stdout, "%s can sign in with the password%s.\n", about.name, at(a.Agent))
		return err
	}
	return sayCode(stdout, about.name, a)
}

func sayCode(stdout io.Writer, name string, a userAnswer) error {
	_, err := fmt.Fprintf(stdout, "%s can sign in once with this code%s and then chooses a password:\n%s\nThe code is valid until %s.\n",
		name, at(a.Agent), a.Code, a.Expires.Local().Format("2006-01-02 15:04 MST"))
	return err
}

func userRenew(ctx context.Context, args []string, stdout io.Writer) error {
	about := newAbout("user renew")
	if err := about.parse(args); err != nil {
		return err
	}
	return operating(ctx, *about.data, func(o operator) error {
		a, err := o.RenewUser(ctx, renewRequest{about.name})
		if err != nil {
			return err
		}
		return sayCode(stdout, about.name, a)
	})
}

// userChange is every command that changes one person and has nothing to tell
// but that it did.
func userChange(ctx context.Context, what string, args []string, stdout io.Writer) error {
	about := newAbout("user " + what)
	r := changeRequest{Do: what}
	var mail *string
	switch what {
	case "role":
		about.withRole()
	case "mail":
		mail = about.fs.String("mail", "", "")
	}
	if err := about.parse(args); err != nil {
		return err
	}
	r.Name = about.name
	if about.role != nil {
		r.Grants = about.grants()
	}
	if mail != nil {
		var err error
		if r.Mail, err = staff.FoldMail(*mail); err != nil {
			return badInput("--mail: %w", err)
		}
	}
	err := operating(ctx, *about.data, func(o operator) error {
		_, err := o.ChangeUser(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: %s\n", about.name, map[string]string{
		"role": "the roles are as given now", "mail": "the mail address is changed", "disable": "cannot sign in any more",
		"enable": "can sign in again", "remove": "the account is gone", "reset-factor": "signs in without a second factor until a new one is set up",
		"sign-out": "is signed out everywhere"}[what])
	return err
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
	return operating(ctx, *data, func(o operator) error {
		people, err := o.Users(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		for _, p := range people {
			var notes []string
			if p.Disabled {
				notes = append(notes, "disabled")
			} else if p.Waiting {
				notes = append(notes, "has not signed in yet")
			}
			if p.Factor {
				notes = append(notes, "second factor")
			}
			if p.Mail != "" {
				notes = append(notes, p.Mail)
			}
			role, site := said(p.Grants)
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Name, role, site, strings.Join(notes, ", "))
		}
		return t.Flush()
	})
}

// said is roles and sites in two columns: "staff" and "ranta, tori", or "staff,
// viewer" and "ranta, tori" when they differ.
func said(grants []grantLine) (role, site string) {
	var roles, sites []string
	same := true
	for _, g := range grants {
		same = same && g.Role == grants[0].Role
		roles = append(roles, string(g.Role))
		if g.Site == "" {
			sites = append(sites, "every site")
		} else {
			sites = append(sites, string(g.Site))
		}
	}
	if same && len(roles) > 0 {
		roles = roles[:1]
	}
	return strings.Join(roles, ", "), strings.Join(sites, ", ")
}

func tokenAdd(ctx context.Context, args []string, stdout io.Writer) error {
	about := newAbout("token add").withRole()
	if err := about.parse(args); err != nil {
		return err
	}
	return operating(ctx, *about.data, func(o operator) error {
		a, err := o.AddToken(ctx, tokenRequest{about.name, about.grants()})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, a.Token)
		return err
	})
}

func tokenRemove(ctx context.Context, args []string, stdout io.Writer) error {
	about := newAbout("token remove")
	if err := about.parse(args); err != nil {
		return err
	}
	return operating(ctx, *about.data, func(o operator) error {
		if _, err := o.RemoveToken(ctx, renewRequest{about.name}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(stdout, "%s: the token is worthless now\n", about.name)
		return err
	})
}

func tokenList(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("token list", flag.ContinueOnError)
	data := fs.String("data", "", "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data}, "data"); err != nil {
		return err
	}
	return operating(ctx, *data, func(o operator) error {
		all, err := o.Tokens(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		for _, k := range all {
			role, site := said(k.Grants)
			fmt.Fprintf(t, "%s\t%s\t%s\tsince %s\n", k.Name, role, site, k.Created.Local().Format(time.DateOnly))
		}
		return t.Flush()
	})
}
