package link

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// readBuffer is what one connection reads into: its own, so small.
const readBuffer = 1024

// hands is a ResponseWriter that hands the connection over with a buffer of
// ours, so that we can see what is left in it.
type hands struct {
	http.ResponseWriter
	in *bufio.Reader
}

// Hijack implements http.Hijacker.
func (h *hands) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, had, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil || had.Reader.Buffered() > 0 { // too early: the upgrader refuses it
		return conn, had, err
	}
	h.in = bufio.NewReaderSize(conn, readBuffer)
	return conn, bufio.NewReadWriter(h.in, had.Writer), nil
}

// socket is a connection that can be awaited without a goroutine: agent/crowd's.
type socket interface{ Await(ready func()) error }

// quiet is what awaiting needs to know.
type quiet struct {
	socket socket // nil: a goroutine waits
	in     *bufio.Reader
	tls    bool
	more   bool // something is there already, above the socket
}

// quietOf returns how to await conn, which is read through in.
func quietOf(conn net.Conn, in *bufio.Reader) (q quiet) {
	q.in = in
	for conn != nil && in != nil {
		if s, ok := conn.(socket); ok {
			q.socket = s
			return q
		}
		_, secure := conn.(*tls.Conn)
		q.tls = q.tls || secure
		wrapped, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return q
		}
		conn = wrapped.NetConn()
	}
	return q
}

// Await calls ready once, from another goroutine, as soon as there is
// something to receive, or an error; it may be too early. Whoever awaits
// receives nothing until then. Where the connection came through a crowd, a
// silent one holds neither a goroutine nor its stack.
func (c *Conn) Await(ready func()) {
	q := &c.quiet
	if q.more || q.socket == nil || q.socket.Await(ready) != nil { // an error is Receive's to find
		go ready()
	}
}

// look notes whether more came with what was just received: bytes that TLS or
// the buffer already took from the socket, for which nobody must wait there.
func (c *Conn) look() {
	q := &c.quiet
	if q.socket == nil {
		return
	}
	if q.more = q.in.Buffered() > 0; q.more || !q.tls {
		return
	}
	c.ws.SetReadDeadline(time.Unix(1, 0)) // what is not here yet is not waited for
	_, err := q.in.Peek(1)
	c.extend()
	var wait net.Error
	q.more = !errors.As(err, &wait) || !wait.Timeout()
}
