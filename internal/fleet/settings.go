package fleet

import (
	"fmt"
	"time"
)

// Settings are what the agent tells a kiosk about how to serve: names to show
// and times to keep. They are small; a kiosk that never heard any uses
// DefaultSettings and its own configuration.
type Settings struct {
	Version   uint64 // grows with every change; 0 means "the kiosk's own"
	SiteName  string
	KioskName string
	Idle      time.Duration // without input until the session ends
	Warn      time.Duration // how long before that end the warning begins
	Limit     time.Duration // the longest session; 0 means no limit
}

// DefaultSettings are the times of a kiosk that was told none. The idle time
// leaves room for waiting on a phone (facts: people wait minutes for a code).
func DefaultSettings() Settings {
	return Settings{Idle: 10 * time.Minute, Warn: 60 * time.Second, Limit: 60 * time.Minute}
}

// Validate says in one sentence which field is wrong, or returns nil.
func (s Settings) Validate() error {
	switch {
	case s.Idle < 2*time.Second || s.Idle > 24*time.Hour:
		return fmt.Errorf("idle is %v; it must be between 2s and 24h", s.Idle)
	case s.Warn < time.Second || s.Warn >= s.Idle:
		return fmt.Errorf("warn is %v; it must be at least 1s and shorter than idle (%v)", s.Warn, s.Idle)
	case s.Limit != 0 && (s.Limit <= s.Warn || s.Limit > 24*time.Hour):
		return fmt.Errorf("limit is %v; it must be 0, or longer than warn (%v) and at most 24h", s.Limit, s.Warn)
	}
	return nil
}
