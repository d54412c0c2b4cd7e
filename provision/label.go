package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/label"
)

// runLabel makes labels of kiosks that the agent knows.
func runLabel(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	var o enrol.Options
	var site, out string
	var force bool
	s := label.Sheet{}
	f := flagSet("label")
	agentFlags(f, &o, env)
	f.StringVar(&site, "site", "", "`identifier` of a day centre; without it every one that the token may see")
	f.StringVar(&s.Phone, "phone", "", "`number` to call for help")
	f.StringVar(&s.Lang, "lang", "fi", "`language` of the labels: fi, sv or en")
	f.StringVar(&out, "out", "", "`file` to write, for example labels.html; print it with any browser")
	f.BoolVar(&force, "force", false, "replace the file if there is one")
	names, help, err := parse(f, args, stdout)
	switch {
	case err != nil || help:
		return err
	case out == "":
		return inputError{errors.New("label: --out is missing: say which file to write")}
	case o.Socket != "":
		return inputError{errors.New("label: --socket knows no address that a phone could open; give --agent, --pin and a token")}
	}
	if err := fleet.CheckName("--phone", s.Phone); s.Phone != "" && err != nil {
		return inputError{fmt.Errorf("label: %w", err)}
	}
	if _, err := os.Lstat(out); err == nil && !force {
		return inputError{fmt.Errorf("label: %s exists; use another name, or --force to replace it", out)}
	}
	all, err := enrol.Kiosks(ctx, o)
	if err != nil {
		return err
	}
	if s.Labels, err = labels(all, o.Agent, fleet.SiteID(site), names); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := label.Write(&page, s); err != nil {
		return inputError{fmt.Errorf("label: %w", err)}
	}
	if err := renameio.WriteFile(out, page.Bytes(), 0o644, renameio.WithTempDir(filepath.Dir(out))); err != nil {
		return inputError{fmt.Errorf("label: --out cannot be written: %w", err)}
	}
	fmt.Fprintf(stdout, "%s holds %d labels. Open it in a browser and print it at 100 %%.\n", out, len(s.Labels))
	return nil
}

// labels are those of a site, or of the kiosks that were named.
func labels(all []enrol.Kiosk, agent string, site fleet.SiteID, names []string) (some []label.Label, err error) {
	found := map[string]bool{}
	for _, k := range all {
		wanted := len(names) == 0
		for _, n := range names {
			if n == string(k.ID) || strings.EqualFold(n, k.Name) {
				wanted, found[n] = true, found[n] || site == "" || site == k.Site
			}
		}
		if wanted && (site == "" || site == k.Site) {
			some = append(some, label.Label{Name: k.Name, Place: k.Place, Site: string(k.Site), URL: label.Page(agent, string(k.ID))})
		}
	}
	for _, n := range names {
		if !found[n] {
			return nil, inputError{fmt.Errorf("label: the agent knows no kiosk %q there", n)}
		}
	}
	return some, nil
}
