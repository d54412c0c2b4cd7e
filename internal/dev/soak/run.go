package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// config is what to run.
type config struct {
	length time.Duration
	kiosks int
	seed   uint64
	bin    string
}

// patience is how long the fleet may take to be whole again when nothing goes
// wrong any more: a line that went deaf is noticed after half a minute, and the
// longest pause between two tries is as long.
const patience = 90 * time.Second

// warmUp is how long the agent runs before it is measured, unless all of it is
// shorter: it gives memory back for the first time after ten seconds.
const warmUp = 30 * time.Second

// soak is one run.
type soak struct {
	config
	out    io.Writer
	rng    *rand.Rand
	agent  *agent
	kiosks []*kiosk
	echo   *echo
	began  time.Time
}

func run(ctx context.Context, c config, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "yhteiskone-soak-")
	if err != nil {
		return err
	}
	s := &soak{config: c, out: out, began: time.Now(), rng: rand.New(rand.NewPCG(c.seed, 0))}
	s.say("seed %d, %d kiosks, for %v", c.seed, c.kiosks, c.length)
	if s.agent, err = newAgent(ctx, filepath.Join(c.bin, "agent"), dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	defer func() {
		s.agent.kill()
		if err != nil {
			s.say("what was is in %s", dir)
			return
		}
		err = os.RemoveAll(dir)
	}()
	if err := s.enrol(ctx, dir); err != nil {
		return err
	}
	return s.all(ctx)
}

func (s *soak) say(format string, args ...any) {
	fmt.Fprintf(s.out, "soak: %7.1fs "+format+"\n", append([]any{time.Since(s.began).Seconds()}, args...)...)
}

// enrol makes the kiosks. Each has a site of its own, because the agent keeps
// its sums of help calls by site.
func (s *soak) enrol(ctx context.Context, dir string) error {
	for i := range s.config.kiosks + 1 {
		at := filepath.Join(dir, fmt.Sprintf("kiosk-%d", i))
		k, err := newKiosk(ctx, s.agent, at, i, s.seed)
		if err != nil {
			return fmt.Errorf("enrol a kiosk: %w", err)
		}
		if i == s.config.kiosks {
			s.echo = newEcho(k)
			return nil
		}
		s.kiosks = append(s.kiosks, k)
	}
	return nil
}

// all is the whole run: a first half with everything, a second without ends of
// the agent, quiet, and the count.
func (s *soak) all(ctx context.Context) error {
	work, rest := context.WithCancel(ctx) // kiosks have something to tell
	live, leave := context.WithCancel(ctx)
	defer leave()
	defer rest()
	var fleet sync.WaitGroup
	for _, k := range s.kiosks {
		fleet.Go(func() { k.live(live, work) })
	}
	fleet.Go(func() { s.echo.live(live, work) })

	if err := s.faults(ctx, s.length/2, append(deaths(), troubles()...)); err != nil {
		return err
	}
	if err := s.whole(ctx, "between the halves", false); err != nil {
		return err
	}
	if err := pause(ctx, min(warmUp, s.length/4)); err != nil {
		return err
	}
	warm, err := s.agent.measure(ctx)
	if err != nil {
		return err
	}
	if err := s.faults(ctx, s.length/2, troubles()); err != nil {
		return err
	}
	rest()
	if err := s.whole(ctx, "at the end", true); err != nil {
		return err
	}
	grown := s.settled(ctx, warm)
	leave()
	fleet.Wait()
	if err := s.agent.stop(); err != nil {
		return err
	}
	return errors.Join(grown, s.count())
}

// whole waits until every kiosk is connected and, if they are to be quiet, until
// nothing waits. All of them are switched off and on first: their
// pauses between two tries have grown.
func (s *soak) whole(ctx context.Context, when string, quiet bool) error {
	for _, k := range s.kiosks {
		k.power()
	}
	why := ""
	err := await(ctx, patience, func() bool {
		why = s.agent.trouble()
		for _, k := range s.kiosks {
			if why == "" {
				why = k.missing(quiet)
			}
		}
		if why == "" {
			why = s.echo.missing(quiet)
		}
		return why == ""
	})
	if err != nil {
		return fmt.Errorf("%s the fleet is not whole: %s: %w", when, why, err)
	}
	s.say("the fleet is whole %s", when)
	return nil
}

// settled measures until the agent is as small as it was before, and says so if
// it never is.
func (s *soak) settled(ctx context.Context, warm measures) error {
	var now measures
	var err error
	if await(ctx, patience, func() bool {
		if now, err = s.agent.measure(ctx); err != nil {
			return false
		}
		err = now.over(warm)
		return err == nil
	}) != nil {
		return err
	}
	s.say("memory %.1f MB, it was %.1f; goroutines %.0f, they were %.0f", now.rss/1e6, warm.rss/1e6, now.goroutines, warm.goroutines)
	return nil
}

// await asks again and again.
func await(ctx context.Context, most time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for !ok() {
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
