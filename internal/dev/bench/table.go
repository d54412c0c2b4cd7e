package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
)

// row is one figure. Goals are upper limits; smaller is better everywhere.
type row struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Goal  *float64 `json:"goal,omitempty"`
	Peer  string   `json:"peer,omitempty"`
}

type table struct{ rows []row }

// promise is a figure that may be measured: its unit, its goal (0 for none)
// and what is known of the nearest peer, measured on a machine like this.
type promise struct {
	name, unit string
	goal       float64
	peer       string
}

func promises() []promise {
	return []promise{
		{"kiosk.end_to_curtain_p95_ms", "ms", 60, ""},
		{"kiosk.end_to_proof_p95_ms", "ms", 200, ""},
		{"kiosk.end_to_ready_p95_ms", "ms", 1500, ""},
		{"kiosk.tile_to_painted_p95_ms", "ms", 250, ""},
		{"kiosk.start_ms", "ms", 10000, ""},
		{"kiosk.rss_mb", "MB", 20, "Beszel's agent 12.0 MB, which only reports"},
		{"kiosk.cpu_percent", "%", 0.5, ""},
		{"kiosk.stack_pss_mb", "MB", 0, ""},
		{"kiosk.errands_end_to_curtain_p95_ms", "ms", 60, ""},
		{"kiosk.errands_end_to_proof_p95_ms", "ms", 200, ""},
		{"kiosk.errands_end_to_ready_p95_ms", "ms", 1500, ""},
		{"kiosk.errands_tile_to_painted_p95_ms", "ms", 250, ""},
		{"kiosk.errands_start_ms", "ms", 10000, ""},
		{"kiosk.errands_rss_mb", "MB", 20, ""},
		{"kiosk.errands_cpu_percent", "%", 0.5, ""},
		{"kiosk.errands_stack_pss_mb", "MB", 0, ""},
		{"kiosk.binary_mb", "MB", 0, "Beszel's agent 9.4 MB, stripped"},
		{"agent.rss_idle_mb", "MB", 20, "Beszel 32.4 MB"},
		{"agent.rss_per_idle_kiosk_kb", "KB", 0, ""},
		{"agent.rss_per_kiosk_kb", "KB", 12, "Beszel 52 KB"},
		{"agent.rss_per_kiosk_tls_kb", "KB", 20, ""},
		{"agent.cpu_per_report_ms", "ms", 0.1, "Beszel 1.34 ms"},
		{"agent.disk_per_report_kb", "KB", 0.5, "Beszel 32 KB"},
		{"agent.start_ms", "ms", 100, "Beszel 394 ms on a new database"},
		{"agent.start_full_ms", "ms", 1000, "Beszel 139 ms with one machine"},
		{"agent.return_10000_s", "s", 10, ""},
		{"agent.event_to_dashboard_ms", "ms", 1000, ""},
		{"agent.page_p95_ms", "ms", 50, ""},
		{"agent.binary_mb", "MB", 20, "Beszel 28.2 MB, stripped"},
		{"image.compressed_mb", "MB", 400, ""},
		{"image.boot_ratio", "x", 0, "the kernel alone: 1"},
		{"provision.binary_mb", "MB", 0, ""},
		{"provision.write_to_dd", "x", 0, ""},
		{"provision.write_to_dd_and_cmp", "x", 1.11, "dd and cmp: 1"},
	}
}

// add takes in a figure, with as many digits as it is worth.
func (t *table) add(name string, value float64) {
	for _, p := range promises() {
		if p.name != name {
			continue
		}
		r := row{Name: name, Value: round(value), Unit: p.unit, Peer: p.peer}
		if p.goal != 0 {
			r.Goal = &p.goal
		}
		t.rows = append(t.rows, r)
		return
	}
	panic("no promise is named " + name)
}

func round(v float64) float64 {
	if v == 0 || math.Abs(v) >= 100 {
		return math.Round(v)
	}
	out, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return out
}

// sort brings the rows into the order of the promises.
func (t *table) sort() {
	order := map[string]int{}
	for i, p := range promises() {
		order[p.name] = i
	}
	slices.SortFunc(t.rows, func(a, b row) int { return order[a.Name] - order[b.Name] })
}

func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "figure\tvalue\tgoal\t\tnearest peer")
	for _, r := range t.rows {
		goal, verdict := "", ""
		if r.Goal != nil {
			goal, verdict = fmt.Sprintf("<= %g", *r.Goal), "ok"
			if r.Value > *r.Goal {
				verdict = "MISSED"
			}
		}
		fmt.Fprintf(tw, "%s\t%g %s\t%s\t%s\t%s\n", r.Name, r.Value, r.Unit, goal, verdict, r.Peer)
	}
	tw.Flush()
}

// percentile of a few values, by the nearest rank: no value is made up.
func percentile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func median(values []float64) float64 { return percentile(values, 50) }
