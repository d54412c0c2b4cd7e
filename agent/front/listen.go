package front

import (
	"net"
	"net/netip"
	"sync"
)

// Limits are how many connections may be open at one time.
type Limits struct {
	All  int // of everybody
	Each int // of one address; an IPv6 address stands for its /64
}

// Listener keeps to limits. A connection too many is closed at once, before
// anything of it is read. (netutil.LimitListener waits instead: one address
// that keeps its connections would then shut everybody out.) This machine's own
// addresses and the proxies count among all only.
type Listener struct {
	net.Listener
	limits  Limits
	proxies Proxies

	mu      sync.Mutex
	all     int
	each    map[netip.Prefix]int
	refused uint64
}

// Limit puts limits on a listener.
func Limit(l net.Listener, limits Limits, proxies Proxies) *Listener {
	return &Listener{Listener: l, limits: limits, proxies: proxies, each: map[netip.Prefix]int{}}
}

// Accept returns the next connection within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		a := address(c.RemoteAddr().String())
		if house, ok := l.enter(a); ok {
			return &counted{Conn: c, leave: func() { l.exit(house) }}, nil
		}
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0) // no memory for the connection's rest either
		}
		c.Close()
	}
}

// enter counts a connection, under its house: none, for those that are not
// counted one by one.
func (l *Listener) enter(a netip.Addr) (house netip.Prefix, ok bool) {
	if a.IsValid() && !a.IsLoopback() && !l.proxies.has(a) {
		bits := 32
		if a.Is6() {
			bits = 64
		}
		house, _ = a.Prefix(bits)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.limits.All || house.IsValid() && l.each[house] >= l.limits.Each {
		l.refused++
		return house, false
	}
	l.all++
	if house.IsValid() {
		l.each[house]++
	}
	return house, true
}

func (l *Listener) exit(house netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if !house.IsValid() {
		return
	}
	if l.each[house]--; l.each[house] == 0 {
		delete(l.each, house)
	}
}

// Count returns how many connections are open, and how many were refused.
func (l *Listener) Count() (open int, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all, l.refused
}

// counted is a connection that says when it is over.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

// NetConn is for who waits for the socket itself.
func (c *counted) NetConn() net.Conn { return c.Conn }

// Close closes the connection; the first call counts.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.leave)
	return err
}
