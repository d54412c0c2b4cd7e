package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
	"yhteiskone/provision/check"
	"yhteiskone/provision/enrol"
	"yhteiskone/provision/label"
)

// runCheck has a finished machine checked, and says what its sheet comes to.
func runCheck(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	var o enrol.Options
	var site, lang string
	var most time.Duration
	var asJSON, last bool
	f := flagSet("check")
	agentFlags(f, &o, env)
	f.StringVar(&site, "site", "", "`identifier` of its day centre, if several machines have the name")
	f.StringVar(&lang, "lang", "en", "`language` of what is said: fi, sv or en")
	f.DurationVar(&most, "wait", 5*time.Minute, "how `long` to wait: for the machine, and for whoever uses it")
	f.BoolVar(&last, "last", false, "show the newest sheet that is kept, and check nothing")
	f.BoolVar(&asJSON, "json", false, "in JSON, for scripts")
	names, help, err := parse(f, args, stdout)
	switch {
	case help || err != nil:
		return err
	case len(names) != 1:
		return inputError{errors.New("check: name one kiosk, by its name or identifier: provision check \"Kone 3\"")}
	case o.Socket != "":
		return inputError{errors.New("check: --socket has no sheets; give --agent, --pin and a token")}
	case !slices.Contains([]string{"fi", "sv", "en"}, lang):
		return inputError{fmt.Errorf("check: --lang is %q; it must be fi, sv or en", lang)}
	case most < time.Second:
		return inputError{fmt.Errorf("check: --wait is %v; it must be at least 1s", most)}
	}
	client, base, err := enrol.Reach(o.Agent, o.Pin, o.Token)
	if err != nil {
		return err
	}
	all, err := enrol.Kiosks(ctx, o)
	if err != nil {
		return err
	}
	kiosk, err := oneKiosk(all, names[0], fleet.SiteID(strings.TrimSpace(site)))
	if err != nil {
		return err
	}
	agent := check.Agent{Client: client, Base: base, Token: o.Token, Lang: lang, Every: time.Second}
	var answer wire.SheetAnswer
	if last {
		answer, err = agent.Last(ctx, kiosk.ID)
	} else {
		answer, err = agent.Run(ctx, kiosk.ID, most, func(connected bool) {
			if connected {
				fmt.Fprintf(stderr, "%s is asked; it is checked when nobody uses it.\n", kiosk.Name)
			} else {
				fmt.Fprintf(stderr, "%s is not connected; it is checked when it is back.\n", kiosk.Name)
			}
		})
	}
	switch {
	case errors.Is(err, check.ErrNotNow):
		return notNowError{fmt.Errorf("check: %w", err)}
	case err != nil:
		return fmt.Errorf("check: %w", err)
	case asJSON:
		err = json.NewEncoder(stdout).Encode(answer)
	default:
		err = check.Say(stdout, answer, label.Page(o.Agent, string(kiosk.ID))+"/sheet")
	}
	if err == nil && !answer.Result.Accepted {
		err = fmt.Errorf("check: %s is not finished: %d to mend or to check", kiosk.Name,
			answer.Result.Ways.Failed+answer.Result.Ways.Unknown+answer.Result.Rest.Failed+answer.Result.Rest.Unknown)
	}
	return err
}

// oneKiosk finds the one kiosk that is meant.
func oneKiosk(all []enrol.Kiosk, name string, site fleet.SiteID) (found enrol.Kiosk, err error) {
	n := 0
	for _, k := range all {
		if (name == string(k.ID) || strings.EqualFold(name, k.Name)) && (site == "" || site == k.Site) {
			found = k
			n++
		}
	}
	switch n {
	case 0:
		return found, inputError{fmt.Errorf("check: the agent knows no kiosk %q there", name)}
	case 1:
		return found, nil
	}
	return found, inputError{fmt.Errorf("check: %d kiosks are called %q; say which with --site, or name it by its identifier", n, name)}
}
