package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/serve"
)

const usage = `provision brings machines into the fleet of an agent.

  provision enrol   asks the agent for a code and writes a kiosk's join file;
                    --csv FILE does it for a whole centre; list, revoke ID
  provision replace KIOSK: a join file for a spare that takes a broken one's
                    place, with its name and its past
  provision key     new FILE: makes a key that releases of the image are signed
                    with; show FILE: names it
  provision image   build: makes the bootable image of a kiosk from images/;
                    sign, verify, show or publish DIR: a release of it
  provision check   KIOSK: has a finished machine check itself, and says what is
                    left to do; the agent keeps the signed sheet
  provision label   [KIOSK...] --out FILE: labels to print and stick on
  provision write   IMAGE --to DISK: erases a disk and makes it a kiosk's
  provision serve   IMAGE --join FILE --listen ADDRESS: installs many machines
                    over a network of the technician's own
  provision install: what the stick of "write --install" does on a bare machine
  provision completion bash: lets the shell finish commands and flags

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
	var problem *disk.Problem
	switch {
	case err == nil:
		return 0
	case errors.As(err, &problem):
		return problem.Exit
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
		return runEnrol(ctx, args[1:], env, stdout)
	case "replace":
		return runReplace(ctx, args[1:], env, stdout)
	case "key":
		return runKey(args[1:], stdout, stderr)
	case "image":
		return runImage(ctx, args[1:], env, stdout, stderr)
	case "check":
		return runCheck(ctx, args[1:], env, stdout, stderr)
	case "label":
		return runLabel(ctx, args[1:], env, stdout)
	case "write":
		return runWrite(ctx, args[1:], person(os.Stdin, stderr), stdout, stderr)
	case "install":
		return runInstall(ctx, args[1:], stdout, stderr)
	case "serve":
		return runServe(ctx, args[1:], serve.System{}, askWithin, stdout, stderr)
	case "early":
		return runEarly(ctx, args[1:], stdout)
	case "completion":
		return runCompletion(args[1:], stdout)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	}
	return inputError{fmt.Errorf("there is no command %q; say \"provision help\"", args[0])}
}
