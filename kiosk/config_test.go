package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
)

func TestConfigErrorsNameTheLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":     {"state = \"/s\"\n\n[session]\nidel = \"5m\"\n", `line 4: there is no setting "session.idel"`},
		"unknown section": {"[sesion]\nidle = \"5m\"\n", "line 1"},
		"no TOML":         {"state = \n", "line 1"},
		"no time":         {"[session]\nidle = \"five\"\n", `line 2`},
		"wrong type":      {"state = 5\n", "line 1"},
		"warn over idle":  {"[session]\nidle = \"30s\"\nwarn = \"40s\"\n", "session: warn is 40s"},
		"relative folder": {"state = \"state\"\n", "state is not an absolute path"},
		"language":        {"language = \"no\"\n", `language is "no"`},
		"allow all":       {"[wipe]\nallow = [\"/\"]\n", "wipe.allow"},
		"leftover":        {"[test]\nleftover = \"all\"\n", "test.leftover"},
	} {
		path := filepath.Join(t.TempDir(), "kiosk.toml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadConfig(path, true, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: want the file and %q, got %v", name, c.want, err)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.toml")
	if _, err := loadConfig(missing, true, nil); err == nil {
		t.Error("a file that was named and is not there is passed over")
	}
	c, err := loadConfig(missing, false, map[string]string{"XDG_RUNTIME_DIR": "/run/user/7"})
	if err != nil || c.Runtime != "/run/user/7/yhteiskone" || !reflect.DeepEqual(c.settings(fleet.DefaultSettings()), fleet.DefaultSettings()) {
		t.Errorf("%+v, %v", c, err)
	}
	path := filepath.Join(t.TempDir(), "kiosk.toml")
	os.WriteFile(path, []byte("[session]\nidle = \"20s\"\nwarn = \"5s\"\nlimit = \"0s\"\n"), 0o600)
	c, err = loadConfig(path, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := c.settings(fleet.DefaultSettings())
	if got.Idle != 20*time.Second || got.Warn != 5*time.Second || got.Limit != 0 {
		t.Errorf("%+v", got)
	}
}

// What this file says of where clients may go, it says instead of the agent.
func TestConfigMode(t *testing.T) {
	agent := fleet.DefaultSettings()
	agent.Mode, agent.Blocked = fleet.Errands, []string{"agent.example"}
	for _, c := range []struct {
		text    string
		mode    fleet.Mode
		blocked []string
		says    string
	}{
		{"", fleet.Errands, []string{"agent.example"}, ""},
		{`mode = "open"`, fleet.Open, []string{"agent.example"}, ""},
		{`blocked = ["*.casino.example"]`, fleet.Errands, []string{"*.casino.example"}, ""},
		{`blocked = []`, fleet.Errands, []string{}, ""},
		{`mode = "closed"`, "", nil, "mode is \"closed\""},
		{`blocked = ["https://casino.example/"]`, "", nil, "is not a host"},
	} {
		path := filepath.Join(t.TempDir(), "kiosk.toml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := loadConfig(path, true, nil)
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: want the file and %q, got %v", c.text, c.says, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if s := got.settings(agent); s.Mode != c.mode || !slices.Equal(s.Blocked, c.blocked) {
			t.Errorf("%s: mode %q, blocked %q", c.text, s.Mode, s.Blocked)
		}
	}
}

// A machine with services of its own has those, whatever its site offers.
func TestConfigCatalogue(t *testing.T) {
	agent := fleet.DefaultSettings()
	agent.Offer = &fleet.Offer{Shown: []string{"kela"}}
	if got := (&config{}).settings(agent); got.Offer != agent.Offer {
		t.Error("the site's offer is lost")
	}
	if got := (&config{Catalogue: "own.toml"}).settings(agent); got.Offer != nil {
		t.Error("the site's offer goes before the machine's own catalogue")
	}
}

// What errands lead to, what is asked, and what the home page links to follow
// the offer.
func TestOfferIsFollowed(t *testing.T) {
	own, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	k := &kiosk{config: &config{Language: "fi"}, tiles: catalogue.NewShelf(own), log: slog.New(slog.DiscardHandler)}
	if before := k.allowed(); !slices.Contains(before, "www.kela.fi") || len(k.targets()) < 15 {
		t.Fatalf("%v", before)
	}
	k.tiles.Offer(&fleet.Offer{Shown: []string{"own-1"}, Own: []fleet.Service{{Name: fleet.Text{FI: "Jono", SV: "Kö", EN: "Queue"}, Address: "https://jono.example/a", Hosts: []string{"*.jono.example"}}}})
	after := k.allowed()
	for host, want := range map[string]bool{"jono.example": true, "*.jono.example": true, "tunnistus.telia.fi": true, "www.kela.fi": false} {
		if slices.Contains(after, host) != want {
			t.Errorf("errands lead to %s: %v", host, !want)
		}
	}
	if got := k.targets(); len(got) != 1 || got[0].Address != "https://jono.example/a" {
		t.Errorf("asked are %v", got)
	}
	if got := k.links("sv"); len(got) != 1 || got[0].Name != "Kö" {
		t.Errorf("the home page leads to %v", got)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("state = \"/s\"\n[session]\nidle = \"5m\"\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "kiosk.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(path, true, nil)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
				t.Fatalf("not one sentence that names the file: %q", err)
			}
			return
		}
		if err := c.settings(fleet.DefaultSettings()).Validate(); err != nil {
			t.Fatalf("taken, and not valid: %v", err)
		}
	})
}

func TestWalls(t *testing.T) {
	for text, want := range map[string]string{
		"[browser]\nx_trust = \"sometimes\"\n":                               "x_trust",
		"[browser]\ncgroup = \"relative\"\n":                                 "browser.cgroup",
		"[browser]\ncgroup = \"/a/../b\"\n":                                  "browser.cgroup",
		"[browser]\nunits = \"run/units\"\n":                                 "browser.units",
		"[browser]\nunits = \"/run/units/\"\n":                               "browser.units",
		"[browser]\nunits = \"/run/units\"\ncgroup = \"/sys/fs/cgroup/x\"\n": "browser.cgroup",
		"[browser]\nunits = \"/run/units\"\nuser = \"client\"\n":             "",
		"[test]\nreach = [\"127.0.0.1\"]\n":                                  "test.reach",
		"[test]\nreach = [\"localhost:80\"]\n":                               "test.reach",
		"[browser]\nx_trust = \"never\"\ncgroup = \"/sys/fs/cgroup/x\"\nuser = \"client\"\n[test]\nreach = [\"127.0.0.1:8081\", \"[::1]:1\"]\n": "",
	} {
		path := filepath.Join(t.TempDir(), "kiosk.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadConfig(path, true, nil)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)):
			t.Errorf("%q: %v, want the file and %s named", text, err, want)
		}
	}
}
