// Command kiosk runs on each shared computer: a welcome screen, a real
// Chromium for the client's errand, a verified wipe after each session, and
// health reports to the agent.
//
// The flows: sensor -> report -> websocket (health, uplink), and welcome ->
// browse -> end -> wipe -> proof (screen, browser, session, wipe). Only this
// package wires them together. It never runs as root.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"yhteiskone/kiosk/door"
	"yhteiskone/kiosk/rights"
	"yhteiskone/kiosk/screen"
	"yhteiskone/kiosk/spawn"
)

func main() {
	if filepath.Base(os.Args[0]) == screen.LauncherName {
		screen.Launch(os.Args[1:]) // does not return
	}
	door.Act(os.Args)
	spawn.Act(os.Args) // returns only if we are the kiosk
	if err := rights.KeepToOurselves(); err != nil {
		fmt.Fprintln(os.Stderr, "kiosk:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
