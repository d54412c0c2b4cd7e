package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
)

const usage = `Usage: kiosk COMMAND [--config FILE]

  kiosk run [--timings FILE]
                          run the kiosk on this display until told to stop;
                          FILE gets the moments that the bench measures
  kiosk check [--json]    say whether this machine can run a kiosk
  kiosk enrol             let this machine into the fleet with the join file, once,
                          and say in JSON who it is; for the installer
  kiosk status [--json]   say what the running kiosk does
  kiosk start [--tile ID] begin a session, as a press on that tile would
  kiosk end               end the running session and erase it
  kiosk queue [--over]    say that somebody waits for the machine, or that
                          nobody does any more; for a button on the wall
  kiosk proofs verify FILE
                          check the signatures and the chain of a proof file

FILE is ` + configPath + ` unless told otherwise.
Exit codes: 0 done, 1 failed, 2 bad input, 3 not now (busy, unreachable).
`

// badInput and notNow choose the exit code of an error.
type badInput struct{ error }
type notNow struct{ error }

func (e badInput) Unwrap() error { return e.error }
func (e notNow) Unwrap() error   { return e.error }

// run is the program. It returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	env := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	err := command(ctx, args, env, stdout, stderr)
	var bad badInput
	var busy notNow
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case errors.Is(err, errQuiet):
		return 1
	}
	fmt.Fprintf(stderr, "kiosk: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	switch {
	case errors.As(err, &bad):
		return 2
	case errors.As(err, &busy):
		return 3
	}
	return 1
}

// errQuiet fails without another word: everything was said.
var errQuiet = errors.New("said")

func command(ctx context.Context, args []string, env map[string]string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return badInput{errors.New("say what to do")}
	}
	name, rest := args[0], args[1:]
	flags := flag.NewFlagSet("kiosk "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	path := flags.String("config", "", "")
	asJSON := flags.Bool("json", false, "")
	tile := flags.String("tile", "", "")
	timings := flags.String("timings", "", "")
	over := flags.Bool("over", false, "")
	takes := map[string]string{"run": "config timings", "check": "config json", "status": "config json",
		"enrol": "config", "start": "config tile", "end": "config", "queue": "config over", "proofs": "", "version": ""}
	allowed, known := takes[name]
	switch {
	case name == "-h" || name == "--help" || name == "help":
		return flag.ErrHelp
	case !known:
		return badInput{fmt.Errorf("there is no command %q; see kiosk --help", name)}
	case name == "proofs":
		if len(rest) != 2 || rest[0] != "verify" {
			return badInput{errors.New("use: kiosk proofs verify FILE")}
		}
		return verifyProofs(rest[1], stdout)
	}
	if err := flags.Parse(rest); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return badInput{err}
	}
	var wrong error
	flags.Visit(func(f *flag.Flag) {
		if !strings.Contains(" "+allowed+" ", " "+f.Name+" ") {
			wrong = fmt.Errorf("kiosk %s takes no --%s", name, f.Name)
		}
	})
	if wrong == nil && flags.NArg() > 0 {
		wrong = fmt.Errorf("kiosk %s does not take %q", name, flags.Arg(0))
	}
	if wrong != nil {
		return badInput{wrong}
	}
	if name == "version" {
		fmt.Fprintln(stdout, build())
		return nil
	}
	named := *path != ""
	if !named {
		*path = configPath
	}
	c, err := loadConfig(*path, named, env)
	if err != nil {
		return badInput{err}
	}
	switch name {
	case "run":
		return serve(ctx, c, env, *timings, stderr)
	case "check":
		return checkMachine(ctx, c, *asJSON, stdout)
	case "enrol":
		return enrolOnce(ctx, c, stdout)
	case "status":
		return printStatus(ctx, c, *asJSON, stdout)
	case "end":
		_, err = callControl(ctx, c.socket(), http.MethodPost, "/end", nil)
	case "queue":
		form := url.Values{}
		if *over {
			form.Set("over", "1")
		}
		_, err = callControl(ctx, c.socket(), http.MethodPost, "/queue", form)
	case "start":
		_, err = callControl(ctx, c.socket(), http.MethodPost, "/start", url.Values{"tile": {*tile}})
	}
	return err
}

func printStatus(ctx context.Context, c *config, asJSON bool, out io.Writer) error {
	body, err := callControl(ctx, c.socket(), http.MethodGet, "/status", nil)
	if err != nil {
		return err
	}
	if asJSON {
		_, err = out.Write(body)
		return err
	}
	return sayStatus(body, out)
}

// build names this program's version as far as the build knows it.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}

// mkdirs makes the kiosk's folders, for its own user only.
func mkdirs(dirs ...string) error {
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make a folder of the kiosk: %w", err)
		}
	}
	return nil
}
