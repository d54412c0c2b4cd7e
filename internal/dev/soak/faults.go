package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// fault is one thing that goes wrong. It returns when it is over, or when what
// is left of it ends by itself.
type fault struct {
	name string
	do   func(*soak, context.Context, *rand.Rand) error
}

// deaths end the agent.
func deaths() []fault {
	return []fault{
		{"the agent is killed", func(s *soak, ctx context.Context, rng *rand.Rand) error {
			s.agent.kill()
			pause(ctx, s.some(rng))
			return s.agent.start(ctx)
		}},
		{"the agent is stopped and started", func(s *soak, ctx context.Context, _ *rand.Rand) error {
			if err := s.agent.stop(); err != nil {
				return err
			}
			return s.agent.start(ctx)
		}},
		{"the disk is full, and the agent is killed", func(s *soak, ctx context.Context, rng *rand.Rand) error {
			if err := s.agent.full(true); err != nil {
				return err
			}
			pause(ctx, s.some(rng))
			s.agent.kill()
			return s.agent.start(ctx) // a new process has no limit
		}},
	}
}

// troubles leave the agent running.
func troubles() []fault {
	return []fault{
		{"the disk is full", func(s *soak, ctx context.Context, rng *rand.Rand) error {
			if err := s.agent.full(true); err != nil {
				return err
			}
			pause(ctx, s.some(rng))
			return s.agent.full(false)
		}},
		{"every kiosk comes back at once", func(s *soak, _ context.Context, _ *rand.Rand) error {
			for _, k := range s.kiosks {
				k.lines.cut()
			}
			s.echo.lines.cut()
			return nil
		}},
		{"every kiosk is switched off and on", func(s *soak, _ context.Context, _ *rand.Rand) error {
			for _, k := range s.kiosks {
				k.power()
			}
			return nil
		}},
		{"lines are half open", func(s *soak, _ context.Context, rng *rand.Rand) error {
			for _, k := range s.kiosks {
				if rng.IntN(3) == 0 {
					k.lines.haunt(s.some(rng) + part(rng, s.length/20))
				}
			}
			return nil
		}},
		{"strangers", func(s *soak, ctx context.Context, rng *rand.Rand) error {
			strangers(ctx, s.agent, s.some(rng))
			return nil
		}},
	}
}

// some is how long a fault lasts.
func (s *soak) some(rng *rand.Rand) time.Duration { return part(rng, min(5*time.Second, s.length/20)) }

func part(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)) + 1)
}

// faults deals out faults at random moments until the time is over: each of
// them once before any of them again.
func (s *soak) faults(ctx context.Context, length time.Duration, all []fault) error {
	deadline := time.Now().Add(length)
	gap := max(length/40, min(time.Second, length/20))
	had, rounds := map[string]int{}, 0
	for time.Now().Before(deadline) || rounds == 0 {
		for _, i := range s.rng.Perm(len(all)) {
			if err := pause(ctx, part(s.rng, 2*gap)); err != nil {
				return err
			}
			if err := all[i].do(s, ctx, s.rng); err != nil {
				return fmt.Errorf("%s: %w", all[i].name, err)
			}
			if why := s.agent.trouble(); why != "" {
				return fmt.Errorf("%s: %s", all[i].name, why)
			}
			had[all[i].name]++
		}
		rounds++
	}
	for _, f := range all {
		s.say("%3d times: %s", had[f.name], f.name)
	}
	return nil
}
