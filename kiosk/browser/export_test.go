package browser

import (
	"time"

	"yhteiskone/kiosk/door"
)

// WithFlags adds flags for Chromium, for tests that must look inside.
func (o Options) WithFlags(flags ...string) Options {
	o.extra = append(o.extra, flags...)
	return o
}

// WithRules replaces the policy's table.
func (o Options) WithRules(rules func(Policy) []Rule) Options {
	o.rules = rules
	return o
}

// Pids are bubblewrap's and that of the namespace's first process.
func Pids(r any) (bwrap, first int) {
	x := r.(*running)
	return x.child.pid(), x.first
}

// WithRoom replaces the screen by a fixed place.
func (o Options) WithRoom(w, h int) Options {
	o.Windows = fixed{Rect{W: w, H: h}}
	return o
}

type fixed struct{ room Rect }

func (f fixed) Room() Rect                             { return f.room }
func (f fixed) Where(string) (Rect, bool, bool, error) { return f.room, true, true, nil }
func (f fixed) Front(string, Rect) error               { return nil }
func (f fixed) Silent(string) time.Duration            { return 0 }
func (f fixed) Answer() door.Answer                    { return door.Answer{} }
func (f fixed) Answered(uint32)                        {}
