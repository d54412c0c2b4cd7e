package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"yhteiskone/provision/image"
)

// card says in plain Finnish how a stick is made and used. Every stick has it.
//
//go:embed KORTTI.md
var card []byte

func runImageBuild(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := image.Options{Log: stderr}
	var epoch int64
	var show bool
	f := flag.NewFlagSet("provision image build", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.Recipe, "recipe", "images", "`folder` of the recipe")
	f.StringVar(&o.Out, "out", "build/image", "`folder` for what is made, and for the packages that are kept")
	f.StringVar(&o.Kiosk, "kiosk", "bin/kiosk", "our `program`")
	f.StringVar(&o.Install, "provision", "bin/provision", "our `program` that installs the image")
	f.StringVar(&o.Key, "key", "", "public `key` of releases; without it the image takes no updates")
	f.StringVar(&o.Sources, "sources", "", "`file` with the sources of Debian's packages (deb822) in place of this machine's own; its suites are replaced, and it does not ship")
	f.BoolVar(&show, "show-sources", false, "print the list that a build would install from, and build nothing")
	f.IntVar(&o.Level, "level", 15, "`level` of zstd: 3 is quick, 15 small")
	f.StringVar(&o.Version, "version", "", "of the image; without it the commit's date and name")
	f.Int64Var(&epoch, "epoch", 0, "`seconds` since 1970 that every file gets as its time; without it the commit's")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stdout)
		f.Usage()
		return nil
	case err != nil:
		return inputError{fmt.Errorf("image build: %w", err)}
	case f.NArg() > 0:
		return inputError{fmt.Errorf("image build: %q belongs to no flag", f.Arg(0))}
	}
	if show {
		return showSources(o, stdout)
	}
	if epoch == 0 || o.Version == "" {
		at, name, err := commit(ctx)
		if err != nil {
			return inputError{fmt.Errorf("image build: the commit is not known (%w): say --version and --epoch", err)}
		}
		if epoch == 0 {
			epoch = at.Unix()
		}
		if o.Version == "" {
			o.Version = at.UTC().Format("20060102.150405") + "-" + name
		}
	}
	o.Epoch, o.Card = time.Unix(epoch, 0), card
	path, err := image.Build(ctx, o)
	if errors.Is(err, image.ErrInput) {
		return inputError{err}
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, path)
	return nil
}

// showSources prints the list of Debian's sources for the image.
func showSources(o image.Options, stdout io.Writer) error {
	recipe, err := image.ReadRecipe(o.Recipe)
	if err != nil {
		return inputError{err}
	}
	sources, err := recipe.Sources(o.Sources)
	if errors.Is(err, image.ErrInput) {
		return inputError{err}
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, sources)
	return err
}

// commit is the tree's newest.
func commit(ctx context.Context) (time.Time, string, error) {
	out, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct %h").Output()
	if err != nil {
		return time.Time{}, "", err
	}
	seconds, name, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0), name, err
}
