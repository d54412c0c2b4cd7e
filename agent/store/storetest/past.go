package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

func kioskNo(n int) fleet.KioskID {
	return fleet.KioskID(fmt.Sprintf("kaaaaaaaaaa%c%c", 'a'+n/26, 'a'+n%26))
}

// served: what machines did is added up by day, also over a restart, also once the day
// is over, and old days go.
func served(t *testing.T, k Kind) {
	dir := t.TempDir()
	s := k.open(t, dir)
	a, b, c := kioskNo(0), kioskNo(1), kioskNo(2)
	const m = time.Minute
	put := func(day string, did map[fleet.KioskID]state.Served) { t.Helper(); must(t, s.PutServed(day, did)) }
	put("2026-11-20", map[fleet.KioskID]state.Served{a: {Works: 5 * m}, b: {Lost: 3 * m, Works: 2 * m}})
	put("2026-11-20", map[fleet.KioskID]state.Served{a: {Works: 4 * m, Paused: m}, "odd": {Works: m}})
	put("2026-11-20", nil)
	put("2026-11-21", map[fleet.KioskID]state.Served{b: {Broken: 5 * m}, c: {Works: 70000 * time.Second}})
	want := map[string]map[fleet.KioskID]state.Served{
		"2026-11-20": {a: {Works: 9 * m, Paused: m}, b: {Works: 2 * m, Lost: 3 * m}},
		"2026-11-21": {b: {Broken: 5 * m}},
	}
	check := func(when string, want map[string]map[fleet.KioskID]state.Served, from string, ids ...fleet.KioskID) {
		t.Helper()
		got, err := s.Served(from, ids...)
		must(t, err)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
	}
	check("before the day is over", want, "2026-11-01", a, b)
	must(t, s.FoldServed("2026-11-20"))
	check("today is not over", want, "2026-11-01", a, b)
	must(t, s.FoldServed("2026-11-21"))
	check("one day is", want, "2026-11-01", a, b)
	must(t, s.FoldServed("2026-11-22"))
	must(t, s.FoldServed("2026-11-22"))
	check("both are", want, "2026-11-01", a, b)
	put("2026-11-20", map[fleet.KioskID]state.Served{a: {Works: m}}) // a clock that was set back
	want["2026-11-20"][a] = state.Served{Works: 10 * m, Paused: m}
	check("a day again", want, "2026-11-01", a, b)
	must(t, s.FoldServed("2026-11-22"))
	check("a day again, over again", want, "2026-11-01", a, b)
	s = k.again(t, s, dir)
	check("after a restart", want, "2026-11-01", a, b)
	check("from a day on", map[string]map[fleet.KioskID]state.Served{"2026-11-21": want["2026-11-21"]}, "2026-11-21", a, b)
	check("more than a number holds", map[string]map[fleet.KioskID]state.Served{"2026-11-21": {c: {Works: 65535 * time.Second}}}, "2026-11-01", c)
	check("of nobody", nil, "2026-11-01")
	check("of one who never did anything", nil, "2026-11-01", kioskNo(7))
	must(t, s.Tidy(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)))
	check("a hundred days later", map[string]map[fleet.KioskID]state.Served{"2026-11-21": want["2026-11-21"]}, "2026-11-01", a, b)
}

// servedOfMany: a kiosk is found in a blob of many.
func servedOfMany(t *testing.T, k Kind) {
	s := k.open(t, t.TempDir())
	did := map[fleet.KioskID]state.Served{}
	for i := range 500 {
		did[kioskNo(i)] = state.Served{Works: time.Duration(i+1) * time.Second}
	}
	must(t, s.PutServed("2026-11-20", did))
	for _, fold := range []bool{false, true} {
		if fold {
			must(t, s.FoldServed("2026-11-21"))
		}
		for _, i := range []int{0, 1, 250, 498, 499} {
			got, err := s.Served("2026-11-20", kioskNo(i))
			must(t, err)
			if got["2026-11-20"][kioskNo(i)] != did[kioskNo(i)] {
				t.Errorf("%d, folded %v: %+v", i, fold, got)
			}
		}
	}
}

// incidents: a fault that is over is told, of its site and its kiosk, for half
// a year.
func incidents(t *testing.T, k Kind) {
	s := k.open(t, t.TempDir())
	a, b := kioskNo(0), kioskNo(1)
	n := 0
	is := func(site fleet.SiteID, kiosk fleet.KioskID, code fleet.Code, open bool) store.FaultChange {
		n++
		at := noon().Add(time.Duration(n) * time.Hour)
		return store.FaultChange{Site: site, Kiosk: kiosk, Open: open, At: at,
			Fault: state.Fault{Code: code, Severity: fleet.SeverityWarning, Since: at.Add(-10 * time.Minute), First: at.Add(-40 * time.Minute), Times: 1}}
	}
	flapped := is("ranta", a, fleet.NoConnection, false)
	flapped.Fault.Times = 4
	folded := is("ranta", b, fleet.NoConnection, false)
	folded.Folded = true
	all := []store.FaultChange{is("ranta", a, fleet.DiskFull, true), is("ranta", a, fleet.DiskFull, false), flapped, folded,
		is("ranta", store.Whole("ranta"), fleet.SiteSilent, false), is("ranta-2", b, fleet.TooHot, false), is("ranta", b, fleet.NoMouse, false)}
	for _, c := range all {
		must(t, s.PutFaults([]store.FaultChange{c}, map[fleet.KioskID][]state.Fault{c.Kiosk: nil}))
	}
	check := func(site fleet.SiteID, kiosk fleet.KioskID, from time.Time, n int, want ...string) {
		t.Helper()
		got, err := s.Incidents(site, kiosk, from, n)
		must(t, err)
		var said []string
		for _, i := range got {
			said = append(said, fmt.Sprintf("%s %s %v %d", i.Kiosk, i.Fault.Code, i.End.Sub(i.Fault.Since), i.Fault.Times))
		}
		if !slices.Equal(said, want) {
			t.Errorf("%s %s:\n%q, want\n%q", site, kiosk, said, want)
		}
	}
	disk, link := string(a)+" disk_full 10m0s 0", string(a)+" no_connection 40m0s 4"
	check("ranta", a, noon(), 10, disk, link)
	check("ranta", b, noon(), 10, string(b)+" no_mouse 10m0s 0")
	check("ranta", "", noon(), 10, string(b)+" no_mouse 10m0s 0", " site_silent 10m0s 0", disk, link)
	check("ranta", "", noon(), 2, string(b)+" no_mouse 10m0s 0", " site_silent 10m0s 0")
	check("ranta-2", "", noon(), 10, string(b)+" too_hot 10m0s 0")
	check("ranta", a, noon().Add(3*time.Hour), 10, disk)
	check("ran", "", noon(), 10)
	must(t, s.Tidy(noon().Add(182*24*time.Hour)))
	check("ranta", "", noon(), 10)
}
