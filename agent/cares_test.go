package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func TestCares(t *testing.T) {
	c, err := configured(t, `
uplink = ["193.166.4.1:53", "agent.example.fi:443"]
[settings]
grace = "10m"
build = "1.4"
hours = { mon = "9-15" }
[sites.ranta]
holidays = "open"
grace = "0s"
[sites.ranta.hours]
mon-fri = "9-15"
[sites.tori]
build = ""
[sites.kallio]
holidays = "open"
`)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[fleet.SiteID]care{"ranta": {true, 0, "1.4"}, "tori": {false, 10 * time.Minute, ""}, "other": {false, 10 * time.Minute, "1.4"}} {
		if got := c.cares.of(id); got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	for id, open := range map[fleet.SiteID]bool{"ranta": true, "tori": false, "kallio": true} {
		if got := c.places[id].Hours.OnHolidays; got != open {
			t.Errorf("%s is open on holidays: %v", id, got)
		}
	}
	if c.settings.Hours.OnHolidays {
		t.Error("all sites are open on holidays because one is")
	}
	if c, _ := configured(t, ""); c.cares.of("x") != (care{grace: 5 * time.Minute}) {
		t.Errorf("without a word: %+v", c.cares.of("x"))
	}
	for text, says := range map[string]string{
		"[settings]\nholidays = \"maybe\"":                           "settings: holidays is \"maybe\"",
		"[sites.ranta]\nholidays = true":                             "line 2: sites.ranta.holidays",
		"[sites.ranta]\ngrace = \"25h\"":                             "sites.ranta: grace is 25h0m0s",
		"[sites.ranta]\ngrace = \"-1s\"":                             "sites.ranta: grace",
		"[sites.ranta]\nbuild = \"" + strings.Repeat("1", 61) + "\"": "sites.ranta: build",
		"uplink = [\"example.fi\"]":                                  "uplink: number 1",
		"uplink = [\"https://example.fi:443\"]":                      "uplink: number 1",
	} {
		_, err := configured(t, text)
		var exit exitError
		if err == nil || !errors.As(err, &exit) || exit.code != exitInput || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v\nwant %q", text, err, says)
		}
	}
}
