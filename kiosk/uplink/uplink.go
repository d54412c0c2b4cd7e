// Package uplink is the kiosk's end of the line to the agent: it enrols,
// proves who it is and that the agent is the agent, sends reports, proofs,
// counts and help calls, and hands commands to whoever obeys them.
//
// It survives every outage: what must not be lost waits on disk, and the kiosk
// goes on serving clients however long the agent is gone. It never decides
// what a session does and never sees anything of one.
//
// Caveat: one goroutine, Run, owns the connection. It is the only one that
// sends reports; acknowledgements come in through its reader.
package uplink

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

// Obeyer carries out what the agent asks. Its methods return at once.
type Obeyer interface {
	Command(ctx context.Context, c fleet.Command, answer func(fleet.Result))
	Update(fleet.Settings)
	HelpHeard(call string)
	HelpAnswered(call string, a fleet.HelpAnswer, minutes int, who string)
}

// Config is what an Uplink needs to know.
type Config struct {
	Dir    string // of its own, for the outbox and the day's counts
	Member Member // who we are and whom we trust
	Key    ed25519.PrivateKey
	Build  string
	Now    func() time.Time // the wall clock
	Log    *slog.Logger
	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil for the ordinary one
}

// Uplink is the line. Make it with Open, then Run it.
type Uplink struct {
	Config
	Day     *Counter
	box     *outbox
	boot    string
	changed chan struct{} // one slot: something is to be sent
	online  atomic.Bool

	mu    sync.Mutex
	calls map[uint64]string // help calls that wait for their acknowledgement
	err   error             // why the agent cannot be reached, for people

	settings *wire.SettingsBody // those heard last; nil before the first
	address  string             // where the agent proved itself last
}

// Open opens what is kept on disk.
func Open(c Config) (*Uplink, error) {
	box, err := openOutbox(filepath.Join(c.Dir, "outbox"))
	if err != nil {
		return nil, err
	}
	counter, err := openCounter(filepath.Join(c.Dir, "counts.json"), box, c.Now, c.Log)
	if err != nil {
		return nil, err
	}
	boot := make([]byte, 8)
	rand.Read(boot) // never fails, by its documentation
	u := &Uplink{Config: c, Day: counter, box: box, boot: hex.EncodeToString(boot),
		changed: make(chan struct{}, 1), calls: map[uint64]string{}}
	u.readSettings()
	u.readAddress()
	// A help call of an earlier run has lapsed with its session.
	stale := map[uint64]string{}
	if err := box.each(func(seq uint64, m wire.Message) {
		if h, ok := m.(wire.Help); ok {
			stale[seq] = h.Call
		}
	}); err != nil {
		return nil, err
	}
	for _, call := range stale {
		if err := u.HelpOver(call); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// Changed has a report sent soon.
func (u *Uplink) Changed() {
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

// Connected reports whether the agent is there and has proved itself.
func (u *Uplink) Connected() bool { return u.online.Load() }

// Trouble says in words why the agent is not reached, or returns "".
func (u *Uplink) Trouble() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		return ""
	}
	return u.err.Error()
}

// Waiting is how many messages wait for their acknowledgement.
func (u *Uplink) Waiting() int { return u.box.waits() }

// Flush waits until nothing waits any more, at most for so long, and not at
// all while the agent is away.
func (u *Uplink) Flush(most time.Duration) {
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for u.Connected() && u.Waiting() > 0 {
		select {
		case <-deadline.C:
			return
		case <-tick.C:
		}
	}
}

// Help rings.
func (u *Uplink) Help(call string) error {
	u.mu.Lock()
	defer u.mu.Unlock() // so that the acknowledgement finds the call
	seq, err := u.put(func(seq uint64) wire.Message { return wire.Help{Seq: seq, Call: call} })
	if err == nil {
		u.calls[seq] = call
	}
	return err
}

// HelpOver takes a call back. One that was never sent just vanishes; one that
// may have arrived is taken back at the agent, however the line is now.
func (u *Uplink) HelpOver(call string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for seq, c := range u.calls {
		if c != call {
			continue
		}
		delete(u.calls, seq)
		if dropped, err := u.box.drop(seq); dropped || err != nil {
			return err
		}
	}
	_, err := u.put(func(seq uint64) wire.Message { return wire.HelpOver{Seq: seq, Call: call} })
	return err
}

// result keeps the answer to a command and sends it.
func (u *Uplink) result(r fleet.Result) {
	_, err := u.put(func(seq uint64) wire.Message {
		return wire.Result{Seq: seq, Command: r.Command, OK: r.OK, Why: r.Why}
	})
	if err != nil {
		u.Log.Error("the answer to a command could not be kept", "err", err)
	}
}

func (u *Uplink) put(message func(uint64) wire.Message) (uint64, error) {
	seq, err := u.box.put(message)
	if err == nil {
		u.Changed()
	}
	return seq, err
}

// Run keeps the line up until the context ends. report gives the report to
// send; obey hears what the agent asks.
func (u *Uplink) Run(ctx context.Context, report func() fleet.Report, obey Obeyer) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 500*time.Millisecond, 15*time.Second
	wait.RandomizationFactor = 1 // full jitter: 0 to twice the interval, so that a fleet does not come back as one
	for ctx.Err() == nil {
		began := time.Now()
		err := u.anywhere(ctx, report, obey)
		u.online.Store(false)
		if ctx.Err() != nil {
			break
		}
		u.trouble(err)
		if time.Since(began) > time.Minute {
			wait.Reset()
		}
		pause := time.NewTimer(wait.NextBackOff())
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				pause.Stop()
				return nil
			case <-pause.C:
				waiting = false
			case <-u.changed: // goes out with the first report of the next connection
			}
		}
	}
	return nil
}

func (u *Uplink) trouble(err error) {
	u.mu.Lock()
	before := u.err
	u.err = err
	u.mu.Unlock()
	if err != nil && (before == nil || before.Error() != err.Error()) {
		u.Log.Warn("the agent is not there", "err", err)
	}
}

// once connects, proves, and talks until the line ends.
func (u *Uplink) once(ctx context.Context, address string, report func() fleet.Report, obey Obeyer) error {
	tlsConfig, err := identity.ClientTLS(u.Member.Pin)
	if err != nil {
		return err
	}
	dial, cancel := context.WithTimeout(ctx, link.HandshakeTime)
	conn, err := link.Dial(dial, address, tlsConfig, u.Dial)
	cancel()
	var strange x509.UnknownAuthorityError
	if errors.As(err, &strange) { // neither a public certificate nor our agent's own
		return fmt.Errorf("%w (%w)", ErrStranger, err)
	}
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close(link.CloseGoingAway, "stopping") })
	defer stop()
	defer conn.Close(link.CloseNormal, "")
	welcome, err := u.greet(conn, address)
	if err != nil {
		return err
	}
	conn.Trust()
	u.found(address)
	if err := u.box.ack(welcome.Applied); err != nil {
		return err
	}
	u.heard(welcome.Applied, obey) // the line may have broken before its acknowledgement
	if !welcome.More {             // otherwise they are the next message
		u.heardSettings(welcome.Settings, obey)
	}
	u.trouble(nil)
	u.online.Store(true)
	u.Log.Info("the agent is there")
	go conn.KeepAlive()
	gone, deaf := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(deaf)
		gone <- u.receive(ctx, conn, obey)
	}()
	err = u.talk(ctx, conn, time.Duration(welcome.ReportS)*time.Second, welcome.Applied, report, gone)
	conn.Close(link.CloseNormal, "")
	<-deaf // whoever calls Run may take everything away after it
	return err
}

// greet is the challenge, the hello and the welcome.
func (u *Uplink) greet(conn *link.Conn, address string) (wire.Welcome, error) {
	timer := time.AfterFunc(link.HandshakeTime, func() { conn.Close(link.CloseRefused, "too slow") })
	defer timer.Stop()
	first, err := conn.Receive()
	if err != nil {
		return wire.Welcome{}, err
	}
	challenge, ok := first.(wire.Challenge)
	if !ok {
		return wire.Welcome{}, errors.New("the agent did not begin with a challenge")
	}
	nonce := make([]byte, wire.NonceSize)
	rand.Read(nonce)
	base, err := url.Parse(address)
	if err != nil {
		return wire.Welcome{}, err
	}
	both := func(side string) []byte {
		return identity.Transcript(side, string(u.Member.Kiosk), challenge.Nonce, nonce, base.Host, wire.Version)
	}
	err = conn.Send(wire.Hello{Kiosk: u.Member.Kiosk, Version: wire.Version, Boot: u.boot, Build: u.Build, Nonce: nonce,
		Signature: ed25519.Sign(u.Key, both("kiosk"))})
	if err != nil {
		return wire.Welcome{}, err
	}
	second, err := conn.Receive()
	if err != nil {
		return wire.Welcome{}, err
	}
	welcome, ok := second.(wire.Welcome)
	if !ok {
		return wire.Welcome{}, errors.New("the agent did not welcome us")
	}
	if !identity.VerifyAgent(u.Member.Pin, both("agent"), welcome.Signature) {
		return wire.Welcome{}, ErrStranger
	}
	return welcome, nil
}

// talk sends: a report on every change and every so often, and what waits.
func (u *Uplink) talk(ctx context.Context, conn *link.Conn, every time.Duration, sent uint64, report func() fleet.Report, gone <-chan error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := conn.Send(wire.ReportOf(report())); err != nil {
			return err
		}
		for {
			seq, m, ok, err := u.box.hand(sent)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := conn.Send(m); err != nil {
				return err
			}
			sent = seq
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-gone:
			return err
		case <-tick.C:
			u.Day.Turn()
		case <-u.changed:
		}
	}
}

// receive hears the agent until the line ends.
func (u *Uplink) receive(ctx context.Context, conn *link.Conn, obey Obeyer) error {
	for {
		m, err := conn.Receive()
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case wire.Ack:
			if err := u.box.ack(m.Seq); err != nil {
				return err
			}
			u.heard(m.Seq, obey)
		case wire.Order:
			obey.Command(ctx, m.Fleet(), u.result)
		case wire.Settings:
			u.heardSettings(m.Settings, obey)
		case wire.HelpAnswer:
			obey.HelpAnswered(m.Call, m.Answer, m.Minutes, m.Who)
		default:
			return fmt.Errorf("the agent sent what an agent does not send: %T", m)
		}
	}
}

func (u *Uplink) heard(seq uint64, obey Obeyer) {
	u.mu.Lock()
	var calls []string
	for s, call := range u.calls {
		if s <= seq {
			calls = append(calls, call)
			delete(u.calls, s)
		}
	}
	u.mu.Unlock()
	for _, call := range calls {
		obey.HelpHeard(call)
	}
}
