// Command test runs the checks of `make test`: all of them, or those named on
// its command line. It goes on after a failure, so that one run tells
// everything, and ends with what failed, or with the number of tests. Up to
// three failed tests of a step are tried once more, alone, and the end says so:
// see again.
//
// Browsers never run as root: as root, the tests that start one are compiled
// here and run as the user yhteiskone, in a copy of the tree that this user
// can read.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// step is one check.
type step struct {
	name string
	run  func(context.Context, *report) error
	long bool // only when it is named: too long for every run
}

func steps() []step {
	return []step{
		{name: "fmt", run: format},
		{name: "vet", run: tool("go", "vet", "./...")},
		{name: "staticcheck", run: tool("go", "tool", "staticcheck", "./...")},
		{name: "modules", run: tool("go", "mod", "verify")},
		{name: "unit", run: unit},
		{name: "race", run: race},
		{name: "fuzz", run: fuzz},
		{name: "soak", run: soak},
		{name: "browser", run: browser},
		{name: "walls", run: walls},
		{name: "boot", run: boot},
		{name: "matrix", run: matrix, long: true},
		{name: "escapes", run: waysOut, long: true}, // browser tries most of them as well
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, names []string) int {
	for _, n := range names {
		if !slices.ContainsFunc(steps(), func(s step) bool { return s.name == n }) {
			fmt.Fprintf(os.Stderr, "test: there is no check %q\n", n)
			return 2
		}
	}
	r := newReport(os.Stdout)
	begin := time.Now()
	var failed []string
	for _, s := range steps() {
		if len(names) > 0 && !slices.Contains(names, s.name) || len(names) == 0 && s.long {
			continue
		}
		r.begin(s.name)
		from := time.Now()
		if err := s.run(ctx, r); err != nil {
			r.printf("%s: %v\n", s.name, err)
			failed = append(failed, s.name)
		}
		r.printf("== %s took %v\n", s.name, time.Since(from).Round(100*time.Millisecond))
		if ctx.Err() != nil {
			r.printf("FAIL: stopped in %s\n", s.name)
			return 1
		}
	}
	r.close()
	took := time.Since(begin).Round(time.Second)
	if len(failed) > 0 {
		r.printf("FAIL: %s (after %v)\n", strings.Join(failed, ", "), took)
		return 1
	}
	r.printf("PASS: every check, in %v\n", took)
	return 0
}

// tool runs a program that says something only when something is wrong.
func tool(program string, args ...string) func(context.Context, *report) error {
	return func(ctx context.Context, r *report) error {
		out, err := command(ctx, nil, program, args...).CombinedOutput()
		if err != nil {
			r.printf("%s", out)
		}
		return err
	}
}

// soak is half a minute of what make soak does for hours.
func soak(ctx context.Context, r *report) error {
	out, err := command(ctx, nil, "go", "run", "./internal/dev/soak", "-for", "12s").CombinedOutput()
	r.printf("%s", out)
	return err
}

// command is a program of ours: it is asked to stop with its children, and
// killed if it does not.
func command(ctx context.Context, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	return cmd
}

func format(ctx context.Context, _ *report) error {
	out, err := command(ctx, nil, "gofmt", "-l", "agent", "internal", "kiosk", "provision").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if len(out) > 0 {
		return fmt.Errorf("gofmt would change %s", strings.Join(strings.Fields(string(out)), ", "))
	}
	return nil
}
