package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/notify"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// towns is an agent that runs over a store, with machines at its sites, and one
// address that wants to know everything. It runs in a bubble of synctest.
type towns struct {
	*testing.T
	agent  *agent
	epochs map[fleet.KioskID]uint64
	stop   func()
	zero   time.Time
}

// newTowns reads the configuration and enrols the machines, each named by its
// site and a number.
func newTowns(t *testing.T, configuration string, machines map[fleet.SiteID]int) *towns {
	t.Helper()
	c, err := configured(t, configuration)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &towns{T: t, agent: &agent{log: slog.New(slog.DiscardHandler), config: c, store: st}, zero: time.Now()}
	n := byte(0)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(st.PutSettings(c.settings, c.places))
	must(st.PutTarget("x", notify.Target{ID: "00000000000000aa", Channel: notify.ByMail, Address: "a@b.fi", Faults: true, Help: true, Lang: "fi", Digest: -1, Changed: w.zero}))
	for site, all := range machines {
		must(st.PutCode(store.Code{Hash: []byte(site), Site: site, Name: string(site), Uses: all + 1, Expires: w.zero.Add(time.Hour)}, "x", w.zero))
		for i := range all {
			n++
			_, _, err := st.Enrol(gate.Use{CodeHash: []byte(site), PublicKey: []byte{n}, At: w.zero, NewID: id(site, i)})
			must(err)
		}
	}
	w.start()
	return w
}

// id is one machine of a site.
func id(site fleet.SiteID, i int) fleet.KioskID {
	return fleet.KioskID(fmt.Sprintf("k%.8s%s%c", site, strings.Repeat("a", 11-min(8, len(site))), 'a'+i))
}

// start runs the agent, on what the disk remembers.
func (w *towns) start() {
	w.Helper()
	w.agent.board = state.NewBoard(watch.Judge).With(watch.Outlook{})
	if err := w.agent.load(); err != nil {
		w.Fatal(err)
	}
	a := newAlerts(w.agent)
	ctx, cancel := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { w.agent.board.Run(ctx); return nil })
	group.Go(func() error { return w.agent.keepSeen(ctx) })
	group.Go(func() error { return w.agent.keepFaults(ctx) })
	group.Go(func() error { return a.follow(ctx) })
	w.epochs = map[fleet.KioskID]uint64{}
	w.stop = func() {
		cancel()
		if err := group.Wait(); err != nil {
			w.Error(err)
		}
	}
}

// back brings machines back, with what they report.
func (w *towns) back(site fleet.SiteID, n int, faults ...fleet.Code) {
	for i := range n {
		w.epochs[id(site, i)] = w.agent.board.Connected(id(site, i))
		w.says(site, i, faults...)
	}
}

func (w *towns) says(site fleet.SiteID, i int, faults ...fleet.Code) {
	w.agent.board.Report(id(site, i), w.epochs[id(site, i)], fleet.Report{At: time.Now(), State: fleet.Ready, Faults: faults})
}

func (w *towns) lost(site fleet.SiteID, which ...int) {
	for _, i := range which {
		w.agent.board.Gone(id(site, i), w.epochs[id(site, i)])
	}
}

// after lets time pass, and looks at what people were told meanwhile.
func (w *towns) after(d time.Duration, want ...string) {
	w.Helper()
	time.Sleep(d)
	synctest.Wait()
	letters, err := w.agent.store.Letters()
	if err != nil {
		w.Fatal(err)
	}
	got, ids := []string{}, []string{}
	for _, l := range letters {
		name, _, _ := strings.Cut(string(l.Event.Kind), "_")
		if l.Event.Kind == notify.FaultClosed {
			name = "over"
		}
		got, ids = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", name, l.Event.Code, l.Event.Kiosk))), append(ids, l.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Fatalf("at %v: told %q, want %q", time.Since(w.zero), got, want)
	}
	if len(ids) > 0 {
		m := notify.Message{ID: notify.NewID(), Target: "00000000000000aa", Made: time.Now()}
		if err := w.agent.store.Compose(m, ids); err != nil {
			w.Fatal(err)
		}
	}
}

const graces = `
[alerts]
grace = "20m"
[sites.ranta]
grace = "10m"
[sites.tori]
grace = "0s"
`

// The site's own grace comes first, then that of all alerts; what is shorter
// is told to nobody, what cannot wait at once.
func TestTellingKeepsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTowns(t, graces, map[fleet.SiteID]int{"ranta": 3, "tori": 3, "muu": 3})
		defer func() { w.stop() }()
		for _, s := range []fleet.SiteID{"ranta", "tori", "muu"} {
			w.back(s, 3)
		}
		w.after(5 * time.Minute)
		w.says("ranta", 0, fleet.DiskFull)
		w.says("muu", 0, fleet.DiskFull)
		w.says("tori", 0, fleet.DiskFull)
		w.after(5*time.Second, "fault disk_full "+string(id("tori", 0)))
		w.after(9*time.Minute + 50*time.Second)
		w.after(10*time.Second, "fault disk_full "+string(id("ranta", 0)))
		w.says("muu", 0) // shorter than the grace
		w.says("ranta", 1, fleet.WipeUnverified)
		w.after(5*time.Second, "fault wipe_unverified "+string(id("ranta", 1)))
		w.after(15 * time.Minute)
		w.says("muu", 0, fleet.DiskFull) // short again, although the first time is long past
		w.after(2 * time.Minute)
		w.says("muu", 0)
		w.says("ranta", 0)
		w.after(30 * time.Second)
		w.after(40*time.Second, "over disk_full "+string(id("ranta", 0)))
		w.after(time.Hour)
		w.says("muu", 0, fleet.DiskFull, fleet.CPUBusy) // what is only worth knowing is never told
		w.after(19 * time.Minute)
		w.after(time.Minute+2*time.Second, "fault disk_full "+string(id("muu", 0)))
		w.after(2 * time.Hour)
	})
}

// A site that is lost is one incident, whichever of its machines go first and
// whatever its grace; it is over once, when they are back.
func TestTellingOfLostSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTowns(t, graces, map[fleet.SiteID]int{"ranta": 4, "tori": 4})
		defer func() { w.stop() }()
		w.back("ranta", 4)
		w.back("tori", 4)
		w.after(5 * time.Minute)
		for _, i := range []int{0, 1, 2, 3} {
			w.lost("ranta", i)
			w.lost("tori", i)
			time.Sleep(5 * time.Second)
		}
		w.after(30*time.Second, "fault site_silent")
		w.after(9 * time.Minute)
		w.after(15*time.Second, "fault site_silent")
		w.back("ranta", 4)
		w.back("tori", 3) // the last one stands for itself
		w.after(5*time.Second, "fault no_connection "+string(id("tori", 3)))
		w.after(70*time.Second, "over site_silent", "over site_silent")
		w.after(time.Hour)
	})
}

// A restart of the agent neither loses nor doubles anything, wherever in a
// fault's life it comes.
func TestTellingOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTowns(t, graces, map[fleet.SiteID]int{"ranta": 4, "tori": 2, "muu": 3})
		defer func() { w.stop() }()
		back := func() {
			w.back("ranta", 3, fleet.DiskFull)
			w.back("muu", 3)
		}
		back()
		w.back("ranta", 4, fleet.DiskFull)
		w.back("tori", 2)
		w.after(3 * time.Minute)
		w.lost("ranta", 3)
		w.lost("tori", 0, 1)
		w.after(time.Minute, "fault site_silent")
		restart := func() {
			w.stop()
			time.Sleep(20 * time.Second)
			w.start()
			time.Sleep(20 * time.Second)
			back()
		}
		restart() // before ranta's grace is over
		w.after(9*time.Minute, "fault disk_full "+string(id("ranta", 0)), "fault disk_full "+string(id("ranta", 1)),
			"fault disk_full "+string(id("ranta", 2)), "fault no_connection "+string(id("ranta", 3)))
		for range 3 {
			restart() // after it
			w.after(7 * time.Minute)
		}
		w.says("ranta", 0)
		w.after(30 * time.Second)
		w.stop() // between a fault's end and its telling
		w.start()
		w.back("ranta", 4)
		w.back("tori", 2)
		w.back("muu", 3)
		w.after(130*time.Second+2*time.Second, "over disk_full "+string(id("ranta", 0)), "over disk_full "+string(id("ranta", 1)),
			"over disk_full "+string(id("ranta", 2)), "over no_connection "+string(id("ranta", 3)), "over site_silent")
		w.after(time.Hour)
	})
}

// What was wrong in the evening is neither over because the machines are
// switched off for the night, nor told again in the morning.
func TestTellingOverNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it begins at midnight, on New Year's Day
		w := newTowns(t, "timezone = \"UTC\"\n[sites.ranta]\nholidays = \"open\"\nhours = { mon-sun = \"9-15\" }\n", map[fleet.SiteID]int{"ranta": 3})
		defer func() { w.stop() }()
		w.after(8*time.Hour + 50*time.Minute)
		w.back("ranta", 3)
		w.after(2 * time.Hour)
		w.says("ranta", 0, fleet.DiskFull)
		w.lost("ranta", 1)
		w.after(6*time.Minute, "fault disk_full "+string(id("ranta", 0)), "fault no_connection "+string(id("ranta", 1)))
		w.after(4 * time.Hour)
		w.lost("ranta", 0, 2) // at 14:56, switched off
		w.after(18 * time.Hour)
		w.back("ranta", 3) // at 8:56
		w.says("ranta", 0, fleet.DiskFull)
		w.after(time.Hour, "over no_connection "+string(id("ranta", 1)))
		w.lost("ranta", 1)
		w.after(23*time.Hour, "fault no_connection "+string(id("ranta", 1))) // until 8:56
		w.after(time.Hour)                                                   // still off: told already
		w.says("ranta", 0)
		w.after(time.Hour, "over disk_full "+string(id("ranta", 0)))
		w.back("ranta", 2)
		w.after(time.Hour, "over no_connection "+string(id("ranta", 1)))
	})
}
