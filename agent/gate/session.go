package gate

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// session is one connection of one kiosk that has proved who it is. It holds
// little, because there are thousands.
type session struct {
	gate     *Gate
	conn     *link.Conn
	ready    func() // receive, made once
	kiosk    fleet.Kiosk
	epoch    uint64
	turn     uint64 // grows from one connection to the next, before the welcome
	boot     string
	settings uint64 // version of those in the welcome
	more     bool   // they did not fit into it
	replaced atomic.Bool
	stalled  time.Time // since when messages cannot be kept; zero if they can. Only take looks at it
}

// meet makes sure who is at the other end, and tells it who we are.
func (g *Gate) meet(conn *link.Conn, hosts []string) (*session, error) {
	late := time.AfterFunc(g.c.Auth, func() { conn.Close(link.CloseRefused, "too slow") })
	defer late.Stop()
	refuse := func(why string) error {
		conn.Close(link.CloseRefused, why)
		return errors.New(why)
	}
	nonce := make([]byte, wire.NonceSize)
	rand.Read(nonce)
	if err := conn.Send(wire.Challenge{Nonce: nonce}); err != nil {
		return nil, err
	}
	m, err := conn.Receive()
	if err != nil {
		return nil, err
	}
	hello, ok := m.(wire.Hello)
	if !ok {
		return nil, refuse("hello expected")
	}
	if hello.Version != wire.Version {
		return nil, refuse("version")
	}
	k, ok := g.c.Presence.Kiosk(hello.Kiosk)
	if !ok {
		return nil, refuse("unknown kiosk")
	}
	host, ok := signedHost(k, hello, nonce, hosts)
	if !ok {
		return nil, refuse("bad signature")
	}
	s := &session{gate: g, conn: conn, kiosk: k, boot: hello.Boot, turn: g.turns.Add(1)}
	s.ready = s.receive
	if err := s.welcome(hello, nonce, host); err != nil {
		conn.Close(link.CloseTryLater, "not now")
		return nil, err
	}
	conn.Trust()
	if err := g.enter(s, hello.Build); err != nil {
		if errors.Is(err, errReplaced) {
			conn.Close(link.CloseReplaced, err.Error()) // before anybody ends it as any other
		}
		return nil, err
	}
	if err := s.catchUp(); err != nil {
		g.leave(s)
		conn.Close(link.CloseTryLater, "not now")
		return nil, err
	}
	return s, nil
}

// signedHost finds the host that the kiosk asked for when it signed.
func signedHost(k fleet.Kiosk, hello wire.Hello, nonce []byte, hosts []string) (string, bool) {
	if len(k.PublicKey) != ed25519.PublicKeySize {
		return "", false
	}
	for _, host := range hosts {
		said := identity.Transcript("kiosk", string(k.ID), nonce, hello.Nonce, host, hello.Version)
		if ed25519.Verify(k.PublicKey, said, hello.Signature) {
			return host, true
		}
	}
	return "", false
}

func (s *session) welcome(hello wire.Hello, nonce []byte, host string) error {
	c := s.gate.c
	signature, err := c.Signer.Sign(identity.Transcript("agent", string(s.kiosk.ID), nonce, hello.Nonce, host, wire.Version))
	if err != nil {
		return fmt.Errorf("sign the welcome: %w", err)
	}
	applied, err := c.Store.Applied(s.kiosk.ID)
	if err != nil {
		return err
	}
	set, err := c.Store.Settings(s.kiosk)
	if err != nil {
		return err
	}
	now := time.Now()
	all := wire.SettingsOf(upcoming(set, now))
	m := wire.Welcome{Signature: signature, ReportS: c.ReportS, Applied: applied, Time: now.UTC(), Settings: all}.Fit()
	s.settings, s.more = set.Version, m.More
	return s.conn.Send(m)
}

// tell sends the settings whole if they did not fit into the welcome, or
// changed since: until the kiosk is entered, Renew does not reach it.
func (s *session) tell() error {
	set, err := s.gate.c.Store.Settings(s.kiosk)
	if err != nil || !s.more && set.Version == s.settings {
		return err
	}
	s.send(wire.Settings{Settings: wire.SettingsOf(upcoming(set, time.Now()))})
	return nil
}

// upcoming leaves out the times of digital support that are over.
func upcoming(s fleet.Settings, now time.Time) fleet.Settings {
	s.Support = slices.DeleteFunc(slices.Clone(s.Support), func(t fleet.Support) bool { return !t.To.After(now) })
	return s
}

// catchUp brings what waited for the kiosk: the rest of its settings, orders,
// and the answer to its help call. A call of an earlier run of the kiosk has
// lapsed: its session cannot have lived through the restart.
func (s *session) catchUp() error {
	if err := s.tell(); err != nil {
		return err
	}
	store, now := s.gate.c.Store, time.Now()
	call, boot, found, err := store.Help(s.kiosk.ID)
	if err != nil {
		return err
	}
	switch {
	case found && boot != s.boot:
		if err := store.DropHelp(s.kiosk.ID, call.ID); err != nil {
			s.gate.c.Log.Error("lapsed help call not dropped", "kiosk", s.kiosk.ID, "why", err)
		}
		s.gate.c.Presence.HelpOver(s.kiosk.ID, call.ID)
	case found && call.Answer != fleet.NoAnswer:
		s.send(wire.HelpAnswer{Call: call.ID, Answer: call.Answer, Minutes: call.Minutes, Who: call.Who})
	}
	orders, err := store.Orders(s.kiosk.ID, now)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if m, ok := orderMessage(o, now); ok {
			s.send(m)
		}
	}
	return nil
}

// orderMessage gives an order what is left of its life, or says that nothing
// is.
func orderMessage(o Order, now time.Time) (wire.Message, bool) {
	left := o.Expires.Sub(now)
	if left <= 0 {
		return nil, false
	}
	o.Command.TTL = min((left + time.Second - 1).Truncate(time.Second), 24*time.Hour)
	return wire.OrderOf(o.Command), true
}

// send writes one message; a line that does not take it is done.
func (s *session) send(m wire.Message) {
	if err := s.conn.Send(m); err != nil {
		s.gate.c.Log.Debug("message not sent", "kiosk", s.kiosk.ID, "why", err)
		s.conn.Close(link.CloseNormal, "")
	}
}

// next takes in one message once it is there.
func (s *session) next() { s.conn.Await(s.ready) }

// receive takes in what there is. What has to be kept waits for the disk, with
// others of its kind: whoever came after does not wait for that.
func (s *session) receive() {
	m, err := s.conn.Receive()
	if _, light := m.(wire.Report); light || err != nil {
		s.taken(m, err)
		return
	}
	go s.taken(m, nil)
}

func (s *session) taken(m wire.Message, err error) {
	if err == nil {
		err = s.take(m)
	}
	if err != nil {
		s.over(err)
		return
	}
	s.next()
}

// take takes in one message; an error ends the connection.
func (s *session) take(m wire.Message) error {
	if s.replaced.Load() {
		return errTaken
	}
	if r, ok := m.(wire.Report); ok {
		s.gate.reports.Add(1)
		s.gate.c.Presence.Report(s.kiosk.ID, s.epoch, r.Fleet())
	} else if err := s.numbered(m); err != nil {
		s.conn.Close(link.CloseMalformed, "not for the agent")
		return err
	}
	if !s.stalled.IsZero() && time.Since(s.stalled) > stalledTime {
		s.conn.Close(link.CloseTryLater, "cannot keep messages")
		return errors.New("messages cannot be kept")
	}
	return nil
}

// numbered takes in one numbered message and acknowledges it once it is kept.
// An acknowledgement covers all numbers before it: so after one message that
// could not be kept, none is kept on this connection any more. The kiosk sends
// them again on the next.
func (s *session) numbered(m wire.Message) error {
	if !s.stalled.IsZero() {
		if h, ok := m.(wire.Help); ok { // a client who needs help must not wait for the disk
			s.gate.c.Presence.Help(fleet.HelpCall{ID: h.Call, Kiosk: s.kiosk.ID, At: time.Now()})
		}
		return nil
	}
	seq, err := s.apply(m)
	switch {
	case errors.Is(err, errNotForUs):
		return err
	case err != nil:
		s.gate.c.Log.Error("message not kept; the kiosk will send it again", "kiosk", s.kiosk.ID, "why", err)
		s.stalled = time.Now()
	default:
		s.send(wire.Ack{Seq: seq})
	}
	return nil
}

// errTaken says that another machine took the kiosk's place.
var errTaken = errors.New("another machine took its place")

var errNotForUs = errors.New("a message that only the agent sends")

// apply carries out one numbered message, once.
func (s *session) apply(m wire.Message) (seq uint64, err error) {
	store, presence, id, now := s.gate.c.Store, s.gate.c.Presence, s.kiosk.ID, time.Now()
	switch m := m.(type) {
	case wire.Proof:
		p := m.Proof.Fleet(id)
		var standing state.Proof
		var fresh bool
		standing, fresh, err = store.ApplyProof(id, m.Seq, p, proof.Verify(s.kiosk.PublicKey, p) == nil, now)
		if fresh && err == nil {
			presence.Proof(id, standing)
		}
		return m.Seq, err
	case wire.Counts:
		_, err = store.ApplyCounts(id, m.Seq, m.Fleet(), now)
		return m.Seq, err
	case wire.Help:
		call := fleet.HelpCall{ID: m.Call, Kiosk: id, At: now}
		fresh, err := store.ApplyHelp(call, m.Seq, s.boot)
		if fresh || err != nil {
			presence.Help(call) // it rings even if it could not be kept
		}
		return m.Seq, err
	case wire.HelpOver:
		fresh, err := store.ApplyHelpOver(id, m.Seq, m.Call)
		if fresh || err != nil {
			presence.HelpOver(id, m.Call)
		}
		return m.Seq, err
	case wire.Sheet:
		sheet := m.Sheet.Fleet(id)
		kept, fresh, err := store.ApplySheet(id, m.Seq, sheet, proof.VerifySheet(s.kiosk.PublicKey, sheet) == nil, now)
		if fresh && err == nil {
			s.gate.c.Log.Info("acceptance sheet came", "kiosk", id, "kept", kept)
		}
		return m.Seq, err
	case wire.Result:
		o, found, _, err := store.ApplyResult(id, m.Seq, fleet.Result{Command: m.Command, OK: m.OK, Why: m.Why}, now)
		if found && err == nil {
			s.gate.c.Log.Info("command answered", "kiosk", id, "command", o.Command.Name, "ok", m.OK, "why", m.Why)
		}
		return m.Seq, err
	}
	return 0, errNotForUs
}
