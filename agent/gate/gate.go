// Package gate is where kiosks come in: it enrols them, makes sure who is at
// the other end of a connection, takes in what they say, and brings them what
// staff want of them.
//
// It never keeps anything on disk itself (a Store does), never decides what a
// report means (agent/watch does), and knows nothing of staff.
//
// Caveats: a message that could not be kept is not acknowledged; the kiosk
// sends it again on a later connection. An order is sent at least once: the
// kiosk tells repeated ones apart by their identifier. A connection is served
// by one goroutine at a time; nothing is queued for it in memory.
package gate

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

// AuthTime is how long a connection may take to prove who it is.
const AuthTime = 10 * time.Second

// stalledTime is how long a connection whose messages cannot be kept is left
// open, so that the kiosk stays visible; then it must connect and send anew.
const stalledTime = 30 * time.Second

// Config is what a Gate is made of.
type Config struct {
	Store    Store
	Presence Presence
	Signer   Signer
	Pin      identity.Pin
	Names    []string      // host names that kiosks may have asked for, besides the one in the request
	ReportS  int           // how often kiosks report, in seconds
	Limits   Limits        // zero fields have defaults
	Log      *slog.Logger  // never gets a secret or anything of a session
	Auth     time.Duration // AuthTime if zero
}

// Limits protect the agent from a flood.
type Limits struct {
	Accepts      rate.Limit // new connections in a second, of all
	AcceptBurst  int
	AddressRate  rate.Limit // of one address; this machine's own is exempt
	AddressBurst int
	Strangers    int // connections at one time that have not yet proved who they are
}

func (l Limits) filled() Limits {
	if l.Accepts == 0 {
		l.Accepts, l.AcceptBurst = 1000, 2000
	}
	if l.AddressRate == 0 {
		l.AddressRate, l.AddressBurst = 10, 100
	}
	if l.Strangers == 0 {
		l.Strangers = 2000
	}
	return l
}

// Gate admits kiosks. Its methods may be called from any goroutine.
type Gate struct {
	c       Config
	up      *link.Upgrader
	accepts *rate.Limiter
	byAddr  *addresses
	tries   *rate.Limiter // failed enrolments, of all
	byTry   *addresses

	turns   atomic.Uint64 // of connections that proved who they are
	reports atomic.Uint64

	mu     sync.Mutex
	closed bool
	live   map[fleet.KioskID]*session
	all    map[*link.Conn]bool // true once it has proved who it is
	done   sync.WaitGroup
}

// New returns a gate.
func New(c Config) *Gate {
	c.Limits = c.Limits.filled()
	if c.Auth == 0 {
		c.Auth = AuthTime
	}
	if c.ReportS == 0 {
		c.ReportS = 15
	}
	return &Gate{c: c, up: link.NewUpgrader(),
		accepts: rate.NewLimiter(c.Limits.Accepts, c.Limits.AcceptBurst),
		byAddr:  newAddresses(c.Limits.AddressRate, c.Limits.AddressBurst),
		tries:   rate.NewLimiter(1, 200), byTry: newAddresses(rate.Every(30*time.Second), 10),
		live: map[fleet.KioskID]*session{}, all: map[*link.Conn]bool{}}
}

// Link takes in a kiosk's connection (GET /link) and returns as soon as it is
// made, so that the server frees what it holds for the request.
func (g *Gate) Link(w http.ResponseWriter, r *http.Request) {
	if !g.room(r) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many connections; try again later", http.StatusServiceUnavailable)
		return
	}
	conn, err := g.up.Accept(w, r)
	if err != nil {
		return // Accept has answered
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		go conn.Close(link.CloseGoingAway, "")
		return
	}
	g.all[conn] = false
	g.done.Add(1)
	go g.serve(conn, hosts(r.Host, g.c.Names))
}

func (g *Gate) room(r *http.Request) bool {
	g.mu.Lock()
	strangers := 0
	if len(g.all)-len(g.live) >= g.c.Limits.Strangers { // a quick look first: counting costs
		for _, known := range g.all {
			if !known {
				strangers++
			}
		}
	}
	g.mu.Unlock()
	if strangers >= g.c.Limits.Strangers {
		return false
	}
	addr := addressOf(r)
	if !addr.IsLoopback() && !g.byAddr.allow(addr) {
		return false
	}
	return g.accepts.Allow()
}

// serve makes sure who is there, and begins to take in what they say.
func (g *Gate) serve(conn *link.Conn, hosts []string) {
	s, err := g.meet(conn, hosts)
	if err != nil {
		g.c.Log.Info("kiosk not admitted", "from", conn.Remote(), "why", err)
		g.forget(conn)
		return
	}
	g.c.Log.Debug("kiosk connected", "kiosk", s.kiosk.ID)
	s.next()
}

// over ends the connection of a kiosk.
func (s *session) over(why error) {
	s.gate.c.Log.Debug("kiosk disconnected", "kiosk", s.kiosk.ID, "why", why)
	s.gate.leave(s)
	s.gate.forget(s.conn)
}

// forget is the end of every connection.
func (g *Gate) forget(conn *link.Conn) {
	conn.Close(link.CloseNormal, "")
	g.mu.Lock()
	delete(g.all, conn)
	g.mu.Unlock()
	g.done.Done()
}

// errReplaced says that a kiosk has a newer connection.
var errReplaced = errors.New("a newer connection took over")

// enter makes s the kiosk's connection in place of any before it. build is
// what the kiosk's program calls itself.
func (g *Gate) enter(s *session, build string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errors.New("the agent stops")
	}
	if k, _ := g.c.Presence.Kiosk(s.kiosk.ID); !bytes.Equal(k.PublicKey, s.kiosk.PublicKey) {
		return errTaken // while it was on its way here
	}
	if old := g.live[s.kiosk.ID]; old != nil {
		if old.turn > s.turn { // welcomed before, and overtaken on the way here
			return errReplaced
		}
		go old.conn.Close(link.CloseReplaced, errReplaced.Error())
	}
	g.live[s.kiosk.ID] = s
	g.all[s.conn] = true
	s.epoch = g.c.Presence.Connected(s.kiosk.ID)
	g.c.Presence.Runs(s.kiosk.ID, s.epoch, s.boot, build)
	return nil
}

// leave ends s; a newer connection of the same kiosk is not touched.
func (g *Gate) leave(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live[s.kiosk.ID] == s {
		delete(g.live, s.kiosk.ID)
	}
	g.c.Presence.Gone(s.kiosk.ID, s.epoch)
}

// Send brings a message to the kiosk if it is connected. It does not wait for
// a slow line.
func (g *Gate) Send(id fleet.KioskID, m wire.Message) {
	g.mu.Lock()
	s := g.live[id]
	g.mu.Unlock()
	if s != nil {
		go s.send(m)
	}
}

// Order brings an order to its kiosk if that is connected; otherwise it goes
// out when the kiosk is back. The order is in the Store already.
func (g *Gate) Order(o Order) {
	if m, ok := orderMessage(o, time.Now()); ok {
		g.Send(o.Kiosk, m)
	}
}

// Count returns how many kiosks are connected, and how many connections have
// not yet proved whose they are.
func (g *Gate) Count() (kiosks, strangers int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.live), max(0, len(g.all)-len(g.live))
}

// Reports is how many reports were taken in.
func (g *Gate) Reports() uint64 { return g.reports.Load() }

// Renew sends every connected kiosk its settings, for after a change.
func (g *Gate) Renew() { g.RenewSite("") }

// RenewSite is Renew for the kiosks of one site.
func (g *Gate) RenewSite(site fleet.SiteID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.live {
		if k, ok := g.c.Presence.Kiosk(id); ok && (site == "" || k.Site == site) {
			go g.sendSettings(g.live[id], k)
		}
	}
}

func (g *Gate) sendSettings(s *session, k fleet.Kiosk) {
	set, err := g.c.Store.Settings(k)
	if err != nil {
		g.c.Log.Error("settings not sent", "kiosk", k.ID, "why", err)
		return
	}
	s.send(wire.Settings{Settings: wire.SettingsOf(upcoming(set, time.Now()))})
}

// Close says goodbye to every kiosk and waits until all are gone, or for the
// context's end.
func (g *Gate) Close(ctx context.Context) {
	g.mu.Lock()
	g.closed = true
	for conn := range g.all {
		go conn.Close(link.CloseGoingAway, "the agent stops")
	}
	g.mu.Unlock()
	gone := make(chan struct{})
	go func() { g.done.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// hosts lists what a kiosk may have signed as the host it asked for.
func hosts(request string, names []string) []string {
	all := []string{request}
	name, port, err := net.SplitHostPort(request)
	if err == nil {
		all = append(all, name)
	}
	for _, n := range names {
		all = append(all, n)
		if err == nil {
			all = append(all, net.JoinHostPort(n, port))
		}
	}
	return all
}

// addresses limits events by address. An IPv6 address stands for its /64: one
// house has that many.
type addresses struct {
	rate  rate.Limit
	burst int
	mu    sync.Mutex
	each  map[netip.Prefix]*rate.Limiter
}

// addressesMost is how many addresses are remembered. When there are more,
// those that are at rest are forgotten; they lose nothing by it.
const addressesMost = 4096

func newAddresses(r rate.Limit, burst int) *addresses {
	return &addresses{rate: r, burst: burst, each: map[netip.Prefix]*rate.Limiter{}}
}

func (a *addresses) of(addr netip.Addr) *rate.Limiter {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		p = netip.Prefix{} // no address: all such share one limit
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.each[p]
	if ok {
		return l
	}
	if len(a.each) >= addressesMost {
		for q, l := range a.each {
			if l.Tokens() >= float64(a.burst) {
				delete(a.each, q)
			}
		}
		if len(a.each) >= addressesMost { // a flood from everywhere: one limit for the rest
			p = netip.Prefix{}
			if l, ok := a.each[p]; ok {
				return l
			}
		}
	}
	l = rate.NewLimiter(a.rate, a.burst)
	a.each[p] = l
	return l
}

func (a *addresses) allow(addr netip.Addr) bool { return a.of(addr).Allow() }

func addressOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
