package main

import (
	"context"
	"log/slog"
	"time"
)

// stuckTime is how long the state machine may be busy with one thing: the
// longest is the end of a session, with its kill, wipe and view.
const stuckTime = 30 * time.Second

// answers reports whether the state machine turns to us in time.
func answers(ctx context.Context, m interface{ Answers(context.Context) error }) bool {
	ask, cancel := context.WithTimeout(ctx, stuckTime)
	defer cancel()
	return m.Answers(ask) == nil || ctx.Err() != nil
}

// deadman ends the program when the state machine is stuck for good. Everything
// of ours ends with it, and the next start wipes and proves.
func deadman(ctx context.Context, log *slog.Logger, well func() bool, exit func(int)) {
	tick := time.NewTicker(stuckTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !well() {
				log.Error("the kiosk has been unable to do its job; it ends, to be started anew")
				exit(1)
				return
			}
		}
	}
}
