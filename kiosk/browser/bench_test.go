package browser_test

import (
	"slices"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/wipe"
)

// BenchmarkBrowserCycle measures what a client waits for, under a full
// curtain: a fresh browser, its end, the wipe.
func BenchmarkBrowserCycle(b *testing.B) {
	d := newDesk(b)
	if err := d.display.Cover(); err != nil {
		b.Fatal(err)
	}
	w, err := wipe.New(wipe.Config{StateDir: b.TempDir(), Places: wipe.DefaultPlaces("", "", true), SharedUser: true,
		Selections: d.display.SelectionOwners, ClearSelections: d.display.ClearSelections})
	if err != nil {
		b.Fatal(err)
	}
	s := newSite(b, d, "bench")
	br := newBrowser(b, d.options())
	var painted, opened, killed, wiped []time.Duration
	for b.Loop() {
		mark := begin(b, w)
		at := time.Now()
		r := start(b, br, mark)
		painted = append(painted, time.Since(at))
		at = time.Now()
		if err := r.Open(s.URL + "/"); err != nil {
			b.Fatal(err)
		}
		opened = append(opened, time.Since(at))
		s.hear(b)
		at = time.Now()
		kill(b, r)
		killed = append(killed, time.Since(at))
		at = time.Now()
		looks := w.Wipe(b.Context(), mark)
		wiped = append(wiped, time.Since(at))
		if !(fleet.WipeProof{Looks: looks}).Clean() {
			b.Fatalf("%+v", looks)
		}
	}
	for name, all := range map[string][]time.Duration{"painted": painted, "open": opened, "kill": killed, "wipe": wiped} {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, name+"-p50-ms")
		b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1000, name+"-p95-ms")
	}
}
