package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"yhteiskone/agent/store"
)

const usage = `Usage:
  agent serve     --data DIR --listen ADDR [--plain-http] [--config FILE]
  agent enrol     --data DIR --site SITE --name NAME [--site-name NAME]
                  [--place PLACE] [--notes TEXT] [--uses N] [--ttl 15m] [--json]
  agent user add  NAME --data DIR --role ROLE [--site SITE]... [--mail ADDRESS]
                  [--password-stdin]
  agent user role NAME --data DIR --role ROLE [--site SITE]...
  agent user mail NAME --data DIR --mail ADDRESS
  agent user renew|disable|enable|remove|reset-factor|sign-out NAME --data DIR
  agent user list --data DIR
  agent token add NAME --data DIR --role ROLE [--site SITE]...
  agent token remove NAME --data DIR
  agent token list --data DIR
  agent release   key FILE | add DIR | list | remove VERSION --data DIR
  agent release   offer VERSION --data DIR (--kiosk ID... | --site SITE | --all)
                  [--allow-older]
  agent backup    FILE --data DIR
  agent restore   FILE (--data DIR | --check)
  agent check     --data DIR
  agent simulate  --kiosks N (--agent URL --code CODE --pin PIN | --data DIR)
                  [--sites N] [--seed N] [--steady] [--report-every 15s]
                  [--storm N] [--every 1m]
  agent demo      [--listen 127.0.0.1:0]
  agent help

serve     runs the agent until it gets SIGTERM or Ctrl-C. ADDR is host:port;
          port 0 takes a free one. TLS is always on, with a certificate that the
          agent makes itself; --plain-http switches it off, on this machine's
          own addresses only.
enrol     makes a one-time code with which a machine becomes a kiosk.
user      adds a person, changes one, or lists people. ROLE is viewer, staff,
          technician or admin, at each --site, or at every site without one.
          add and renew print a one-time code to sign in with; reset-factor
          takes away the second factor of somebody who has lost the phone.
token     makes, removes and lists bearer tokens for /api.
release   keeps releases of the kiosks' image and offers them. key says which key
          they must be signed with (the file that provision key new left beside
          the secret one); add takes one from a folder. Offer it to some kiosks
          first. A kiosk takes one that is older than its own only with
          --allow-older.
backup    copies everything that the agent keeps to one file, its identity too.
restore   puts a backup in the place of what is in DIR, and keeps what was there
          in a folder beside it. A running agent starts anew with it. With
          --check it only says whether the file could be restored.
check     looks through the data for damage.
simulate  runs N kiosks that do not exist but speak as real ones do. With --storm
          that many lose their line in one moment and are back at once, again
          and again.
demo      is a look at the dashboard: an agent with kiosks that do not exist, at
          three sites, with a past and with what can go wrong. It prints where,
          and with what name and password. Ctrl-C ends it, and nothing is kept.

Every command but serve and demo works whether the agent runs or not.
Exit codes: 0 done, 1 failed, 2 bad input, 3 not now.
`

// Exit codes.
const (
	exitFailed = 1
	exitInput  = 2
	exitNotNow = 3
)

// exitError is an error with its exit code.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

func badInput(format string, args ...any) error {
	return exitError{exitInput, fmt.Errorf(format, args...)}
}

func notNow(format string, args ...any) error {
	return exitError{exitNotNow, fmt.Errorf(format, args...)}
}

// report tells the error and returns the exit code. What to do stands in the
// error already, except for what can meet every command.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	todo := ""
	switch {
	case errors.Is(err, store.ErrFull):
		todo = " Make room on it, then try again."
	case errors.Is(err, store.ErrNewer):
		todo = " Use that version or a newer one."
	}
	text := err.Error()
	if todo != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	fmt.Fprintf(stderr, "agent: %s%s\n", text, todo)
	var e exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailed
}

// run is the whole program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return badInput("a command is missing")
	}
	name, rest := args[0], args[1:]
	if (name == "user" || name == "token" || name == "release") && len(rest) > 0 {
		name, rest = name+" "+rest[0], rest[1:]
	}
	switch name {
	case "serve":
		return serve(ctx, rest, stdout, stderr)
	case "enrol":
		return enrol(ctx, rest, stdout)
	case "user add":
		return userAdd(ctx, rest, stdin, stdout)
	case "user renew":
		return userRenew(ctx, rest, stdout)
	case "user list":
		return userList(ctx, rest, stdout)
	case "user role", "user mail", "user disable", "user enable", "user remove", "user reset-factor", "user sign-out":
		return userChange(ctx, strings.TrimPrefix(name, "user "), rest, stdout)
	case "token add":
		return tokenAdd(ctx, rest, stdout)
	case "token remove":
		return tokenRemove(ctx, rest, stdout)
	case "token list":
		return tokenList(ctx, rest, stdout)
	case "release key", "release add", "release list", "release remove", "release offer":
		return releaseCommand(ctx, strings.TrimPrefix(name, "release "), rest, stdout)
	case "backup":
		return backupTo(ctx, rest, stdout)
	case "restore":
		return restore(ctx, rest, stdout)
	case "check":
		return checkStore(ctx, rest, stdout)
	case "simulate":
		return simulated(ctx, rest, stdout, stderr)
	case "demo":
		return demo(ctx, rest, stdout, stderr)
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	}
	return badInput("there is no command %q; see agent help", name)
}

// parse reads flags that may stand before and after the names, and wants
// exactly the named arguments.
func parse(fs *flag.FlagSet, args []string, names ...string) ([]string, error) {
	fs.SetOutput(io.Discard)
	var got []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, badInput("see agent help")
			}
			return nil, badInput("%w; see agent help", err)
		}
		if fs.NArg() == 0 {
			break
		}
		got = append(got, fs.Arg(0))
		args = fs.Args()[1:]
	}
	switch {
	case len(got) > len(names):
		return nil, badInput("%q is one word too many; see agent help", got[len(names)])
	case len(got) < len(names):
		return nil, badInput("%s is missing; see agent help", names[len(got)])
	}
	return got, nil
}

// need says which flag is missing.
func need(flags map[string]string, order ...string) error {
	for _, name := range order {
		if flags[name] == "" {
			return badInput("--%s is missing; see agent help", name)
		}
	}
	return nil
}
