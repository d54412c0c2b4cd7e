// Package link carries wire messages over one websocket. It is the only
// importer of gorilla/websocket.
//
// It is for both ends: Dial for the kiosk, Accept for the agent. It limits the
// size of what comes in, keeps the connection alive and notices when it is
// dead. It never authenticates anybody, never reconnects and never logs what
// it carries.
//
// Caveats: messages are not compressed (a compressed frame passes a limit that
// its contents do not). Receive must be called all the time, because pings are
// answered inside it. After the first error of Receive or Send a Conn is done.
package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"yhteiskone/internal/wire"
)

// Times of a connection. Silence longer than Silence ends it: two reports
// missed, and a little.
const (
	HandshakeTime = 10 * time.Second
	SendTime      = 10 * time.Second
	PingEvery     = 15 * time.Second
	Silence       = 32 * time.Second
)

// ErrNotDevice is returned by Accept for a request that no device makes.
var ErrNotDevice = errors.New("not a device")

// CloseError says that the other end closed the connection, and its code
// (RFC 6455, section 7.4).
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closed by the other end (%d %s)", e.Code, e.Reason)
}

// Close codes that we use.
const (
	CloseNormal    = websocket.CloseNormalClosure
	CloseGoingAway = websocket.CloseGoingAway
	CloseTooBig    = websocket.CloseMessageTooBig
	CloseMalformed = websocket.CloseInvalidFramePayloadData
	CloseRefused   = websocket.ClosePolicyViolation
	CloseTryLater  = websocket.CloseTryAgainLater
	CloseReplaced  = 4001 // a newer connection of the same kiosk took over
)

// Conn is one connection. Send and Close may be called from any goroutine,
// Receive from one.
type Conn struct {
	ws   *websocket.Conn
	send sync.Mutex
	once sync.Once
	stop chan struct{}

	keeps  bool      // KeepAlive runs. send guards it, and pinged
	pinged time.Time // when the last ping went out
	quiet  quiet
}

// pool shares write buffers between all connections, so that an idle one holds
// none.
var pool sync.Pool

// frames are what comes in is read into, for the time of one message. One that
// grew large is not kept.
var frames = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const frameKept = 4 << 10

// Upgrader is the agent's side of the handshake; one is enough for all.
type Upgrader struct{ up websocket.Upgrader }

// NewUpgrader returns an Upgrader.
func NewUpgrader() *Upgrader {
	return &Upgrader{websocket.Upgrader{
		HandshakeTimeout: HandshakeTime, WriteBufferSize: 1024,
		WriteBufferPool: &pool, Subprotocols: []string{wire.Subprotocol},
		CheckOrigin: func(r *http.Request) bool { return len(r.Header["Origin"]) == 0 },
	}}
}

// Accept turns a request into a connection, or answers it with an error and
// returns one. Requests with an Origin or a Cookie come from a browser and are
// refused. The handler should return soon after, so that the server frees what
// it holds for the request.
func (u *Upgrader) Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	if len(r.Header["Origin"]) > 0 || len(r.Header["Cookie"]) > 0 {
		http.Error(w, "this address is for kiosks only", http.StatusForbidden)
		return nil, ErrNotDevice
	}
	offered := false
	for _, p := range websocket.Subprotocols(r) {
		offered = offered || p == wire.Subprotocol
	}
	if websocket.IsWebSocketUpgrade(r) && !offered {
		http.Error(w, "ask for the subprotocol "+wire.Subprotocol, http.StatusBadRequest)
		return nil, ErrNotDevice
	}
	own := &hands{ResponseWriter: w}
	ws, err := u.up.Upgrade(own, r, nil)
	if err != nil {
		return nil, fmt.Errorf("accept a connection: %w", err)
	}
	c := newConn(ws)
	c.quiet = quietOf(ws.NetConn(), own.in)
	return c, nil
}

// Dial connects to the agent at base (https://host:port or, on loopback,
// http://host:port). tlsConfig may be nil for http. The dialer may be nil.
func Dial(ctx context.Context, base string, tlsConfig *tls.Config, dialer func(ctx context.Context, network, addr string) (net.Conn, error)) (*Conn, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	switch u.Scheme {
	case "https":
		u.Scheme = "wss"
	case "http":
		u.Scheme = "ws"
	default:
		return nil, fmt.Errorf("connect: the agent's address must begin with https:// (or http:// on this machine), not %q", u.Scheme)
	}
	u.Path = "/link"
	if dialer == nil {
		dialer = (&net.Dialer{}).DialContext
	}
	// TLS is ours to begin: gorilla takes the protocols in tlsConfig for the
	// cause of whatever error comes after.
	secure := func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := dialer(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		conf := tlsConfig.Clone()
		if conf.ServerName == "" {
			conf.ServerName = u.Hostname()
		}
		conn := tls.Client(raw, conf)
		if err := conn.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		return conn, nil
	}
	d := websocket.Dialer{HandshakeTimeout: HandshakeTime, NetDialTLSContext: secure, NetDialContext: dialer,
		ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &pool, Subprotocols: []string{wire.Subprotocol}}
	ws, answer, err := d.DialContext(ctx, u.String(), nil)
	if err != nil {
		if answer != nil {
			return nil, fmt.Errorf("connect: the agent answered %s: %w", answer.Status, err)
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	if ws.Subprotocol() != wire.Subprotocol {
		ws.Close()
		return nil, errors.New("connect: the other end does not speak " + wire.Subprotocol)
	}
	return newConn(ws), nil
}

func newConn(ws *websocket.Conn) *Conn {
	c := &Conn{ws: ws, stop: make(chan struct{})}
	ws.SetReadLimit(wire.LimitBefore)
	c.extend()
	ws.SetPongHandler(func(string) error { c.extend(); return nil })
	ws.SetPingHandler(func(data string) error {
		c.extend()
		err := ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(SendTime))
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil
		}
		return err
	})
	return c
}

func (c *Conn) extend() { c.ws.SetReadDeadline(time.Now().Add(Silence)) }

// Trust raises the limit of incoming frames from wire.LimitBefore to
// wire.LimitAfter: the other end has proved who it is. Call it from the
// goroutine that calls Receive.
func (c *Conn) Trust() { c.ws.SetReadLimit(wire.LimitAfter) }

// Receive waits for the next message. It returns an error wrapping
// wire.ErrMalformed for a frame that is none (after telling the other end), a
// *CloseError when the other end closed, and another error when the line is
// dead.
func (c *Conn) Receive() (wire.Message, error) {
	kind, body, err := c.ws.NextReader()
	frame := frames.Get().(*bytes.Buffer) // an idle connection holds none
	defer func() {
		frame.Reset()
		if frame.Cap() <= frameKept {
			frames.Put(frame)
		}
	}()
	if err == nil {
		_, err = frame.ReadFrom(body)
	}
	if err != nil {
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return nil, &CloseError{closed.Code, closed.Text}
		case errors.Is(err, websocket.ErrReadLimit):
			c.Close(CloseTooBig, "frame too big")
			return nil, fmt.Errorf("%w: frame too big", wire.ErrMalformed)
		}
		return nil, fmt.Errorf("receive: %w", err)
	}
	c.extend()
	c.look()
	if kind != websocket.TextMessage {
		c.Close(CloseMalformed, "text only")
		return nil, fmt.Errorf("%w: not a text frame", wire.ErrMalformed)
	}
	m, err := wire.Decode(frame.Bytes()) // it keeps nothing of the frame
	if err != nil {
		c.Close(CloseMalformed, "malformed")
		return nil, err
	}
	return m, nil
}

// Send writes one message, or gives up after SendTime.
func (c *Conn) Send(m wire.Message) error {
	frame, err := wire.Encode(m)
	if err != nil {
		return err
	}
	c.send.Lock()
	defer c.send.Unlock()
	if c.keeps && time.Since(c.pinged) >= PingEvery/2 {
		if err := c.ping(); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	c.ws.SetWriteDeadline(time.Now().Add(SendTime))
	if err := c.ws.WriteMessage(websocket.TextMessage, frame); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// KeepAlive pings every PingEvery until the connection closes, so that silence
// on both sides still proves that the other end is there. The kiosk's end runs
// it; its pings keep the agent's end alive as well. Most go with a report, in
// front of it: then the agent wakes once for both.
func (c *Conn) KeepAlive() {
	const late = PingEvery + 500*time.Millisecond // reports are as often as pings, and a little late
	c.send.Lock()
	c.keeps, c.pinged = true, time.Now()
	c.send.Unlock()
	wait := time.NewTimer(late)
	defer wait.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-wait.C:
		}
		c.send.Lock()
		left := late - time.Since(c.pinged)
		var err error
		if left <= 0 {
			left, err = late, c.ping()
		}
		c.send.Unlock()
		if err != nil {
			return
		}
		wait.Reset(left)
	}
}

// ping asks the other end for a sign of life. The caller holds send.
func (c *Conn) ping() error {
	c.pinged = time.Now()
	return c.ws.WriteControl(websocket.PingMessage, nil, c.pinged.Add(SendTime))
}

// Close says goodbye with a code and closes; later calls do nothing.
func (c *Conn) Close(code int, reason string) {
	c.once.Do(func() {
		close(c.stop)
		c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
		c.ws.Close()
	})
}

// Remote is the other end's address.
func (c *Conn) Remote() string { return c.ws.RemoteAddr().String() }
