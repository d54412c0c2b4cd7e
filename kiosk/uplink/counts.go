package uplink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Counter adds up the day in one file. Visits are not kept one by one: a
// visit is five numbers that grow by one, and nothing says when.
type Counter struct {
	path string
	box  *outbox
	now  func() time.Time
	log  *slog.Logger
	mu   sync.Mutex
	day  fleet.Counts
}

func openCounter(path string, box *outbox, now func() time.Time, log *slog.Logger) (*Counter, error) {
	c := &Counter{path: path, box: box, now: now, log: log}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the day's counts: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(text, &c.day); err != nil {
			// Counts are worth less than a kiosk that serves.
			log.Error("the day's counts are damaged and begin anew", "err", err)
			c.day = fleet.Counts{}
		}
	}
	// A power cut between handing the day over and forgetting it must not
	// count the day twice.
	err = box.each(func(_ uint64, m wire.Message) {
		if sent, ok := m.(wire.Counts); ok && sent.Day == c.day.Day {
			c.day = fleet.Counts{}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("open the day's counts: %w", err)
	}
	return c, nil
}

// Session counts one session that ended.
func (c *Counter) Session(category string, length time.Duration, end fleet.End) {
	c.add(func(d *fleet.Counts) {
		d.Sessions++
		d.Ends[end]++
		if category != "" {
			d.Tiles[category]++
			d.Lengths[band(length)]++
		}
	})
}

// Help counts one call for help.
func (c *Counter) Help() { c.add(func(d *fleet.Counts) { d.HelpCalls++ }) }

// Outcome counts one answer to "did you get it done?".
func (c *Counter) Outcome(o fleet.Outcome) {
	c.add(func(d *fleet.Counts) {
		if d.Outcomes == nil {
			d.Outcomes = map[fleet.Outcome]uint32{}
		}
		d.Outcomes[o]++
	})
}

// band is how coarsely a session's length is known.
func band(d time.Duration) string {
	switch {
	case d < 5*time.Minute:
		return "under_5"
	case d < 15*time.Minute:
		return "5_15"
	case d < 30*time.Minute:
		return "15_30"
	case d < time.Hour:
		return "30_60"
	}
	return "over_60"
}

func (c *Counter) add(f func(*fleet.Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn()
	if c.day.Day == "" {
		c.day = fleet.Counts{Day: c.now().Format(time.DateOnly)}
	}
	for _, m := range []*map[string]uint32{&c.day.Lengths, &c.day.Tiles} {
		if *m == nil {
			*m = map[string]uint32{}
		}
	}
	if c.day.Ends == nil {
		c.day.Ends = map[fleet.End]uint32{}
	}
	f(&c.day)
	text, err := json.Marshal(c.day)
	if err == nil {
		err = renameio.WriteFile(c.path, text, 0o600, renameio.WithTempDir(filepath.Dir(c.path)))
	}
	if err != nil {
		c.log.Error("the day's counts could not be kept", "err", err)
	}
}

// Turn hands a finished day over to the outbox.
func (c *Counter) Turn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn()
}

func (c *Counter) turn() {
	if c.day.Day == "" || c.day.Day == c.now().Format(time.DateOnly) {
		return
	}
	day := c.day
	if _, err := c.box.put(func(seq uint64) wire.Message { return wire.CountsOf(seq, day) }); err != nil {
		c.log.Error("the day's counts could not be handed over", "err", err)
		return
	}
	c.day = fleet.Counts{}
	if err := os.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Error("the day's counts could not be forgotten", "err", err)
	}
}
