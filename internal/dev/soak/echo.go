package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// echoes is how many of its messages the echo says again.
const echoes = 9

// echo is a kiosk that says everything more than once, as one does that hears
// no acknowledgement: on the same line and on the next, whatever the agent says
// that it has.
type echo struct {
	*kiosk
	told []wire.Message // the newest, in order; told[len-1] has the number seq
	seq  uint64

	amu   sync.Mutex
	acked uint64
	on    bool
	idle  bool
}

func newEcho(k *kiosk) *echo { return &echo{kiosk: k} }

func (e *echo) live(live, work context.Context) {
	for live.Err() == nil {
		e.once(live, work)
		e.set(func() { e.on = false })
		pause(live, 300*time.Millisecond)
	}
}

func (e *echo) set(f func()) {
	e.amu.Lock()
	defer e.amu.Unlock()
	f()
}

// once is one connection.
func (e *echo) once(live, work context.Context) error {
	conf, err := identity.ClientTLS(e.member.Pin)
	if err != nil {
		return err
	}
	conn, err := link.Dial(live, e.member.Agent, conf, e.lines.dial)
	if err != nil {
		return err
	}
	defer conn.Close(link.CloseNormal, "")
	defer context.AfterFunc(live, func() { conn.Close(link.CloseNormal, "") })()
	if err := e.greet(conn); err != nil {
		return err
	}
	conn.Trust()
	e.set(func() { e.on = true })
	ctx, dead := context.WithCancel(live)
	defer dead()
	go func() {
		defer dead()
		for {
			m, err := conn.Receive()
			if err != nil {
				return
			}
			if a, ok := m.(wire.Ack); ok {
				e.set(func() { e.acked = max(e.acked, a.Seq) })
			}
		}
	}()
	go conn.KeepAlive()
	for ctx.Err() == nil {
		for _, m := range e.told {
			if err := conn.Send(m); err != nil {
				return err
			}
		}
		if err := conn.Send(wire.ReportOf(e.report())); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(e.rng.Int64N(int64(pace)))); err != nil {
			return err
		}
		if quiet := work.Err() != nil; quiet || e.waits() {
			e.set(func() { e.idle = quiet })
			continue
		}
		e.more()
	}
	return ctx.Err()
}

func (e *echo) waits() bool {
	e.amu.Lock()
	defer e.amu.Unlock()
	return e.acked < e.seq
}

// more is a call, its end, and a proof.
func (e *echo) more() {
	call := fmt.Sprintf("%016x", e.rng.Uint64())
	p := proof.Sign(e.key, e.last, fleet.WipeProof{Kiosk: e.member.Kiosk, At: time.Now().UTC(), Looks: []fleet.Look{{At: "files"}}})
	e.mu.Lock()
	e.last = &p
	e.ledger.proofs++
	e.ledger.placed++
	e.mu.Unlock()
	e.told = append(e.told, wire.Help{Seq: e.seq + 1, Call: call}, wire.HelpOver{Seq: e.seq + 2, Call: call},
		wire.Proof{Seq: e.seq + 3, Proof: wire.ProofOf(p)})
	e.set(func() { e.seq += 3 })
	e.told = e.told[max(0, len(e.told)-echoes):]
}

func (e *echo) greet(conn *link.Conn) error {
	m, err := conn.Receive()
	if err != nil {
		return err
	}
	challenge, ok := m.(wire.Challenge)
	if !ok {
		return errors.New("a challenge was expected")
	}
	nonce, boot := make([]byte, wire.NonceSize), make([]byte, 8)
	rand.Read(nonce)
	rand.Read(boot)
	host := e.member.Agent[len("https://"):]
	said := identity.Transcript("kiosk", string(e.member.Kiosk), challenge.Nonce, nonce, host, wire.Version)
	if err := conn.Send(wire.Hello{Kiosk: e.member.Kiosk, Version: wire.Version, Boot: fmt.Sprintf("%x", boot), Build: "soak",
		Nonce: nonce, Signature: ed25519.Sign(e.key, said)}); err != nil {
		return err
	}
	m, err = conn.Receive()
	if err != nil {
		return err
	}
	if _, ok := m.(wire.Welcome); !ok {
		return errors.New("a welcome was expected")
	}
	return nil
}

func (e *echo) missing(quiet bool) string {
	e.amu.Lock()
	defer e.amu.Unlock()
	switch {
	case !e.on:
		return "the echo is not connected"
	case quiet && (!e.idle || e.acked < e.seq):
		return fmt.Sprintf("the echo waits for %d and has %d", e.seq, e.acked)
	}
	return ""
}

// account is what the echo told; of it the agent acknowledged everything.
func (e *echo) account() ledger {
	l := e.ledger
	l.heard = l.placed
	return l
}
