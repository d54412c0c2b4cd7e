package simulate

import (
	"context"
	"crypto/ed25519"
	crand "crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

// silentAfter is when a kiosk whose role it is falls silent.
const silentAfter = 40 * time.Second

// kiosk is one simulated kiosk with its connection.
type kiosk struct {
	*machine
	fleet *run
	boot  string
	seq   uint64
	queue []numbered // told, and not yet acknowledged
	line  line
}

// numbered is a message that must not be lost.
type numbered struct {
	seq uint64
	m   wire.Message
}

// run keeps the kiosk connected until the context ends.
func (k *kiosk) run(ctx context.Context) {
	began := time.Now()
	for _, m := range k.first(began) {
		k.tell(m)
	}
	for tries := 0; ctx.Err() == nil; tries++ {
		err := k.connected(k.fleet.begin(ctx, k), began, func() { tries = 0 })
		swept := k.fleet.end(k)
		if errors.Is(err, errRestarts) {
			k.boot = hex16(k.rng)
			wait(ctx, k.span(5*time.Second, 15*time.Second))
			k.restart(time.Now())
			continue
		}
		if errors.Is(err, errRefused) {
			k.fleet.fail(err)
			return
		}
		if !swept {
			wait(ctx, k.backoff(tries))
		}
	}
}

// backoff has full jitter, so that a thousand kiosks do not come back in one
// moment.
func (k *kiosk) backoff(tries int) time.Duration {
	most := min(2*time.Second<<min(tries, 5), 30*time.Second)
	return time.Duration(rand.Int64N(int64(most))) // not from the seed: how often it is asked depends on the line
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// tell numbers a message and keeps it until it is acknowledged.
func (k *kiosk) tell(m wire.Message) numbered {
	k.seq++
	switch v := m.(type) {
	case wire.Proof:
		v.Seq = k.seq
		m = v
	case wire.Counts:
		v.Seq = k.seq
		m = v
	case wire.Help:
		v.Seq = k.seq
		m = v
	case wire.HelpOver:
		v.Seq = k.seq
		m = v
	case wire.Result:
		v.Seq = k.seq
		m = v
	}
	n := numbered{k.seq, m}
	k.queue = append(k.queue, n)
	return n
}

func (k *kiosk) acked(seq uint64) {
	for len(k.queue) > 0 && k.queue[0].seq <= seq {
		k.queue = k.queue[1:]
	}
}

var (
	errRefused  = errors.New("the agent refused the kiosk")
	errRestarts = errors.New("the machine starts anew")
)

// connected runs one connection to its end.
func (k *kiosk) connected(ctx context.Context, began time.Time, welcomed func()) error {
	conn, err := link.Dial(ctx, k.fleet.c.Agent, k.fleet.tls, dial)
	if err != nil {
		return err
	}
	defer conn.Close(link.CloseGoingAway, "")
	stop := context.AfterFunc(ctx, func() { conn.Close(link.CloseGoingAway, "") })
	defer stop()
	welcome, err := k.greet(conn)
	if err != nil {
		var closed *link.CloseError
		if errors.As(err, &closed) && closed.Code == link.CloseRefused && closed.Reason != "too slow" { // that is a busy machine
			return fmt.Errorf("%w: %s", errRefused, closed.Reason)
		}
		return err
	}
	welcomed()
	k.fleet.up(k)
	defer k.fleet.down(k)
	conn.Trust()
	if k.role != silent {
		go conn.KeepAlive()
	}
	k.acked(welcome.Applied)
	k.settings = welcome.Settings.Version
	for _, n := range k.queue {
		if err := conn.Send(n.m); err != nil {
			return err
		}
	}
	every := time.Duration(welcome.ReportS) * time.Second
	if k.fleet.c.ReportEvery > 0 {
		every = k.fleet.c.ReportEvery
	}
	return k.serve(ctx, conn, began, every)
}

// greet proves who the kiosk is and makes sure of the agent.
func (k *kiosk) greet(conn *link.Conn) (wire.Welcome, error) {
	m, err := conn.Receive()
	if err != nil {
		return wire.Welcome{}, err
	}
	challenge, ok := m.(wire.Challenge)
	if !ok {
		return wire.Welcome{}, errors.New("challenge expected")
	}
	nonce := make([]byte, wire.NonceSize)
	crand.Read(nonce)
	said := func(side string) []byte {
		return identity.Transcript(side, string(k.id), challenge.Nonce, nonce, k.fleet.host, wire.Version)
	}
	err = conn.Send(wire.Hello{Kiosk: k.id, Version: wire.Version, Boot: k.boot, Build: k.version, Nonce: nonce,
		Signature: ed25519.Sign(k.key, said("kiosk"))})
	if err != nil {
		return wire.Welcome{}, err
	}
	if m, err = conn.Receive(); err != nil {
		return wire.Welcome{}, err
	}
	welcome, ok := m.(wire.Welcome)
	if !ok || !identity.VerifyAgent(k.fleet.c.Pin, said("agent"), welcome.Signature) {
		return wire.Welcome{}, errors.New("not the agent of this pin")
	}
	return welcome, nil
}

// serve reports, and does what the agent says.
func (k *kiosk) serve(ctx context.Context, conn *link.Conn, began time.Time, every time.Duration) error {
	heard := make(chan wire.Message)
	dead := make(chan error, 1)
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			m, err := conn.Receive()
			if err != nil {
				dead <- err
				return
			}
			select {
			case heard <- m:
			case <-over:
				return
			}
		}
	}()
	if err := conn.Send(k.report(time.Now())); err != nil {
		return err
	}
	// The first wait is a part of the interval: kiosks must not all report in
	// the same moment.
	due := time.NewTimer(time.Duration(k.rng.Int64N(int64(every)) + 1))
	defer due.Stop()
	turn := time.NewTimer(k.untilTurn())
	defer turn.Stop()
	for {
		now := time.Now()
		var told []wire.Message
		report := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-dead:
			return err
		case <-due.C:
			report = true
			due.Reset(every)
			if k.role == silent && now.Sub(began) > silentAfter {
				<-ctx.Done() // the line stays open and nothing is said on it
				return ctx.Err()
			}
		case <-turn.C:
			before := k.state
			told = k.step(now)
			report = k.state != before
		case m := <-heard:
			before := *k.machine
			told = k.hear(m, now)
			report = k.state != before.state || k.waits != before.waits || k.web != before.web
		}
		turn.Reset(k.untilTurn())
		for _, m := range told {
			if err := conn.Send(k.tell(m).m); err != nil {
				return err
			}
		}
		if report {
			if err := conn.Send(k.report(now)); err != nil {
				return err
			}
		}
		if k.restarts(now) {
			return errRestarts
		}
	}
}

func (k *kiosk) hear(m wire.Message, now time.Time) []wire.Message {
	switch m := m.(type) {
	case wire.Ack:
		k.acked(m.Seq)
	case wire.Settings:
		k.settings = m.Settings.Version
	case wire.Order:
		if m.Name == fleet.UpdateImage {
			return k.take(m, now)
		}
		result, told := k.obey(m, now)
		return append(told, result)
	}
	return nil
}

// untilTurn is how long nothing happens by itself.
func (k *kiosk) untilTurn() time.Duration {
	next := k.next
	sooner := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	sooner(k.update.done)
	if k.update.armed {
		sooner(k.since.Add(restful))
	}
	if k.state.InSession() {
		sooner(k.helpAt)
	}
	if next.IsZero() {
		return time.Hour
	}
	return max(time.Until(next), 10*time.Millisecond)
}

// dial connects. The line is cut without a trace at its end: thousands of
// finished ones would else use up this machine's ports for a minute.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	return c, nil
}

func hostOf(agent string) (string, error) {
	u, err := url.Parse(agent)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%q is not the address of an agent", agent)
	}
	return u.Host, nil
}

func tlsOf(agent string, pin identity.Pin) (*tls.Config, error) {
	c, err := identity.ClientTLS(pin)
	if err != nil {
		return nil, err
	}
	c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	return c, nil
}
