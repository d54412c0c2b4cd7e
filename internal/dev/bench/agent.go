package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/dev/guest"
	"yhteiskone/internal/dev/stage"
)

// How long what is measured over time is measured, and how often the simulated
// kiosks report meanwhile.
const (
	rest        = 15 * time.Second
	settle      = 20 * time.Second
	window      = 60 * time.Second
	reportEvery = 15 * time.Second
	starts      = 5
	sites       = 6
)

// quiet throws away what a stage says.
type quiet struct{}

func (quiet) Write(b []byte) (int, error) { return len(b), nil }

// newStage is a stage in a new folder on the disk; clear removes it.
func newStage() (s *stage.Stage, clear func(), err error) {
	who, err := guest.Find()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-bench.")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, nil, err
	}
	s, err = stage.Open(who, filepath.Join(dir, "stage"), false, quiet{})
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() { s.End(); os.RemoveAll(dir) }, nil
}

// wait lets time pass that is itself what is measured.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// agents measures the agent: alone, without and with TLS, full.
func agents(ctx context.Context, t *table, kiosks int) error {
	idle, err := agentStarts(ctx, t)
	if err != nil {
		return err
	}
	if err := agentLoad(ctx, t, kiosks, idle, true); err != nil {
		return fmt.Errorf("without TLS: %w", err)
	}
	if err := agentLoad(ctx, t, kiosks, idle, false); err != nil {
		return fmt.Errorf("with TLS: %w", err)
	}
	return nil
}

// agentStarts measures starting on an empty folder, and the memory at rest.
func agentStarts(ctx context.Context, t *table) (idle float64, err error) {
	var took []float64
	for range starts {
		s, clear, err := newStage()
		if err != nil {
			return 0, err
		}
		begin := time.Now()
		a, err := s.StartAgent(ctx, false)
		if err != nil {
			clear()
			return 0, err
		}
		took = append(took, time.Since(begin).Seconds()*1000)
		if len(took) == starts {
			if err = wait(ctx, rest); err == nil {
				idle, err = rss(a.PID)
			}
		}
		clear()
		if err != nil {
			return 0, err
		}
	}
	t.add("agent.start_ms", median(took))
	t.add("agent.rss_idle_mb", idle*1024/1e6)
	return idle, nil
}

// agentLoad measures with many kiosks that do nothing but report.
func agentLoad(ctx context.Context, t *table, kiosks int, idle float64, plain bool) error {
	s, clear, err := newStage()
	if err != nil {
		return err
	}
	defer clear()
	a, err := s.StartAgent(ctx, plain)
	if err != nil {
		return err
	}
	load, err := simulate(ctx, s, kiosks, reportEvery)
	if err != nil {
		return err
	}
	if err := wait(ctx, settle+2*reportEvery); err != nil {
		return err
	}
	with, err := rss(a.PID)
	if err != nil {
		return err
	}
	per := (with - idle) / float64(kiosks)
	if !plain {
		t.add("agent.rss_per_kiosk_tls_kb", per)
		return agentPages(ctx, t, s, a)
	}
	t.add("agent.rss_per_kiosk_kb", per)
	return agentReports(ctx, t, s, a, load, kiosks, idle)
}

// agentReports measures what one report costs, and what kiosks cost that are
// known but silent.
func agentReports(ctx context.Context, t *table, s *stage.Stage, a *stage.Agent, load *stage.Part, kiosks int, idle float64) error {
	cpu, err := worked(a.PID)
	if err != nil {
		return err
	}
	disk, err := written(a.PID)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := wait(ctx, window); err != nil {
		return err
	}
	cpu2, err := worked(a.PID)
	if err != nil {
		return err
	}
	disk2, err := written(a.PID)
	if err != nil {
		return err
	}
	reports := float64(kiosks) * float64(time.Since(begin)) / float64(reportEvery)
	t.add("agent.cpu_per_report_ms", (cpu2-cpu).Seconds()*1000/reports)
	t.add("agent.disk_per_report_kb", (disk2-disk)/1000/reports)
	load.Stop()
	a.Stop()
	begin = time.Now()
	a, err = s.StartAgent(ctx, true)
	if err != nil {
		return err
	}
	t.add("agent.start_full_ms", time.Since(begin).Seconds()*1000)
	if err := wait(ctx, rest); err != nil {
		return err
	}
	silent, err := rss(a.PID)
	if err != nil {
		return err
	}
	t.add("agent.rss_per_idle_kiosk_kb", max(silent-idle, 0)/float64(kiosks))
	return nil
}

// simulate starts kiosks and waits until all are connected.
func simulate(ctx context.Context, s *stage.Stage, kiosks int, every time.Duration) (*stage.Part, error) {
	p, err := s.Start("simulate", nil, "agent", "simulate", "--data", s.File("agent"), "--kiosks", strconv.Itoa(kiosks),
		"--sites", strconv.Itoa(sites), "--steady", "--report-every", every.String())
	if err != nil {
		return nil, err
	}
	return p, stage.Await(ctx, p, 3*time.Minute, func(context.Context) bool {
		text, _ := os.ReadFile(p.Log)
		return strings.Contains(string(text), fmt.Sprintf("%d kiosks connected", kiosks))
	})
}
