// Command packages makes the Debian packages of agent and provision out of the
// built programs and the files in agent/debian, with dpkg-deb, which is on every
// Debian. The same commit makes the same bytes.
//
// It installs nothing, and it signs nothing: whoever keeps a package archive
// signs that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := flag.String("out", "build", "`folder` for the packages")
	programs := flag.String("programs", "bin", "`folder` with the built programs")
	flag.Parse()
	if err := run(ctx, *out, *programs); err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, programs string) error {
	v, err := versionOf(ctx)
	if err != nil {
		return err
	}
	for _, p := range packages(".", programs) {
		path, err := p.build(ctx, out, v)
		if err != nil {
			return fmt.Errorf("make the package %s: %w", p.name, err)
		}
		fmt.Println(path)
	}
	return nil
}

// version is which version of the tree a package holds. Later commits have
// later versions.
type version struct {
	text string
	at   time.Time // of everything in the package
}

func versionOf(ctx context.Context) (version, error) {
	ask := func(args ...string) (string, error) {
		text, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(text)), err
	}
	when, err := ask("log", "-1", "--format=%ct")
	name, err2 := ask("describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=.edited")
	if err := errors.Join(err, err2); err != nil {
		return version{}, fmt.Errorf("ask git for the version: %w; make packages in a clone of the repository", err)
	}
	seconds, err := strconv.ParseInt(when, 10, 64)
	if err != nil {
		return version{}, fmt.Errorf("ask git for the version: it says %q", when)
	}
	at := time.Unix(seconds, 0).UTC()
	return version{"0.1+" + at.Format("20060102150405") + "." + name, at}, nil
}
