package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// wide is settings with everything in them.
func wide() fleet.Settings {
	s := fleet.DefaultSettings()
	s.Limit, s.Notice, s.Mode, s.Phone = time.Hour, 20*time.Minute, fleet.Errands, "09 123 4567"
	s.Blocked, s.Languages = []string{"casino.example", "*.poker.example"}, []string{"fi", "so"}
	s.Support = []fleet.Support{{From: noon, To: noon.Add(time.Hour)}}
	s.Hours = &fleet.Hours{Days: map[string][]fleet.Span{"2026-12-24": {}, "2026-12-31": {{From: 540, To: 660}}}}
	s.Hours.OnHolidays = true
	s.Hours.Week[time.Monday] = []fleet.Span{{From: 540, To: 720}, {From: 780, To: 900}}
	return s
}

func settingsAt(t *testing.T, s *store.Store, site fleet.SiteID) fleet.Settings {
	t.Helper()
	set, err := s.Settings(fleet.Kiosk{Site: site, Name: "Kone 1"})
	must(t, err)
	return set
}

// A site's own settings hold there and nowhere else; the version grows when
// anything is new, and only then, also over a restart.
func TestSettingsOfSites(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": wide()}))
	want := wide()
	want.Version, want.SiteName, want.KioskName = 1, "ranta", "Kone 1"
	if d := cmp.Diff(want, settingsAt(t, s, "ranta"), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("ranta (-want +got):\n%s", d)
	}
	if got := settingsAt(t, s, "tori"); got.Mode != fleet.Open || got.Hours != nil || got.Version != 1 {
		t.Errorf("tori has %+v", got)
	}
	if closed, ok := settingsAt(t, s, "ranta").Hours.Days["2026-12-24"]; !ok || len(closed) != 0 {
		t.Error("a day that is closed is lost")
	}
	must(t, s.Close())
	s = open(t, dir)
	for range 3 {
		must(t, s.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": wide()}))
	}
	if v := settingsAt(t, s, "ranta").Version; v != 1 {
		t.Errorf("the same settings raised the version to %d", v)
	}
	for i, change := range []func(*fleet.Settings){
		func(f *fleet.Settings) { f.Phone = "" },
		func(f *fleet.Settings) { f.Blocked = f.Blocked[:1] },
		func(f *fleet.Settings) { f.Hours.Week[time.Monday][0].To++ },
		func(f *fleet.Settings) { delete(f.Hours.Days, "2026-12-24") },
		func(f *fleet.Settings) { f.Support[0].To = f.Support[0].To.Add(time.Minute) },
		func(f *fleet.Settings) { f.Hours = nil },
	} {
		now := wide()
		change(&now)
		must(t, s.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": now}))
		if v := settingsAt(t, s, "tori").Version; v != uint64(i+2) {
			t.Errorf("change %d: version %d", i, v)
		}
	}
	must(t, s.PutSettings(fleet.DefaultSettings(), nil))
	if got := settingsAt(t, s, "ranta"); got.Mode != fleet.Open || got.Version != 8 {
		t.Errorf("a site without settings of its own has %+v", got)
	}
}
