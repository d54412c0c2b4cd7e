package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// lines are a kiosk's connections, which faults break.
type lines struct {
	mu   sync.Mutex
	open map[*line]bool
}

func newLines() *lines { return &lines{open: map[*line]bool{}} }

// dial is uplink.Config.Dial.
func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	n := &line{TCPConn: c.(*net.TCPConn), of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[n] = true
	return n, nil
}

// cut breaks every connection, as a router does that is switched off and on.
func (l *lines) cut() {
	for _, n := range l.all() {
		n.SetLinger(0)
		n.TCPConn.Close()
	}
}

// haunt makes every connection end for the kiosk and stay for the agent, which
// hears nothing any more: for so long.
func (l *lines) haunt(d time.Duration) {
	for _, n := range l.all() {
		n.mu.Lock()
		n.ghost = d
		n.mu.Unlock()
		n.SetReadDeadline(time.Unix(1, 0))
	}
}

func (l *lines) all() (all []*line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range l.open {
		all = append(all, n)
	}
	return all
}

// line is one connection.
type line struct {
	*net.TCPConn
	of *lines

	mu    sync.Mutex
	ghost time.Duration
}

// Write is net.Conn's: nothing goes out on a ghost.
func (n *line) Write(b []byte) (int, error) {
	n.mu.Lock()
	ghost := n.ghost > 0
	n.mu.Unlock()
	if ghost {
		return 0, net.ErrClosed
	}
	return n.TCPConn.Write(b)
}

// SetReadDeadline is net.Conn's: a ghost's is over.
func (n *line) SetReadDeadline(t time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ghost > 0 {
		t = time.Unix(1, 0)
	}
	return n.TCPConn.SetReadDeadline(t)
}

// Close is net.Conn's. A ghost stays for a while.
func (n *line) Close() error {
	n.of.mu.Lock()
	delete(n.of.open, n)
	n.of.mu.Unlock()
	n.mu.Lock()
	ghost := n.ghost
	n.mu.Unlock()
	if ghost == 0 {
		return n.TCPConn.Close()
	}
	time.AfterFunc(ghost, func() { n.SetLinger(0); n.TCPConn.Close() })
	return nil
}
