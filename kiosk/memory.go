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
	restart           []string
	log               *slog.Logger
}

func newMemory(c *config, log *slog.Logger) *memory {
	return &memory{aside: c.stateFile("out-of-service"), unverified: c.stateFile("unverified"),
		restart: strings.Fields(c.Restart), log: log}
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
	if there(m.unverified) || len(m.restart) == 0 {
		return nil
	}
	if err := renameio.WriteFile(m.unverified, nil, 0o600, renameio.WithTempDir(filepath.Dir(m.unverified))); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	m.log.Warn("the machine restarts, because a wipe was not verified")
	return exec.CommandContext(ctx, m.restart[0], m.restart[1:]...).Run()
}

// reboot is what restarts the machine when the agent says so; nil without a
// command. It remembers which order it was: one whose answer was lost comes
// again after the restart, and is answered and not carried out.
func reboot(c *config) func(string) error {
	command := strings.Fields(c.Restart)
	if len(command) == 0 {
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
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := exec.CommandContext(ctx, command[0], command[1:]...).Run(); err != nil {
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
	command := strings.Fields(c.PowerOff)
	if len(command) == 0 {
		return nil
	}
	return func() {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := exec.CommandContext(ctx, command[0], command[1:]...).Run(); err != nil {
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
