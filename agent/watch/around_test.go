package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// list names faults, with what explains them.
func list(faults []state.Fault) (all []string) {
	for _, f := range faults {
		s := string(f.Code)
		if f.Under != "" {
			s += "<" + string(f.Under)
		}
		all = append(all, s)
	}
	return all
}

func open9to15(f *state.Facts) {
	f.Around.Turned, f.Around.Next = noon.Add(-3*time.Hour), noon.Add(3*time.Hour)
}

func closed(f *state.Facts) {
	f.Around.Closed, f.Around.Turned, f.Around.Next = true, noon.Add(-9*time.Hour), noon.Add(9*time.Hour)
}

func lostFor(d time.Duration) func(*state.Facts) {
	return func(f *state.Facts) { f.Connected, f.Since = false, f.Now.Add(-d) }
}

func opened(ago time.Duration) func(*state.Facts) {
	return func(f *state.Facts) { f.Around.Turned, f.Around.Next = noon.Add(-ago), noon.Add(6*time.Hour-ago) }
}

func silent(ago time.Duration) func(*state.Facts) {
	return func(f *state.Facts) { f.Around.Silent = noon.Add(-ago) }
}

func blind(ago time.Duration) func(*state.Facts) {
	return func(f *state.Facts) { f.Around.Blind = noon.Add(-ago) }
}

// What is so around a machine decides what its silence means.
func TestAround(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	for name, c := range map[string]struct {
		facts         state.Facts
		status        fleet.Status
		shown, folded string
	}{
		"lost in opening hours":    {facts(fleet.Ready, open9to15, lostFor(s)), fleet.StatusNoConnection, "no_connection", ""},
		"off at night":             {facts(fleet.Ready, closed, lostFor(8*h)), fleet.StatusClosed, "", ""},
		"lost before the closing":  {facts(fleet.Ready, closed, lostFor(10*h)), fleet.StatusClosed, "", ""},
		"on at night":              {facts(fleet.Ready, closed), fleet.StatusFree, "", ""},
		"closed by its own clock":  {facts(fleet.Closed, closed), fleet.StatusClosed, "", ""},
		"never there, at night":    {state.Facts{Now: noon, Since: noon.Add(-h), Around: state.Around{Closed: true}}, fleet.StatusClosed, "", ""},
		"off, just opened":         {facts(fleet.Ready, opened(9*m+59*s), lostFor(18*h)), fleet.StatusClosed, "", ""},
		"off, ten minutes later":   {facts(fleet.Ready, opened(10*m), lostFor(18*h)), fleet.StatusNoConnection, "not_on", ""},
		"off, and it is afternoon": {facts(fleet.Ready, opened(5*h), lostFor(18*h)), fleet.StatusNoConnection, "not_on", ""},
		"on late, and lost again":  {facts(fleet.Ready, opened(5*h), lostFor(h)), fleet.StatusNoConnection, "no_connection", ""},
		"came at 9.05, lost 9.07":  {facts(fleet.Ready, opened(8*m), lostFor(m)), fleet.StatusNoConnection, "no_connection", ""},
		"off at the opening, with a failed wipe": {facts(fleet.Ready, opened(9*m), lostFor(18*h), proofAt(3, false)), fleet.StatusOutOfOrder,
			"wipe_unverified", ""},
		"out of service at night": {facts(fleet.OutOfService, closed, lostFor(8*h)), fleet.StatusOutOfService, "", ""},

		"the site is silent":              {facts(fleet.Ready, silent(m), lostFor(m)), fleet.StatusNoConnection, "site_silent", "no_connection<site_silent"},
		"the site is silent, just now":    {facts(fleet.Ready, silent(29*s), lostFor(29*s)), fleet.StatusNoConnection, "no_connection", ""},
		"the site is silent, but not I":   {facts(fleet.Ready, silent(m)), fleet.StatusFree, "", ""},
		"the site is silent at opening":   {facts(fleet.Ready, opened(11*m), silent(11*m), lostFor(18*h)), fleet.StatusNoConnection, "site_silent", "not_on<site_silent"},
		"the site is silent and closed":   {facts(fleet.Ready, closed, silent(m), lostFor(m)), fleet.StatusClosed, "", ""},
		"the site is silent, a bad wipe":  {facts(fleet.Ready, silent(m), lostFor(m), proofAt(3, false)), fleet.StatusOutOfOrder, "wipe_unverified site_silent", "no_connection<site_silent"},
		"silent, and a full disk before":  {facts(fleet.Ready, silent(m), lostFor(m), fullDisk), fleet.StatusNoConnection, "site_silent", "no_connection<site_silent disk_full<site_silent"},
		"we cannot see":                   {facts(fleet.Ready, blind(m), lostFor(m)), fleet.StatusNoConnection, "cannot_see", "no_connection<cannot_see"},
		"we cannot see a whole site":      {facts(fleet.Ready, blind(m), silent(m), lostFor(m)), fleet.StatusNoConnection, "cannot_see", "site_silent<cannot_see no_connection<cannot_see"},
		"we cannot see, and it is here":   {facts(fleet.Ready, blind(m)), fleet.StatusFree, "", ""},
		"we cannot see, and it is closed": {facts(fleet.Ready, closed, blind(m), lostFor(m)), fleet.StatusClosed, "cannot_see", ""},
	} {
		v := watch.Judge(c.facts, nil)
		if v.Status != c.status || strings.Join(list(v.Shown), " ") != c.shown || strings.Join(list(v.Folded), " ") != c.folded {
			t.Errorf("%s: %q %v folded %v; want %q %q folded %q", name, v.Status, list(v.Shown), list(v.Folded), c.status, c.shown, c.folded)
		}
	}
}

// Consequences are told as such, and come forth when their cause is gone.
func TestFolded(t *testing.T) {
	f := facts(fleet.Ready, fullDisk, says(fleet.StateNotKept))
	v := watch.Judge(f, nil)
	if fmt.Sprint(list(v.Shown), list(v.Folded)) != "[disk_full] [state_not_kept<disk_full]" {
		t.Errorf("%v, %v", list(v.Shown), list(v.Folded))
	}
	f.Report.Health.DiskFree = ptr(uint64(50 << 30))
	v = watch.Judge(f, v.Open)
	if fmt.Sprint(list(v.Shown), list(v.Folded)) != "[state_not_kept] []" {
		t.Errorf("%v, %v", list(v.Shown), list(v.Folded))
	}
}

// A program that starts again and again is a fault of its own, and explains
// what it says after each start.
func TestRestartsOften(t *testing.T) {
	m := time.Minute
	for name, c := range map[string]struct {
		starts []time.Time
		shown  string
	}{
		"once":                {ago(m), "kiosk_restarted"},
		"twice":               {ago(5*m, m), "kiosk_restarted"},
		"three times":         {ago(29*m, 5*m, m), "restarts_often"},
		"three, over an hour": {ago(50*m, 5*m, m), "kiosk_restarted"},
		"four, three lately":  {ago(99*m, 20*m, 5*m, m), "restarts_often"},
		"in the future":       {ago(-m, -m, -m), "kiosk_restarted"},
	} {
		v := watch.Judge(facts(fleet.Ready, says(fleet.KioskRestarted), func(f *state.Facts) { f.Starts = c.starts }), nil)
		if got := strings.Join(list(v.Shown), " "); got != c.shown {
			t.Errorf("%s: %s, want %s", name, got, c.shown)
		}
	}
}

func TestImageOutdated(t *testing.T) {
	for name, c := range map[string]struct {
		has, should string
		shown       bool
	}{
		"nobody said":          {"1.4", "", false},
		"the kiosk is silent":  {"", "1.4", false},
		"as it should":         {"1.4", "1.4", false},
		"another":              {"1.3", "1.4", true},
		"neither said nor set": {"", "", false},
	} {
		f := facts(fleet.Ready, func(f *state.Facts) { f.Build, f.Around.Build = c.has, c.should })
		if early, _ := judged(f, 3*24*time.Hour-time.Second); len(early) > 0 {
			t.Errorf("%s: too early", name)
		}
		if shown, _ := judged(f, 3*24*time.Hour); slices.Contains(shown, fleet.ImageOutdated) != c.shown {
			t.Errorf("%s: %v", name, shown)
		}
	}
}

// play judges a machine over time: each step lasts a while and then changes
// something.
func play(f *state.Facts, steps ...any) (v state.Verdict) {
	v = watch.Judge(*f, nil)
	for _, s := range steps {
		switch s := s.(type) {
		case time.Duration:
			f.Now = f.Now.Add(s)
		case func(*state.Facts):
			s(f)
		}
		v = watch.Judge(*f, v.Open)
	}
	return v
}

func lose(f *state.Facts) { f.Connected, f.Since = false, f.Now }
func back(f *state.Facts) { f.Connected, f.Since = true, f.Now }

// A fault that comes and goes is one, says how often it came since when, and
// does not stand in the way of the status.
func TestComesAndGoes(t *testing.T) {
	const s, m = time.Second, time.Minute
	f := facts(fleet.Ready)
	v := play(&f, lose, 20*s, back, 2*m, lose, 20*s, back, 2*m)
	if len(v.Shown) != 0 || v.Status != fleet.StatusFree {
		t.Fatalf("twice: %v, %s", v.Shown, v.Status)
	}
	f = facts(fleet.Ready)
	v = play(&f, lose, 20*s, back, 2*m, lose, 20*s, back, 2*m, lose, 20*s)
	if len(v.Shown) != 1 || v.Shown[0].Times != 3 || !v.Shown[0].First.Equal(noon) || !v.Shown[0].Away.IsZero() || v.Status != fleet.StatusNoConnection {
		t.Fatalf("the third time: %+v, %s", v.Shown, v.Status)
	}
	back(&f)
	v = watch.Judge(f, v.Open)
	if len(v.Shown) != 1 || v.Shown[0].Away.IsZero() || v.Shown[0].Severity != fleet.SeverityNotice || v.Status != fleet.StatusFree {
		t.Fatalf("back again: %+v, %s", v.Shown, v.Status)
	}
	for lang, want := range map[string]string{"fi": "Vika tulee ja menee: 3 kertaa klo 14.00 jälkeen.", "sv": "Felet kommer och går: 3 gånger sedan kl. 14.00.",
		"en": "This comes and goes: 3 times since 14:00."} {
		if got := (watch.Texts{}).Flapping(lang, v.Shown[0], helsinki(t)); got != want {
			t.Errorf("%s: %q", lang, got)
		}
	}
	if want := f.Now.Add(30 * m); !v.Next.Equal(want) {
		t.Errorf("to be judged again at %v, want %v", v.Next, want)
	}
	f.Now = v.Next
	if v = watch.Judge(f, v.Open); len(v.Shown)+len(v.Open) != 0 {
		t.Errorf("half an hour later: %+v", v)
	}
	f = facts(fleet.Ready)
	v = play(&f, lose, 20*s, back, 29*m, lose, 20*s, back, 29*m, lose)
	if v.Shown[0].Times != 3 {
		t.Errorf("with long breaks: %+v", v.Shown)
	}
	f = facts(fleet.Ready)
	v = play(&f, lose, 20*s, back, 31*m, lose, 20*s, back, 31*m, lose)
	if v.Shown[0].Times != 1 || !v.Shown[0].First.Equal(f.Now) {
		t.Errorf("with breaks that are too long: %+v", v.Shown)
	}
}

// What nobody saw does not count: a blip is no coming, and what a site's
// silence explained is the site's.
func TestDoesNotComeAndGo(t *testing.T) {
	const s, m = time.Second, time.Minute
	f := facts(fleet.Ready)
	dead, well := says(fleet.ShellNotPainting), says()
	v := play(&f, dead, 5*s, well, m, dead, 5*s, well, m, dead, 5*s, well, m, dead)
	if len(v.Shown) != 0 || v.Open[0].Times != 1 {
		t.Errorf("blips: %+v", v.Open)
	}
	f = facts(fleet.Ready)
	down := func(f *state.Facts) { lose(f); f.Around.Silent = f.Now }
	up := func(f *state.Facts) { back(f); f.Around.Silent = time.Time{} }
	v = play(&f, down, m, up, m, down, m, up, m, down, m, up)
	if len(v.Shown) != 0 {
		t.Errorf("with its site: %+v", v.Shown)
	}
	f = facts(fleet.Ready)
	v = play(&f, dead, m, well, m, dead, m, well, m, dead)
	if len(v.Shown) != 1 || v.Status != fleet.StatusFree {
		t.Errorf("the third time, just now: %+v %s", v.Shown, v.Status)
	}
	f.Now = f.Now.Add(20 * s)
	if v = watch.Judge(f, v.Open); v.Status != fleet.StatusOutOfOrder {
		t.Errorf("the third time, and it lasts: %s", v.Status)
	}
}

// A site that is lost again and again says so itself.
func TestSiteComesAndGoes(t *testing.T) {
	now, around := noon, state.Around{}
	var open []state.Fault
	var v state.Verdict
	for range 3 {
		around.Silent = now
		v = watch.Outlook{}.Site(now.Add(time.Minute), around, open)
		if len(v.Shown) == 0 {
			v = watch.Outlook{}.Site(now.Add(time.Minute), around, v.Open)
		}
		open, now = v.Open, now.Add(2*time.Minute)
		around.Silent = time.Time{}
		open = watch.Outlook{}.Site(now, around, open).Open
	}
	if len(v.Shown) != 1 || v.Shown[0].Times != 3 || v.Shown[0].Code != fleet.SiteSilent {
		t.Errorf("%+v", v.Shown)
	}
	around.Blind = now
	if v := (watch.Outlook{}).Site(now, around, nil); fmt.Sprint(list(v.Shown)) != "[cannot_see]" {
		t.Errorf("%v", v.Shown)
	}
}
