package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/provision/enrol"
)

const usage = `provision brings machines into the fleet of an agent.

  provision enrol   asks the agent for a code and writes a kiosk's join file
  provision key     new FILE: makes a key that releases of the image are signed
                    with; show FILE: names it
  provision image   sign, verify, show or publish DIR: a release of the image

Say "provision enrol -h", or "provision image sign -h", for its flags. Exit codes: 0 done, 1 failed,
2 wrong input, 3 not now (the agent is busy or cannot be reached).
`

// inputError is wrong input: exit code 2, nothing was changed.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

// notNowError is an agent that cannot be reached: exit code 3.
type notNowError struct{ error }

func (e notNowError) Unwrap() error { return e.error }

// exitCode is what a shell is told about err.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, &inputError{}) || errors.Is(err, enrol.ErrInput):
		return 2
	case errors.Is(err, enrol.ErrNotNow) || errors.As(err, &notNowError{}):
		return 3
	}
	return 1
}

// run is the program.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return inputError{errors.New("say what to do, for example: provision enrol -h")}
	}
	switch args[0] {
	case "enrol":
		return runEnrol(ctx, args[1:], env, stdout, stderr)
	case "key":
		return runKey(args[1:], stdout, stderr)
	case "image":
		return runImage(ctx, args[1:], env, stdout)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	}
	return inputError{fmt.Errorf("there is no command %q; say \"provision help\"", args[0])}
}

func runEnrol(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	var o enrol.Options
	var site string
	f := flag.NewFlagSet("provision enrol", flag.ContinueOnError)
	f.SetOutput(io.Discard) // mistakes are told once, by main
	f.StringVar(&o.Agent, "agent", "", "`address` of the agent, for example https://agent.example.org:8443")
	f.StringVar(&o.Pin, "pin", "", "the agent's `pin`, as \"agent enrol\" and its dashboard show it")
	f.StringVar(&o.Token, "token", env("YHTEISKONE_TOKEN"), "`token` of a technician at the agent; better in the environment as YHTEISKONE_TOKEN, where other users do not see it")
	f.StringVar(&o.Socket, "socket", "", "the agent's control `socket` (agent.sock in its data folder) instead of address, pin and token")
	f.StringVar(&site, "site", "", "`identifier` of the day centre: a-z, 0-9 and '-'")
	f.StringVar(&o.SiteName, "site-name", "", "its `name`, if the agent does not know it yet")
	f.StringVar(&o.Name, "name", "", "the machine's `name`, for example \"Kone 3\"")
	f.StringVar(&o.Place, "place", "", "`where` in the house it stands")
	f.DurationVar(&o.TTL, "ttl", 15*time.Minute, "how `long` the code works")
	f.StringVar(&o.Out, "out", "", "`file` to write: the kiosk's join file")
	f.BoolVar(&o.Force, "force", false, "replace the file if there is one")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stdout)
		f.Usage()
		return nil
	case err != nil:
		return inputError{fmt.Errorf("enrol: %w", err)}
	case f.NArg() > 0:
		return inputError{fmt.Errorf("enrol: %q belongs to no flag", f.Arg(0))}
	}
	o.Site = fleet.SiteID(strings.TrimSpace(site))
	join, err := enrol.Run(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is the join file of %s. Put it on that machine before %s; it works once.\n",
		o.Out, join.Name, join.Expires.Local().Format("15:04"))
	return nil
}
