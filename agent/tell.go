package main

import (
	"context"
	"time"
)

// stuckTime is how long the agent's parts may keep somebody waiting before it
// counts as stuck. The service manager then starts it anew.
const stuckTime = 20 * time.Second

// say tells the service manager how the agent is.
func (a *agent) say(text string) {
	if err := a.tell.Say(text); err != nil {
		a.log.Warn("the service manager does not hear us", "why", err)
	}
}

// touch asks every part on which all else waits. A disk that refuses writes is
// none of it: a restart does not mend that, and /readyz tells it.
func (a *agent) touch() {
	a.board.Kiosk("")
	a.gate.Count()
	a.listener.Count()
	_, _ = a.store.Address()
}

// answers reports whether a call comes back in time. One that does not is left
// behind: whoever asks is about to be restarted.
func answers(ctx context.Context, call func()) bool {
	back := make(chan struct{})
	go func() { call(); close(back) }()
	late := time.NewTimer(stuckTime)
	defer late.Stop()
	select {
	case <-back:
		return true
	case <-ctx.Done():
		return true
	case <-late.C:
		return false
	}
}
