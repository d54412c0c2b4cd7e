// Command bench measures the built programs and prints the table of the
// product's promises: what was measured, the goal, and what the nearest peer
// needs for the same. It writes it to bench.json as well.
//
// A figure that could not be measured is absent, never zero. Figures of one
// machine are compared with its own earlier ones: the table says nothing of
// other hardware.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"yhteiskone/internal/fleet"
)

func main() {
	only := flag.String("only", "", "\"binaries\", \"agent\", \"return\", \"image\", \"write\", \"kiosk\" or \"errands\": measure that part alone")
	kiosks := flag.Int("kiosks", 10000, "how many simulated kiosks")
	rounds := flag.Int("rounds", 20, "how many sessions")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, *only, *kiosks, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, kiosks, rounds int) error {
	t := &table{}
	var failed error
	for _, part := range []struct {
		name    string
		measure func(context.Context, *table) error
	}{
		{"binaries", binaries},
		{"agent", func(ctx context.Context, t *table) error { return agents(ctx, t, kiosks) }},
		{"return", agentReturn},
		{"image", image},
		{"write", provisionWrites},
		{"kiosk", func(ctx context.Context, t *table) error { return kiosk(ctx, t, fleet.Open, "kiosk.", rounds) }},
		{"errands", func(ctx context.Context, t *table) error {
			return kiosk(ctx, t, fleet.Errands, "kiosk.errands_", rounds)
		}},
	} {
		if only != "" && only != part.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: measuring: %s\n", part.name)
		if err := part.measure(ctx, t); err != nil && failed == nil {
			failed = fmt.Errorf("measure %s: %w", part.name, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	t.sort()
	t.print(os.Stdout)
	text, err := json.MarshalIndent(t.rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile("bench.json", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write bench.json: %w", err)
	}
	return failed
}

func binaries(_ context.Context, t *table) error {
	for _, name := range []string{"agent", "kiosk", "provision"} {
		info, err := os.Stat("bin/" + name)
		if err != nil {
			return err
		}
		t.add(name+".binary_mb", float64(info.Size())/1e6)
	}
	return nil
}
