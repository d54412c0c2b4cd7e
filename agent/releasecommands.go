package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"yhteiskone/agent/releases"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
)

// releaseCommand is agent release key|add|list|remove|offer. Files are read and
// written here, by whom the command runs as; who did what is told the agent.
func releaseCommand(ctx context.Context, what string, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("release "+what, flag.ContinueOnError)
	data := fs.String("data", "", "")
	var r offerRequest
	names := map[string][]string{"key": {"FILE"}, "add": {"DIR"}, "remove": {"VERSION"}, "offer": {"VERSION"}, "list": nil}
	if what == "offer" {
		fs.Func("kiosk", "", func(s string) error { r.Kiosks = append(r.Kiosks, fleet.KioskID(s)); return nil })
		fs.StringVar((*string)(&r.Site), "site", "", "")
		fs.BoolVar(&r.All, "all", false, "")
		fs.BoolVar(&r.Older, "allow-older", false, "")
	}
	got, err := parse(fs, args, names[what]...)
	if err != nil {
		return err
	}
	if err := needData(*data); err != nil {
		return err
	}
	if err := ownedBy(*data, os.Geteuid()); err != nil {
		return err
	}
	keep := releasesIn(*data)
	switch what {
	case "list":
		return listReleases(keep, stdout)
	case "offer":
		return offerRelease(ctx, *data, r, got[0], stdout)
	}
	note, said, err := changeReleases(keep, what, got[0])
	if err != nil {
		return releaseError(err)
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	_, err = o.Released(ctx, note)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, said)
	return err
}

// changeReleases does it, and says what the audit and the person are told.
func changeReleases(keep *releases.Keeper, what, name string) (releaseNote, string, error) {
	switch what {
	case "key":
		text, err := readSmall(name, release.SignatureLimit)
		if err != nil {
			return releaseNote{}, "", err
		}
		key, err := keep.SetKey(text)
		return releaseNote{"release_key", key.ID()}, fmt.Sprintf("releases must be signed with the key %s\nwords  %s", key.ID(), key.Words()), err
	case "add":
		s, err := keep.Add(name)
		return releaseNote{"release_added", s.Version}, fmt.Sprintf("version %s is here; no kiosk has been offered it yet\nwords  %s", s.Version, s.Words()), err
	}
	return releaseNote{"release_removed", name}, name + " is removed", keep.Remove(name)
}

func readSmall(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, badInput("%w", err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// releaseError says what is wrong input, and what is not the time.
func releaseError(err error) error {
	switch {
	case errors.Is(err, releases.ErrNoKey), errors.Is(err, releases.ErrUnknown), errors.Is(err, releases.ErrOther), errors.Is(err, releases.ErrRefused):
		return badInput("%w", err)
	}
	return err
}

func listReleases(keep *releases.Keeper, stdout io.Writer) error {
	key, err := keep.Key()
	if err != nil {
		return releaseError(err)
	}
	all, err := keep.List()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(stdout, "there is no release yet; they must be signed with the key %s\n", key.ID())
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, s := range all {
		fmt.Fprintf(w, "%s\tfrom %s\t%d MB\t%s\n", s.Version, or(s.MinVersion, "any version"), (s.Size()+500_000)/1_000_000, s.Words())
	}
	return w.Flush()
}

func offerRelease(ctx context.Context, data string, r offerRequest, version string, stdout io.Writer) error {
	if !r.clear() {
		return badInput("say to whom: --kiosk ID (as often as you like), --site SITE or --all")
	}
	o, done, err := operate(ctx, data)
	if err != nil {
		return err
	}
	r.Version = version
	a, err := o.Offer(ctx, staff.Operator(), r)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s is offered to %s: %s\nEach takes it when nobody is at it, within a day. What became of it stands on its page.\n",
		version, many(len(a.Names), "kiosk"), strings.Join(a.Names, ", "))
	return err
}
