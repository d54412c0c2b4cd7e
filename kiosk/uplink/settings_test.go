package uplink

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// full is settings that do not fit into a welcome.
func full() fleet.Settings {
	s := fleet.DefaultSettings()
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	s.Version, s.SiteName, s.KioskName, s.Mode, s.Phone = 7, "Illusia", "Kone 3", fleet.Errands, "09 123 4567"
	s.Languages, s.Support = []string{"fi", "sv", "so"}, []fleet.Support{{From: at, To: at.Add(2 * time.Hour)}}
	s.Hours = &fleet.Hours{Days: map[string][]fleet.Span{"2026-12-06": {}}}
	s.Hours.Week[1] = []fleet.Span{{From: 540, To: 900}}
	s.Offer = &fleet.Offer{Shown: []string{"own-1", "kela"}, Own: []fleet.Service{{Name: fleet.Text{FI: "Jono", SV: "Kö", EN: "Queue"}, Address: "https://jono.example/", Hosts: []string{"*.jono.example"}}}}
	for i := range 200 {
		s.Blocked = append(s.Blocked, fmt.Sprintf("casino-%d.example", i))
	}
	return s
}

func same(a, b fleet.Settings) string { return cmp.Diff(a, b, cmpopts.EquateEmpty()) }

// What the agent sent last is there when the kiosk starts without the agent,
// and however much it is, it arrives whole.
func TestSettingsSurvive(t *testing.T) {
	r := newRig(t)
	u := r.open()
	if _, ok := u.Settings(); ok {
		t.Fatal("a fresh kiosk has heard settings")
	}
	body := wire.SettingsOf(full())
	r.agent.mu.Lock()
	r.agent.settings = &body
	r.agent.mu.Unlock()
	stop := r.run(u)
	r.until("the settings are heard", func() bool { got, ok := u.Settings(); return ok && same(full(), got) == "" })
	stop()
	r.obey.mu.Lock()
	for _, got := range r.obey.updates {
		if d := same(full(), got); d != "" {
			t.Errorf("the kiosk was told half of the settings:\n%s", d)
		}
	}
	if len(r.obey.updates) == 0 {
		t.Error("the kiosk was not told")
	}
	r.obey.mu.Unlock()
	got, ok := r.open().Settings()
	if !ok || same(full(), got) != "" {
		t.Errorf("after a start without the agent: %v\n%s", ok, same(full(), got))
	}
	if info, err := os.Stat(filepath.Join(r.dir, settingsFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := forgetSettings(r.dir); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.open().Settings(); ok {
		t.Error("what another agent said is still there after enrolling anew")
	}
}

// A damaged file is as good as none, and the log says so.
func TestDamagedSettings(t *testing.T) {
	good, err := wire.Encode(wire.Settings{Settings: wire.SettingsOf(full())})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty":            {},
		"cut off":          good[:len(good)/2],
		"zeros":            make([]byte, 512),
		"another message":  []byte(`{"type":"ack","seq":1}`),
		"a mode of no use": bytes.Replace(good, []byte(`"errands"`), []byte(`"shop"`), 1),
		"too large":        bytes.Repeat([]byte(" "), settingsMost+1),
	} {
		r := newRig(t)
		var said bytes.Buffer
		r.log = &said
		path := filepath.Join(r.dir, settingsFile)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		u := r.open()
		if s, ok := u.Settings(); ok {
			t.Errorf("%s: taken for %+v", name, s)
		}
		if !strings.Contains(said.String(), "settings") || strings.Count(said.String(), "\n") != 1 {
			t.Errorf("%s: the log says %q", name, said.String())
		}
		u.heardSettings(wire.SettingsOf(full()), r.obey)
		if s, ok := r.open().Settings(); !ok || same(full(), s) != "" {
			t.Errorf("%s: the next settings are not kept", name)
		}
	}
}

// The same settings again are not written again: a small disk wears out.
func TestSettingsAreWrittenOnce(t *testing.T) {
	r := newRig(t)
	u := r.open()
	u.heardSettings(wire.SettingsOf(full()), r.obey)
	path := filepath.Join(r.dir, settingsFile)
	first, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	u.heardSettings(wire.SettingsOf(full()), r.obey)
	if again, err := os.Stat(path); err != nil || !os.SameFile(first, again) {
		t.Errorf("written again: %v", err)
	}
	other := full()
	other.Mode = fleet.Open
	u.heardSettings(wire.SettingsOf(other), r.obey)
	if got, _ := r.open().Settings(); got.Mode != fleet.Open {
		t.Errorf("a change is not kept: %q", got.Mode)
	}
}
