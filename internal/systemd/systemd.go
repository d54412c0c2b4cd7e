// Package systemd tells the service manager how a program is, in systemd's way
// (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names. Where there
// is none, nothing happens.
//
// It never listens, and says nothing but what it is given. Caveat: what the
// manager does not hear is not said again, but for the watchdog's sign of life.
package systemd

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Manager is the way to the service manager, if there is one.
type Manager struct {
	socket string
	every  time.Duration // how often the manager wants to hear of us; 0: never
}

// Of finds the manager by the environment.
func Of(env func(string) string) Manager {
	m := Manager{socket: env("NOTIFY_SOCKET")}
	if usec, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
		m.every = time.Duration(usec) * time.Microsecond / 2
	}
	return m
}

// Say tells the manager something, for example "READY=1".
func (m Manager) Say(text string) error {
	if m.socket == "" {
		return nil
	}
	path := m.socket
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

// Watchdog tells the manager that we live for as long as well says so. It
// returns when the context ends, or at once where no manager wants to hear.
func (m Manager) Watchdog(ctx context.Context, well func() bool) {
	if m.every == 0 {
		return
	}
	tick := time.NewTicker(m.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if well() {
				_ = m.Say("WATCHDOG=1") // unheard, the manager restarts us: that is its job
			}
		}
	}
}
