// Package sight finds out whether the agent's own way to the network is cut,
// so that it does not say that all machines are broken when it is the one that
// is not there.
//
// It never sends anything: a connection that is made, or refused, proves that
// there is a way.
//
// Caveat: without addresses to ask it only knows whether this machine has a
// network at all; a line that is cut further away is then not noticed.
package sight

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// askTime is how long an answer may take.
const askTime = 4 * time.Second

// Way is the agent's way to the network.
type Way struct {
	Ask  []string // host:port of what should answer; one is enough
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Own  func() ([]net.Interface, error) // of this machine; net.Interfaces if nil
}

// Cut reports whether the way is cut. It takes a few seconds.
func (w Way) Cut(ctx context.Context) bool {
	if len(w.Ask) == 0 {
		return !w.network()
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	dial := w.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	answers := make(chan bool, len(w.Ask))
	for _, to := range w.Ask {
		go func() {
			conn, err := dial(ctx, "tcp", to)
			if err == nil {
				conn.Close()
			}
			answers <- err == nil || errors.Is(err, syscall.ECONNREFUSED)
		}()
	}
	for range w.Ask {
		if <-answers {
			return false
		}
	}
	return true
}

// network reports whether an interface other than loopback is up and plugged
// in.
func (w Way) network() bool {
	list := w.Own
	if list == nil {
		list = net.Interfaces
	}
	all, err := list()
	if err != nil {
		return true // not known: nothing may be concluded
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 && i.Flags&net.FlagRunning != 0 {
			return true
		}
	}
	return false
}
