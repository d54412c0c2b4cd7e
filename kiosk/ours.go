package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/screen"
	"yhteiskone/kiosk/spawn"
)

// shellUnit is the socket in browser.units behind which the shell is started;
// package browser names the others.
const shellUnit = "shell"

// unit is the path of a socket, empty where there are no units.
func (c *config) unit(name string) string {
	if c.Browser.Units == "" {
		return ""
	}
	return filepath.Join(c.Browser.Units, name)
}

// walled starts a program in a session's unit; nil where there are no units.
func (c *config) walled() func(context.Context, string, ...string) error {
	if c.Browser.Units == "" {
		return nil
	}
	return func(ctx context.Context, program string, args ...string) error {
		ctx, cancel := context.WithTimeout(ctx, walledTime)
		defer cancel()
		name := filepath.Base(program)
		code, err := spawn.Run(ctx, c.unit(browser.SessionUnit), spawn.Order{Path: program, Args: append([]string{name}, args...), Env: []string{"PATH=/usr/bin:/bin"}})
		if err == nil && code != 0 {
			err = fmt.Errorf("%s ends with %d in a session's unit", name, code)
		}
		return err
	}
}

// walledTime is how long such a program may take.
const walledTime = time.Minute

// shellService is what the shell's unit is called, before the number that
// systemd gives to each.
const shellService = "yhteiskone-shell@"

// isShell reports whether the process is our shell's outermost: a child of
// ours that was started as the shell. Where it has a unit, every process there
// is: nothing but systemd puts one in.
func (c *config) isShell(pid int) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if c.Browser.Units != "" {
		groups, err := os.ReadFile(filepath.Join(dir, "cgroup"))
		return err == nil && inUnit(string(groups), shellService)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil || !bytes.Contains(status, fmt.Appendf(nil, "\nPPid:\t%d\n", os.Getpid())) {
		return false
	}
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	return err == nil && bytes.Contains(line, []byte("\x00--class="+screen.Class+"\x00"))
}

// inUnit reports whether one of the groups of a process, as in its file cgroup,
// is of a service whose name begins so.
func inUnit(groups, service string) bool {
	for line := range strings.Lines(groups) {
		_, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "::")
		for name := range strings.SplitSeq(path, "/") {
			if strings.HasPrefix(name, service) && strings.HasSuffix(name, ".service") {
				return true
			}
		}
	}
	return false
}
