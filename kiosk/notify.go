package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// notify tells the service manager how we are, in systemd's way (sd_notify(3)):
// datagrams to the socket that NOTIFY_SOCKET names. Where there is none,
// nothing happens.
type notify struct {
	socket string
	every  time.Duration // how often the manager wants to hear of us; 0: never
}

func newNotify(env map[string]string) notify {
	n := notify{socket: env["NOTIFY_SOCKET"]}
	if usec, err := strconv.ParseInt(env["WATCHDOG_USEC"], 10, 64); err == nil && usec > 0 {
		n.every = time.Duration(usec) * time.Microsecond / 2
	}
	return n
}

func (n notify) say(text string) error {
	if n.socket == "" {
		return nil
	}
	path := n.socket
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}

// watchdog tells the manager that we live for as long as well says so.
func (n notify) watchdog(ctx context.Context, well func() bool) {
	if n.every == 0 {
		return
	}
	tick := time.NewTicker(n.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if well() {
				_ = n.say("WATCHDOG=1") // unheard, the manager restarts us: that is its job
			}
		}
	}
}

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
