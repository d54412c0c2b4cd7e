package door

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// door serves one session.
type door struct {
	open     Open
	wall     wall
	local    func() ([]netip.Prefix, error)
	resolver *net.Resolver
	slots    chan struct{}
	idle     time.Duration
}

func newDoor(o Open) *door {
	// Go's own resolver asks the name servers that the machine has now, and
	// keeps no answers.
	return &door{open: o, wall: newWall(), local: localNetworks, resolver: &net.Resolver{PreferGo: true},
		slots: make(chan struct{}, connections), idle: idleTime}
}

// dial connects to what the browser asked for, if it may.
func (d *door) dial(ctx context.Context, host string, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if a, err := netip.ParseAddr(host); err == nil {
		to := netip.AddrPortFrom(a, port)
		if to == d.open.Home {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		}
		return d.judged().DialContext(ctx, "tcp", to.String())
	}
	if isLocalhost(host) {
		// No name server is asked: the answer would be somebody else's.
		var problem error
		for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
			c, err := d.judged().DialContext(ctx, "tcp", netip.AddrPortFrom(a, port).String())
			if err == nil {
				return c, nil
			}
			if problem == nil || errors.Is(problem, errClosed) {
				problem = err
			}
		}
		return nil, problem
	}
	if strings.Contains(host, ".") && !strings.HasSuffix(host, ".") {
		host += "." // a whole name: the house's search list is not tried on it
	}
	return d.judged().DialContext(ctx, "tcp", net.JoinHostPort(host, itoa(port)))
}

// judged is a dialer that asks for each address, right before it connects to
// it, whether it may: what was judged is what is connected to.
func (d *door) judged() *net.Dialer {
	return &net.Dialer{Resolver: d.resolver, KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return errClosed
			}
			return d.judge(to)
		}}
}

func (d *door) judge(to netip.AddrPort) error {
	if slices.Contains(d.open.Reach, to) {
		return nil
	}
	local, err := d.local()
	if err != nil {
		return err
	}
	if to.Port() == 0 || !d.wall.public(to.Addr(), local) {
		return errClosed
	}
	return nil
}
