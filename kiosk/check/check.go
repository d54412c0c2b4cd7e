// Package check says in plain sentences whether this machine can run a kiosk.
//
// It is for a technician in front of a donated PC, and for the kiosk's own
// refusal to start. It looks and tries, leaves nothing behind and changes
// nothing; it never opens a session and needs no network.
//
// Caveats: a screen is looked at through Config.Screen, because only
// kiosk/display speaks to X. Whether a machine is fast enough for a bank's
// pages is not among what can be found out here.
package check

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"time"
)

// Level says how much a finding matters.
type Level string

// The levels. A kiosk starts on a machine without any Bad finding.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Bad  Level = "bad"
)

// Finding is one thing that was looked at.
type Finding struct {
	Level Level  `json:"level"`
	Code  string `json:"code"` // stable, for machines and for searching
	Text  string `json:"text"` // one sentence
	Todo  string `json:"todo,omitempty"`
}

// Config says what to look at. Empty fields mean this machine's own.
type Config struct {
	State    string // the folder that the kiosk keeps its state in
	Chromium string // the program; empty looks in the usual places
	// Screen returns the display's size in pixels, or why there is none.
	Screen func(ctx context.Context) (w, h int, err error)
	// Walled starts a program where sessions' are started; nil means that we start
	// them. Its error is a sentence.
	Walled func(ctx context.Context, program string, args ...string) error
	// Languages are the codes of those that clients can choose, Drafts of those
	// among them whose words nobody who speaks them has reviewed.
	Languages, Drafts []string

	proc     string
	uid      int
	now      func() time.Time
	built    time.Time
	look     func(name string) (string, error)
	chromium []string // the usual places
}

// patience is how long one of the programs may take to answer.
const patience = 20 * time.Second

// Check looks at everything and returns one finding for each thing, in an
// order that makes sense to read.
func Check(ctx context.Context, c Config) []Finding {
	c.fill()
	found := []Finding{
		c.user(),
		c.browser(ctx),
		c.program("bubblewrap", "bwrap", "A session's walls need it."),
		c.namespaces(ctx),
		c.program("openbox", "openbox", "It keeps the strip visible below the browser."),
		c.screen(ctx),
		c.memory(),
		c.swap(),
		c.state(),
		c.fonts(ctx),
		c.clock(),
	}
	if len(c.Languages) > 0 {
		found = append(found, c.languages())
	}
	return found
}

func (c *Config) fill() {
	if c.proc == "" {
		c.proc = "/proc"
		c.uid = os.Getuid()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.built.IsZero() {
		c.built = buildTime()
	}
	if c.look == nil {
		c.look = exec.LookPath
	}
	if c.chromium == nil {
		c.chromium = []string{"/usr/lib/chromium/chromium", "/usr/lib/chromium-browser/chromium-browser", "/opt/google/chrome/chrome"}
	}
	if c.Walled == nil {
		c.Walled = func(ctx context.Context, program string, args ...string) error {
			_, err := answer(ctx, program, args...)
			return err
		}
	}
	if c.Screen == nil {
		c.Screen = func(context.Context) (int, int, error) {
			return 0, 0, fmt.Errorf("nobody looked at it")
		}
	}
}

// buildTime is the commit's time, or that of the first version.
func buildTime() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t
			}
		}
	}
	return time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
}

// Able reports whether a kiosk can run: nothing found is Bad.
func Able(findings []Finding) bool {
	for _, f := range findings {
		if f.Level == Bad {
			return false
		}
	}
	return true
}

// WriteText writes the findings for people, and a last line that answers the
// question.
func WriteText(w io.Writer, findings []Finding) error {
	words := map[Level]string{OK: "ok  ", Warn: "look", Bad: "BAD "}
	bad, warn := 0, 0
	text := ""
	for _, f := range findings {
		text += fmt.Sprintf("%s  %s\n", words[f.Level], f.Text)
		if f.Todo != "" {
			text += fmt.Sprintf("      %s\n", f.Todo)
		}
		switch f.Level {
		case Bad:
			bad++
		case Warn:
			warn++
		}
	}
	switch {
	case bad > 0:
		text += fmt.Sprintf("This machine cannot run a kiosk yet: %d to mend.\n", bad)
	case warn > 0:
		text += fmt.Sprintf("This machine can run a kiosk, with %d to look at.\n", warn)
	default:
		text += "This machine can run a kiosk.\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// WriteJSON writes the same for machines: {"able": …, "findings": […]}.
func WriteJSON(w io.Writer, findings []Finding) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Able     bool      `json:"able"`
		Findings []Finding `json:"findings"`
	}{Able(findings), findings})
}

func ok(code, format string, args ...any) Finding {
	return Finding{Level: OK, Code: code, Text: fmt.Sprintf(format, args...)}
}

func (c *Config) procFile(name string) string { return filepath.Join(c.proc, name) }
