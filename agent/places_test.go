package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

// configured writes an agent.toml and reads it.
func configured(t *testing.T, text string) (config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadConfig(path)
}

const placesExample = `
timezone = "Europe/Helsinki"

[settings]
idle = "10m"
blocked = ["casino.example"]
phone = "09 123 4567"

[[site]]
id = "ranta"
name = "Päiväkeskus Ranta"

[sites.ranta]
mode = "errands"
notice = "20m"
blocked = ["*.poker.example"]
languages = ["fi", "sv", "so"]
phone = "09 765 4321"
support = ["2026-12-08 10:00-12:00", "2026-11-24 9.30-12"]

[sites.ranta.hours]
mon-thu = "9:00-15:00"
fri = "9-12, 13-14:30"
"2026-12-24" = "closed"
"2026-12-31" = "9-11"

[sites.yo]
hours = { fri-sun = "20-24", mon = "0:00-8:00" }
`

func TestPlaces(t *testing.T) {
	c, err := configured(t, placesExample)
	if err != nil {
		t.Fatal(err)
	}
	all, ranta, night := c.settings, c.places["ranta"], c.places["yo"]
	if all.Idle != 10*time.Minute || all.Notice != 15*time.Minute || all.Mode != fleet.Open || all.Hours != nil ||
		!slices.Equal(all.Blocked, []string{"casino.example"}) {
		t.Errorf("all sites: %+v", all)
	}
	if ranta.Idle != 10*time.Minute || ranta.Notice != 20*time.Minute || ranta.Mode != fleet.Errands || ranta.Phone != "09 765 4321" ||
		!slices.Equal(ranta.Blocked, []string{"casino.example", "*.poker.example"}) || !slices.Equal(ranta.Languages, []string{"fi", "sv", "so"}) {
		t.Errorf("ranta: %+v", ranta)
	}
	if len(ranta.Support) != 2 || ranta.Support[0].From.Format(time.RFC3339) != "2026-11-24T09:30:00+02:00" ||
		ranta.Support[0].To.Sub(ranta.Support[0].From) != 150*time.Minute || ranta.Support[1].From.Month() != time.December {
		t.Errorf("support at ranta: %v", ranta.Support)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, c.location)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for when, open := range map[string]bool{"2026-11-23 09:00": true, "2026-11-23 15:00": false, "2026-11-27 12:30": false, "2026-11-27 14:29": true,
		"2026-11-28 10:00": false, "2026-12-24 10:00": false, "2026-12-31 10:00": true, "2026-12-31 11:00": false} {
		if got := ranta.Hours.Open(at(when)); got != open {
			t.Errorf("ranta at %s: open is %v", when, got)
		}
	}
	if !night.Hours.Open(at("2026-11-29 23:59")) || !night.Hours.Open(at("2026-11-30 07:00")) || night.Hours.Open(at("2026-11-26 21:00")) {
		t.Errorf("the night: %+v", night.Hours)
	}
	if night.Mode != fleet.Open || night.Phone != "09 123 4567" {
		t.Errorf("what a site leaves out is not as everywhere: %+v", night)
	}
}

// What is wrong is refused with the line or the field, and exit code 2.
func TestPlacesRefused(t *testing.T) {
	for text, says := range map[string]string{
		"[sites.ranta]\nmode = \"shop\"":                                                                   `sites.ranta: mode is "shop"; it must be "open" or "errands"`,
		"[sites.ranta]\nmode = \"\"":                                                                       `sites.ranta: mode is ""`,
		"[settings]\nblocked = [\"https://casino.example/\"]":                                              "settings: blocked:",
		"[sites.ranta]\nblocked = [\"Casino.example\"]":                                                    "sites.ranta: blocked:",
		"\n[sites.ranta]\nnotice = \"soon\"":                                                               "line 3: sites.ranta.notice",
		"[sites.ranta]\nnotice = \"25h\"":                                                                  "sites.ranta: notice",
		"[sites.ranta]\nlanguages = [\"suomi\"]":                                                           "sites.ranta: languages",
		"[sites.ranta]\nphone = \"" + strings.Repeat("0", 41) + "\"":                                       "sites.ranta: phone",
		"[sites.ranta]\nsupport = [\"24.11.2026 10-12\"]":                                                  `sites.ranta: support: "24.11.2026 10-12" is not a time such as "2026-11-24 10:00-12:00"`,
		"[sites.ranta]\nsupport = [\"2026-11-24 12:00-10:00\"]":                                            "sites.ranta: support",
		"[sites.ranta]\nsupport = [\"2026-02-30 10:00-12:00\"]":                                            "sites.ranta: support",
		"[sites.ranta.hours]\nmon = \"9:00-25:00\"":                                                        "line 2: sites.ranta.hours.mon",
		"[sites.ranta.hours]\nmon = \"9:60-10\"":                                                           "line 2: sites.ranta.hours.mon",
		"[sites.ranta.hours]\nmon = \"15-9\"":                                                              "line 2: sites.ranta.hours.mon",
		"[sites.ranta.hours]\nmon = \"9-12, 11-15\"":                                                       "line 2: sites.ranta.hours.mon",
		"[sites.ranta.hours]\nmon = \"always\"":                                                            "line 2: sites.ranta.hours.mon",
		"[sites.ranta.hours]\nmonday = \"9-15\"":                                                           `sites.ranta: hours: the key "monday" is not a weekday`,
		"[sites.ranta.hours]\n\"2026-13-01\" = \"9-15\"":                                                   `"2026-13-01"`,
		"[sites.ranta.hours]\nmon-fri = \"9-15\"\nwed = \"9-12\"":                                          "Wednesday",
		"[sites.Ranta]\nmode = \"open\"":                                                                   "sites.Ranta: the identifier",
		"agents = [\"http://agent.example\"]":                                                              `agents: "http://agent.example" is not an address such as "https://agent.example.fi:8443"`,
		"agents = [" + strings.Repeat(`"https://a.example",`, 6) + "]":                                     "agents has 6 addresses; at most 5",
		"[sites.ranta]\nopening = \"9-15\"":                                                                `line 2: the key "sites.ranta.opening" is unknown`,
		"[settings]\nblocked = [" + strings.Repeat(`"a.b",`, 501) + "]":                                    "settings: blocked has 501 hosts",
		"[settings]\nblocked = [" + strings.Repeat(`"`+strings.Repeat("a23456789.", 24)+`fi",`, 400) + "]": "settings: blocked and the rest are too long together",
	} {
		_, err := configured(t, text)
		var exit exitError
		if err == nil || !errors.As(err, &exit) || exit.code != exitInput || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "agent.toml") {
			t.Errorf("%.80q: %v\nwant %q", text, err, says)
		}
	}
}

func FuzzOpenHours(f *testing.F) {
	for _, s := range []string{"9-15", "9:00-12:00, 13.00-15:30", "closed", "0-24", "", "-", "9-9", "99-100", "9-15,", "1:1-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var h openHours
		if h.UnmarshalText([]byte(text)) != nil {
			return
		}
		day := &fleet.Hours{Days: map[string][]fleet.Span{"2026-12-24": h}}
		if err := day.Validate(); err != nil && len(h) <= 8 {
			t.Errorf("%q is taken for %v: %v", text, h, err)
		}
	})
}
