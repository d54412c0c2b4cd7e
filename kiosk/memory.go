package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// memory keeps two facts over restarts: that staff took the kiosk out of
// service, and that a wipe could not be proved. Implements session.Memory.
type memory struct {
	aside, unverified string // files; there or not there
	restart           string // the command; empty for none
	log               *slog.Logger
}

func newMemory(c *config, log *slog.Logger) *memory {
	return &memory{aside: c.stateFile("out-of-service"), unverified: c.stateFile("unverified"),
		restart: c.Restart, log: log}
}

// OutOfService reports what staff said.
func (m *memory) OutOfService() bool { return there(m.aside) }

// SetOutOfService keeps what staff said.
func (m *memory) SetOutOfService(yes bool) error {
	if yes {
		return renameio.WriteFile(m.aside, nil, 0o600, renameio.WithTempDir(filepath.Dir(m.aside)))
	}
	return gone(m.aside)
}

// Unverified asks for one restart of the machine; the second time in a row it
// only stays out of order.
func (m *memory) Unverified() error {
	if there(m.unverified) || strings.TrimSpace(m.restart) == "" {
		return nil
	}
	if err := renameio.WriteFile(m.unverified, nil, 0o600, renameio.WithTempDir(filepath.Dir(m.unverified))); err != nil {
		return err
	}
	m.log.Warn("the machine restarts, because a wipe was not verified")
	return carryOut(m.restart)
}

// carryOut runs a command line of kiosk.toml, one by which the machine restarts
// or turns itself off.
func carryOut(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return errors.New("kiosk.toml has no command for that")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, words[0], words[1:]...).Run()
}

// reboot is what restarts the machine when the agent says so; nil without a
// command. It remembers which order it was: one whose answer was lost comes
// again after the restart, and is answered and not carried out.
func reboot(c *config) func(string) error {
	if strings.TrimSpace(c.Restart) == "" {
		return nil
	}
	path := c.stateFile("rebooted")
	return func(id string) error {
		if last, err := os.ReadFile(path); err == nil && string(last) == id {
			return nil
		}
		if err := renameio.WriteFile(path, []byte(id), 0o600, renameio.WithTempDir(filepath.Dir(path))); err != nil {
			return fmt.Errorf("remember the order: %w", err)
		}
		if err := carryOut(c.Restart); err != nil {
			return errors.Join(fmt.Errorf("restart the machine: %w", err), gone(path))
		}
		return nil
	}
}

// Verified forgets an earlier failure.
func (m *memory) Verified() error { return gone(m.unverified) }

// powerOff is what turns the machine off for the night; nil without a command.
// It does not wait: the machine ends us like everything else.
func powerOff(c *config, log *slog.Logger) func() {
	if strings.TrimSpace(c.PowerOff) == "" {
		return nil
	}
	return func() {
		go func() {
			if err := carryOut(c.PowerOff); err != nil {
				log.Error("the machine does not turn itself off", "err", err)
			}
		}()
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func gone(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
