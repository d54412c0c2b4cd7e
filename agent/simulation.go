package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"yhteiskone/agent/simulate"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// simulatedLimit is what one process can carry.
const simulatedLimit = 20000

// simulated runs simulated kiosks.
func simulated(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("simulate", flag.ContinueOnError)
	kiosks, data, agent := fs.Int("kiosks", 0, ""), fs.String("data", "", ""), fs.String("agent", "", "")
	code, pin := fs.String("code", "", ""), fs.String("pin", "", "")
	sites, seed := fs.Int("sites", 1, ""), fs.Uint64("seed", 1, "")
	steady, every := fs.Bool("steady", false, ""), fs.Duration("report-every", 0, "")
	storm, storms := fs.Int("storm", 0, ""), fs.Duration("every", time.Minute, "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if *kiosks < 1 || *kiosks > simulatedLimit {
		return badInput("--kiosks is %d; it must be 1 to %d", *kiosks, simulatedLimit)
	}
	if *every != 0 && (*every < 100*time.Millisecond || *every > 30*time.Second) {
		return badInput("--report-every is %v; it must be 100ms to 30s", *every)
	}
	if *storm < 0 || *storm > *kiosks {
		return badInput("--storm is %d; it must be 0 to %d, the number of kiosks", *storm, *kiosks)
	}
	if *storms < time.Second || *storms > time.Hour {
		return badInput("--every is %v; it must be 1s to 1h", *storms)
	}
	c := simulate.Config{Agent: *agent, Kiosks: *kiosks, Seed: *seed, Steady: *steady, ReportEvery: *every, Storm: *storm, Every: *storms,
		Told: func(line string) { fmt.Fprintf(stdout, "simulate: %s\n", line) }}
	var err error
	switch {
	case *code == "" && *data != "":
		if *sites < 1 || *sites > len(centres()) {
			return badInput("--sites is %d; it must be 1 to %d", *sites, len(centres()))
		}
		err = simulatedCodes(ctx, &c, *data, *sites)
	case *sites != 1:
		return badInput("--sites needs --data instead of --code, to make a code for each site")
	default:
		err = simulatedGiven(&c, *code, *pin)
	}
	if err != nil {
		return err
	}
	if err := simulate.Run(ctx, c); err != nil {
		return notNow("%w", err)
	}
	return nil
}

// simulatedGiven takes agent, code and pin from the command line.
func simulatedGiven(c *simulate.Config, code, pin string) error {
	if err := need(map[string]string{"agent": c.Agent, "code": code, "pin": pin}, "agent", "code", "pin"); err != nil {
		return err
	}
	var err error
	if c.Pin, _, err = identity.ParsePin(pin); err != nil {
		return badInput("--pin: %w", err)
	}
	for _, one := range strings.Split(code, ",") {
		clean, err := identity.ParseCode(one)
		if err != nil {
			return badInput("--code: %w", err)
		}
		c.Codes = append(c.Codes, clean)
	}
	return nil
}

// centres are made up, in the manner of real ones.
func centres() []fleet.Site {
	return []fleet.Site{{ID: "ranta", Name: "Päiväkeskus Ranta"}, {ID: "kulma", Name: "Kahvila Kulma"},
		{ID: "satama", Name: "Yösuoja Satama"}, {ID: "pihlaja", Name: "Asumisyksikkö Pihlaja"},
		{ID: "tori", Name: "Neuvontapiste Tori"}, {ID: "mylly", Name: "Päiväkeskus Mylly"}}
}

// simulatedCodes asks the agent of the data folder for a code for each site, or
// for several if one does not do.
func simulatedCodes(ctx context.Context, c *simulate.Config, dir string, sites int) error {
	o, done, err := operate(ctx, dir)
	if err != nil {
		return err
	}
	defer done()
	codes := sites * ((c.Kiosks + sites*wire.CodeUsesLimit - 1) / (sites * wire.CodeUsesLimit)) // a code has its limit
	for i := range codes {
		site, share := centres()[i%sites], (c.Kiosks-i+codes-1)/codes // of kiosk i, i+codes, ...
		if share == 0 {
			continue
		}
		r := wire.EnrolmentRequest{Site: site.ID, SiteName: site.Name, Name: "Kone", Uses: share, TTLS: 600}
		e, err := o.Enrol(ctx, staff.Operator(), r)
		if err != nil {
			return err
		}
		c.Codes = append(c.Codes, e.Code)
		if c.Agent == "" {
			c.Agent = e.Agent
		}
		c.Pin = identity.Pin(e.Pin)
	}
	return nil
}
