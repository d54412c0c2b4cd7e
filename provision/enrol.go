package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/provision/enrol"
)

// agentFlags are how an agent is found and asked.
func agentFlags(f *flag.FlagSet, o *enrol.Options, env func(string) string) {
	f.StringVar(&o.Agent, "agent", env("YHTEISKONE_AGENT"), "`address` of the agent, for example https://agent.example.org:8443; or in the environment as YHTEISKONE_AGENT")
	f.StringVar(&o.Pin, "pin", env("YHTEISKONE_PIN"), "the agent's `pin`, as \"agent enrol\" and its dashboard show it; or in the environment as YHTEISKONE_PIN")
	f.StringVar(&o.Token, "token", env("YHTEISKONE_TOKEN"), "`token` of a technician at the agent; better in the environment as YHTEISKONE_TOKEN, where other users do not see it")
	f.Func("socket", "the agent's control `socket` (agent.sock in its data folder) instead of address, pin and token", func(path string) error {
		o.Socket = path
		if o.Agent == env("YHTEISKONE_AGENT") && o.Pin == env("YHTEISKONE_PIN") { // the environment's stand back
			o.Agent, o.Pin = "", ""
		}
		return nil
	})
}

// flagSet is a command's flags; mistakes are told once, by main.
func flagSet(name string) *flag.FlagSet {
	f := flag.NewFlagSet("provision "+name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// named reads flags of a command that takes nothing else.
func named(f *flag.FlagSet, args []string, stdout io.Writer) (help bool, err error) {
	rest, help, err := parse(f, args, stdout)
	if err == nil && len(rest) > 0 {
		err = inputError{fmt.Errorf("%s: %q belongs to no flag", strings.TrimPrefix(f.Name(), "provision "), rest[0])}
	}
	return help, err
}

func runEnrol(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	if len(args) > 0 && args[0] == "list" {
		return runCodes(ctx, args[1:], env, stdout)
	}
	if len(args) > 0 && args[0] == "revoke" {
		return runRevoke(ctx, args[1:], env, stdout)
	}
	var o enrol.Options
	var site, sheet, dir string
	var asJSON bool
	f := flagSet("enrol")
	agentFlags(f, &o, env)
	f.StringVar(&site, "site", "", "`identifier` of the day centre: a-z, 0-9 and '-'")
	f.StringVar(&o.SiteName, "site-name", "", "its `name`, if the agent does not know it yet")
	f.StringVar(&o.Name, "name", "", "the machine's `name`, for example \"Kone 3\"")
	f.StringVar(&o.Place, "place", "", "`where` in the house it stands")
	f.StringVar(&o.Notes, "notes", "", "what those who look after it should `know`; never of people")
	f.DurationVar(&o.TTL, "ttl", 0, "how `long` the code works; 15m, or 24h (the most) with --csv")
	f.IntVar(&o.Machines, "machines", 1, "how `many` machines the code lets in, for an installer stick; the agent adds a number to the name")
	f.StringVar(&o.Out, "out", "", "`file` to write: the kiosk's join file; JSON if its name ends in .json")
	f.BoolVar(&o.Force, "force", false, "replace the file if there is one")
	f.StringVar(&sheet, "csv", "", "`file` with a whole centre's machines, in columns site, name, place, notes")
	f.StringVar(&dir, "out-dir", "", "`folder` for the join files of --csv")
	f.BoolVar(&asJSON, "json", false, "say what was made in JSON, for scripts")
	if help, err := named(f, args, stdout); help || err != nil {
		return err
	}
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	o.Site = fleet.SiteID(strings.TrimSpace(site))
	if sheet != "" {
		for _, name := range []string{"site", "site-name", "name", "place", "notes", "machines", "out", "force"} {
			if given[name] {
				return inputError{fmt.Errorf("enrol: --%s does not go with --csv, whose lines say it", name)}
			}
		}
		if !given["ttl"] {
			o.TTL = 24 * time.Hour
		}
		return enrolCentre(ctx, o, sheet, dir, asJSON, stdout)
	}
	if dir != "" {
		return inputError{errors.New("enrol: --out-dir is for --csv; say --out for one machine")}
	}
	return enrolOne(ctx, o, given["ttl"], asJSON, stdout)
}

func enrolOne(ctx context.Context, o enrol.Options, life, asJSON bool, stdout io.Writer) error {
	if !life {
		o.TTL = 15 * time.Minute
	}
	if o.Machines < 1 {
		return inputError{fmt.Errorf("enrol: --machines is %d; it must be 1 or more", o.Machines)}
	}
	join, err := enrol.Run(ctx, o)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(enrol.Made{Site: join.Site, Name: join.Name, File: o.Out, Expires: join.Expires})
	}
	if o.Machines > 1 {
		fmt.Fprintf(stdout, "%s is the join file of %d machines, %s 1 and so on. Use it before %s, on an installer stick.\n",
			o.Out, o.Machines, join.Name, join.Expires.Local().Format("15:04"))
		return nil
	}
	fmt.Fprintf(stdout, "%s is the join file of %s. Put it on that machine before %s; it works once.\n",
		o.Out, join.Name, join.Expires.Local().Format("15:04"))
	return nil
}

func enrolCentre(ctx context.Context, o enrol.Options, sheet, dir string, asJSON bool, stdout io.Writer) error {
	if dir == "" {
		return inputError{errors.New("enrol: --out-dir is missing: say where to write the join files")}
	}
	rows, err := enrol.ReadSheet(sheet)
	if err != nil {
		return err
	}
	all, made := []enrol.Made{}, 0
	err = enrol.Centre(ctx, o, rows, dir, func(m enrol.Made) {
		all = append(all, m)
		if !m.There {
			made++
		}
		switch {
		case asJSON:
		case m.There:
			fmt.Fprintf(stdout, "%s, %s: is there already, or a code for it is; nothing was made\n", m.Site, m.Name)
		default:
			fmt.Fprintf(stdout, "%s, %s: %s, works until %s\n", m.Site, m.Name, m.File, m.Expires.Local().Format("2006-01-02 15:04"))
		}
	})
	if asJSON {
		return errors.Join(err, json.NewEncoder(stdout).Encode(all))
	}
	if err == nil {
		fmt.Fprintf(stdout, "%d made, %d were there already.\n", made, len(all)-made)
	}
	return err
}

func runCodes(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	var o enrol.Options
	var asJSON bool
	f := flagSet("enrol list")
	agentFlags(f, &o, env)
	f.BoolVar(&asJSON, "json", false, "in JSON, for scripts")
	if help, err := named(f, args, stdout); help || err != nil {
		return err
	}
	all, err := enrol.Codes(ctx, o)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(stdout, "No code is open.")
	}
	for _, c := range all {
		what := ""
		if c.Replaces != "" {
			what = ", takes the place of " + string(c.Replaces)
		}
		fmt.Fprintf(stdout, "%s  %s, %s%s: used %d of %d, until %s\n", c.ID, c.Site, c.Name, what, c.Used, c.Uses, c.Expires.Local().Format("2006-01-02 15:04"))
	}
	return nil
}

func runRevoke(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	var o enrol.Options
	f := flagSet("enrol revoke")
	agentFlags(f, &o, env)
	ids, help, err := parse(f, args, stdout)
	if help || err != nil {
		return err
	}
	if len(ids) != 1 {
		return inputError{errors.New("enrol revoke: name one code as \"provision enrol list\" shows it")}
	}
	if err := enrol.Revoke(ctx, o, ids[0]); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The code %s lets nobody in any more.\n", ids[0])
	return nil
}

func runReplace(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	var o enrol.Options
	var site string
	f := flagSet("replace")
	agentFlags(f, &o, env)
	f.StringVar(&site, "site", "", "`identifier` of its day centre, if several machines have the name")
	f.DurationVar(&o.TTL, "ttl", time.Hour, "how `long` the code works")
	f.StringVar(&o.Out, "out", "", "`file` to write: the spare's join file; JSON if its name ends in .json")
	f.BoolVar(&o.Force, "force", false, "replace the file if there is one")
	kiosks, help, err := parse(f, args, stdout)
	if help || err != nil {
		return err
	}
	if len(kiosks) != 1 {
		return inputError{errors.New("replace: name one kiosk, by its name or identifier: provision replace \"Kone 3\" --out FILE")}
	}
	o.Replaces, o.Site = kiosks[0], fleet.SiteID(strings.TrimSpace(site))
	join, err := enrol.Run(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is the join file of the spare. Once it is used before %s, the spare is %s, with its past, and the old machine is let in no more.\n",
		o.Out, join.Expires.Local().Format("15:04"), join.Name)
	return nil
}
