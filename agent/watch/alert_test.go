package watch_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// Who is told of what, when: after the site's grace, not at night unless it
// cannot wait, and never of what is only worth knowing.
func TestDue(t *testing.T) {
	const m, h = time.Minute, time.Hour
	day := state.Around{Turned: noon.Add(-3 * h), Next: noon.Add(3 * h)}
	night := state.Around{Closed: true, Turned: noon.Add(-9 * h), Next: noon.Add(9 * h)}
	morning := state.Around{Turned: noon.Add(-2 * m), Next: noon.Add(6 * h)}
	evening := state.Around{Turned: noon.Add(-6 * h), Next: noon.Add(14 * m)}
	for name, c := range map[string]struct {
		code   fleet.Code
		since  time.Time
		around state.Around
		to     watch.Audience
		after  time.Duration // from noon; -1: never
	}{
		"lost":                             {fleet.NoConnection, noon, day, watch.ForStaff, 5 * m},
		"lost, always open":                {fleet.NoConnection, noon, state.Around{}, watch.ForStaff, 5 * m},
		"lost before the closing":          {fleet.NoConnection, noon, evening, watch.ForStaff, -1},
		"a whole site":                     {fleet.SiteSilent, noon, day, watch.Everybody, 5 * m},
		"not on":                           {fleet.NotOn, morning.Turned, morning, watch.ForStaff, 8 * m},
		"a disk, by day":                   {fleet.DiskFailing, noon, day, watch.ForTechnician, 5 * m},
		"a disk, before the closing":       {fleet.DiskFailing, noon, evening, watch.ForTechnician, 5 * m},
		"a disk, at night":                 {fleet.DiskFailing, noon, night, watch.ForTechnician, 9*h + 10*m},
		"a disk, since the night":          {fleet.DiskFailing, noon.Add(-5 * h), morning, watch.ForTechnician, 8 * m},
		"a disk, in a place that is shut":  {fleet.DiskFailing, noon, state.Around{Closed: true}, watch.ForTechnician, -1},
		"a wipe that failed":               {fleet.WipeUnverified, noon, day, watch.Everybody, 0},
		"a wipe that failed, at night":     {fleet.WipeUnverified, noon, night, watch.Everybody, 0},
		"a new keyboard, at night":         {fleet.NewKeyboard, noon, night, watch.Everybody, 10 * time.Second},
		"a notice":                         {fleet.NoSound, noon, day, 0, -1},
		"a help call has its own ways":     {fleet.HelpUnanswered, noon, day, 0, -1},
		"the agent cannot see":             {fleet.CannotSee, noon, state.Around{}, watch.ForTechnician, 5 * m},
		"a fault of tomorrow":              {"printer_on_fire", noon, day, watch.ForTechnician, 5 * m},
		"a fault that takes longer itself": {fleet.TooHot, noon, day, watch.ForStaff, 5 * m},
	} {
		got, to, ok := watch.Due(watch.Matter{Fault: state.Fault{Code: c.code, Since: c.since}}, state.Place{Grace: 5 * m}, c.around)
		if ok != (c.after >= 0) || ok && (!got.Equal(noon.Add(c.after)) || to != c.to) {
			t.Errorf("%s: %v after noon to %v (%v), want %v to %v", name, got.Sub(noon), to, ok, c.after, c.to)
		}
	}
}

// What comes and goes is one matter from its first time on.
func TestMatterStaysItself(t *testing.T) {
	f := state.Fault{Code: fleet.NoConnection, Since: noon, First: noon, Times: 1}
	m := watch.Matter{Site: "ranta", Kiosk: "k1", Fault: f}
	later := m
	later.Fault.Since, later.Fault.Times, later.Fault.Severity = noon.Add(time.Minute), 4, fleet.SeverityNotice
	if m.ID() != later.ID() {
		t.Errorf("%s became %s", m.ID(), later.ID())
	}
	at, _, ok := watch.Due(later, state.Place{Grace: time.Hour}, state.Around{})
	if !ok || !at.Equal(noon.Add(time.Hour)) {
		t.Errorf("told at %v", at)
	}
	// Twice is not yet coming and going: each time counts for itself.
	later.Fault.Times = 2
	if at, _, ok = watch.Due(later, state.Place{Grace: time.Hour}, state.Around{}); !ok || !at.Equal(noon.Add(time.Hour+time.Minute)) {
		t.Errorf("the second time is told at %v", at)
	}
	// Off in the morning or lost by day: it cannot be heard.
	if later.Fault.Code = fleet.NotOn; m.ID() != later.ID() {
		t.Errorf("%s became %s", m.ID(), later.ID())
	}
	for _, other := range []watch.Matter{{Site: "ranta", Kiosk: "k2", Fault: f}, {Site: "ranta", Kiosk: "k1", Fault: state.Fault{Code: fleet.TooHot}}, {Site: "ranta", Fault: f}, {Fault: f}} {
		if other.ID() == m.ID() {
			t.Errorf("%+v is the same matter", other)
		}
	}
}

// Nothing is over at a machine, or a site, that cannot be heard.
func TestKnown(t *testing.T) {
	here, gone := state.View{Connected: true, Report: &fleet.Report{}}, state.View{Report: &fleet.Report{}}
	here.Kiosk, gone.Kiosk = fleet.Kiosk{ID: "a", Site: "ranta"}, fleet.Kiosk{ID: "b", Site: "tori"}
	fresh := gone
	fresh.Kiosk.ID, fresh.Connected, fresh.Report = "c", true, nil
	views := []state.View{gone, here, fresh}
	for _, c := range []struct {
		site  fleet.SiteID
		kiosk fleet.KioskID
		shut  fleet.SiteID
		want  bool
	}{
		{"ranta", "a", "", true}, {"ranta", "a", "ranta", true}, {"tori", "b", "", false}, {"tori", "c", "", false},
		{"ranta", "", "", true}, {"ranta", "", "ranta", false}, {"ranta", "", "tori", true}, {"tori", "", "", false},
		{"", "", "ranta", true}, {"muu", "z", "", true}, {"muu", "", "", true},
	} {
		if got := watch.Known(c.site, c.kiosk, views, []state.Site{{ID: cmp.Or(c.shut, "other"), Around: state.Around{Closed: true}}, {ID: "muu"}}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if watch.Known("", "", []state.View{gone, fresh}, nil) {
		t.Error("the agent sees again, and hears nothing")
	}
}

// A whole site is one matter, and an agent that cannot see is one.
func TestMatters(t *testing.T) {
	fault := func(codes ...fleet.Code) (all []state.Fault) {
		for _, c := range codes {
			all = append(all, state.Fault{Code: c, Since: noon, Severity: fleet.SeverityWarning})
		}
		return all
	}
	view := func(id fleet.KioskID, site fleet.SiteID, codes ...fleet.Code) state.View {
		return state.View{Kiosk: fleet.Kiosk{ID: id, Site: site}, Faults: fault(codes...)}
	}
	say := func(all []watch.Matter) (out []string) {
		slices.SortFunc(all, watch.Order)
		for _, m := range all {
			out = append(out, fmt.Sprintf("%s/%s/%s", m.Site, m.Kiosk, m.Fault.Code))
		}
		return out
	}
	got := say(watch.Matters([]state.View{view("a", "ranta", fleet.SiteSilent), view("b", "ranta", fleet.WipeUnverified, fleet.SiteSilent), view("c", "tori", fleet.TooHot)},
		[]state.Site{{ID: "ranta", Faults: fault(fleet.SiteSilent)}, {ID: "tori"}}))
	if want := "[ranta//site_silent ranta/b/wipe_unverified tori/c/too_hot]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	got = say(watch.Matters([]state.View{view("a", "ranta", fleet.CannotSee), view("c", "tori", fleet.CannotSee)},
		[]state.Site{{ID: "ranta", Faults: fault(fleet.CannotSee)}, {ID: "tori", Faults: fault(fleet.CannotSee)}}))
	if want := "[//cannot_see]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}
