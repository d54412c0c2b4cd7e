package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentile(t *testing.T) {
	twenty := make([]float64, 20)
	for i := range twenty {
		twenty[i] = float64(20 - i)
	}
	for _, c := range []struct {
		of   []float64
		p    float64
		want float64
	}{{twenty, 95, 19}, {twenty, 50, 10}, {twenty, 100, 20}, {[]float64{7}, 95, 7}, {[]float64{3, 1, 2}, 50, 2}} {
		if got := percentile(c.of, c.p); got != c.want {
			t.Errorf("percentile %v of %v is %v, want %v", c.p, c.of, got, c.want)
		}
	}
}

func TestSpans(t *testing.T) {
	events := []event{{"curtain", 500}, {"end_pressed", 1000}, {"curtain", 43000}, {"proof", 90000}, {"curtain", 95000}, {"ready", 801000},
		{"end_pressed", 900000}, {"end_pressed", 1000000}, {"proof", 1100000}}
	for to, want := range map[string][]float64{"curtain": {42}, "proof": {89, 100}, "ready": {800}} {
		if d := cmp.Diff(want, spans(events, "end_pressed", to)); d != "" {
			t.Errorf("%s: %s", to, d)
		}
	}
}

func TestTimings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "timings")
	if err := os.WriteFile(path, []byte("{\"event\":\"ready\",\"at_us\":12}\n{\"event\":\"cur"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := timings(path)
	if err != nil || len(got) != 1 || got[0] != (event{"ready", 12}) {
		t.Errorf("%v, %v", got, err)
	}
}

// A figure that was not measured is absent, in the file and on the screen.
func TestTable(t *testing.T) {
	var table table
	table.add("agent.rss_idle_mb", 18.4567)
	table.add("kiosk.end_to_proof_p95_ms", 312.7)
	text, err := json.Marshal(table.rows)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"name":"agent.rss_idle_mb","value":18.5,"unit":"MB","goal":20,"peer":"Beszel 32.4 MB"},` +
		`{"name":"kiosk.end_to_proof_p95_ms","value":313,"unit":"ms","goal":200}]`
	if string(text) != want {
		t.Errorf("%s", text)
	}
	var out strings.Builder
	table.print(&out)
	if strings.Count(out.String(), "\n") != 3 || !strings.Contains(out.String(), "MISSED") || strings.Contains(out.String(), "curtain") {
		t.Errorf("\n%s", out.String())
	}
}

// The readings of the kernel are those of this process.
func TestProc(t *testing.T) {
	pid := os.Getpid()
	memory, err := rss(pid)
	if err != nil || memory < 1000 || memory > 1e6 {
		t.Errorf("rss %v KiB, %v", memory, err)
	}
	all, err := stackPSS(pid)
	if err != nil || all < 500 || all > memory*2 {
		t.Errorf("pss %v KiB of %v, %v", all, memory, err)
	}
	before, err := worked(pid)
	if err != nil {
		t.Fatal(err)
	}
	for begin, n := time.Now(), 0; time.Since(begin) < 200*time.Millisecond; n++ {
		_ = strings.Repeat("x", n%1000)
	}
	after, err := worked(pid)
	if err != nil || after <= before || after-before > 5*time.Second {
		t.Errorf("from %v to %v, %v", before, after, err)
	}
	if _, err := written(pid); err != nil {
		t.Error(err)
	}
}

func TestImage(t *testing.T) {
	dir := t.TempDir()
	if mb, found, err := packed(dir); mb != 0 || found || err != nil {
		t.Errorf("of nothing: %v %v %v", mb, found, err)
	}
	for _, name := range []string{"root.squashfs", "vmlinuz", "initrd.img", "manifest"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 500_000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if mb, found, err := packed(dir); mb != 1.5 || !found || err != nil {
		t.Errorf("of three files: %v %v %v", mb, found, err)
	}
	if x, err := ratioOf("the kernel alone takes [1s], the machine is free after [9s]: 18.1 times as long"); x != 18.1 || err != nil {
		t.Errorf("%v %v", x, err)
	}
	if _, err := ratioOf("--- SKIP"); err == nil {
		t.Error("a figure of nothing")
	}
}
