package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// strangersAtOnce is how many there are of each kind.
const strangersAtOnce = 8

// strangers come, do what they do, and are gone when this returns: after stay.
func strangers(ctx context.Context, a *agent, stay time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, stay)
	defer cancel()
	var all sync.WaitGroup
	for _, kind := range []func(net.Conn, string){silence, rubbish, slowly, huge, endless} {
		for range strangersAtOnce {
			all.Go(func() { stranger(ctx, a, kind) })
		}
	}
	all.Wait()
}

// stranger connects, with TLS for those who speak HTTP, and stays until its
// time is over or it is thrown out.
func stranger(ctx context.Context, a *agent, kind func(net.Conn, string)) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", a.address)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	kind(c, string(a.pin))
	c.Read(make([]byte, 1))
	<-ctx.Done()
}

func silence(net.Conn, string) {}

// rubbish is no TLS at all.
func rubbish(c net.Conn, _ string) {
	b := make([]byte, 64<<10)
	rand.Read(b)
	c.Write(b)
}

// secure begins TLS; nil if that is not possible.
func secure(c net.Conn, pin string) *tls.Conn {
	conf, err := identity.ClientTLS(identity.Pin(pin))
	if err != nil {
		return nil
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	conf.ServerName = host
	t := tls.Client(c, conf)
	if t.Handshake() != nil {
		return nil
	}
	return t
}

// slowly sends a header that never ends.
func slowly(c net.Conn, pin string) {
	t := secure(c, pin)
	if t == nil {
		return
	}
	fmt.Fprintf(t, "GET /link HTTP/1.1\r\nHost: agent\r\n")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		<-tick.C
		if _, err := fmt.Fprintf(t, "X-%d: x\r\n", i); err != nil {
			return
		}
	}
}

// upgraded is a websocket whose other end is a stranger.
func upgraded(c net.Conn, pin string) *tls.Conn {
	t := secure(c, pin)
	if t == nil {
		return nil
	}
	fmt.Fprintf(t, "GET /link HTTP/1.1\r\nHost: agent\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: c29haywgc29haywgc29hIQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", wire.Subprotocol)
	return t
}

// huge says that a frame of a tebibyte follows, and begins with it.
func huge(c net.Conn, pin string) {
	t := upgraded(c, pin)
	if t == nil {
		return
	}
	frame := append([]byte{0x81, 0xff}, binary.BigEndian.AppendUint64(nil, 1<<40)...)
	t.Write(append(frame, make([]byte, 64<<10)...))
}

// endless sends frames with rubbish in them for as long as it may.
func endless(c net.Conn, pin string) {
	t := upgraded(c, pin)
	if t == nil {
		return
	}
	for {
		b := make([]byte, 6+100)
		rand.Read(b)
		b[0], b[1] = 0x81, 0x80|100
		if _, err := t.Write(b); err != nil {
			return
		}
	}
}
