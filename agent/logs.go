package main

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
)

// logConfig is how the agent writes its log.
type logConfig struct {
	Format string `toml:"format"` // "text" or "json"
	Level  string `toml:"level"`  // "debug", "info", "warn" or "error"
}

func (c logConfig) check() error {
	if c.Format != "" && c.Format != "text" && c.Format != "json" {
		return fmt.Errorf("log: format is %q; it must be \"text\" or \"json\"", c.Format)
	}
	_, err := c.level()
	return err
}

func (c logConfig) level() (l slog.Level, err error) {
	if c.Level == "" {
		return slog.LevelInfo, nil
	}
	if err := l.UnmarshalText([]byte(c.Level)); err != nil {
		return l, fmt.Errorf("log: level is %q; it must be \"debug\", \"info\", \"warn\" or \"error\"", c.Level)
	}
	return l, nil
}

// newLog is the agent's log: one line for each thing that happened, with keys
// from a closed list (logKeys) and no secret in it.
func newLog(to io.Writer, c logConfig) *slog.Logger {
	level, _ := c.level() // was checked
	secrets := secretShapes()
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if k := a.Value.Kind(); k != slog.KindString && k != slog.KindAny {
			return a
		}
		text := a.Value.String()
		if clean := secrets.ReplaceAllString(text, "[secret]"); clean != text {
			a.Value = slog.StringValue(clean)
		}
		return a
	}}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// secretShapes is what secrets of ours look like: bearer tokens, one-time
// codes, hashes of passwords. No line is meant to hold one; should an error's
// text ever quote its input, this is the second wall.
func secretShapes() *regexp.Regexp {
	return regexp.MustCompile(`yk_[A-Z2-7]{8,}|\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b|\$argon2id\$\S+`)
}

// logKeys are the keys that a line may have. A new one is added here, so that
// those who read logs with programs know them all.
func logKeys() []string {
	return []string{"account", "backup", "channel", "command", "damaged", "err", "file", "from", "kept", "kiosk", "kiosks", "made", "method",
		"name", "ok", "page", "part", "people", "site", "status", "to", "took", "tries", "why"}
}
