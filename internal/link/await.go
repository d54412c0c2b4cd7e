package link

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// readBuffer is what one connection reads into: its own, so small.
const readBuffer = 512

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

// quiet is how a connection waits without the stack that reading takes:
// through TLS that is a dozen calls deep, and thousands of kiosks say nothing
// nearly all the time.
type quiet struct {
	raw  syscall.RawConn // nil: there is no socket to wait for
	in   *bufio.Reader
	tls  bool
	more bool // something is there already, above the socket
}

// quietOf returns how to wait for conn, which is read through in.
func quietOf(conn net.Conn, in *bufio.Reader) (q quiet) {
	if t, ok := conn.(*tls.Conn); ok {
		conn, q.tls = t.NetConn(), true
	}
	if s, ok := conn.(syscall.Conn); ok && in != nil {
		if raw, err := s.SyscallConn(); err == nil {
			q.raw, q.in = raw, in
		}
	}
	return q
}

// Await waits until there is something to receive, or an error, and takes
// nothing in. It is for the goroutine that calls Receive next, and uses little
// stack. It may return too early.
func (c *Conn) Await() {
	if c.quiet.raw != nil && !c.quiet.more {
		c.quiet.raw.Read(readable) // an error is Receive's to find
	}
}

// readable reports whether a read of the socket would not wait: the poller
// tells only of what comes after it was asked.
func readable(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err != syscall.EAGAIN
}

// look notes whether more came with what was just received: bytes that TLS or
// the buffer already took from the socket, for which nobody must wait there.
func (c *Conn) look() {
	q := &c.quiet
	if q.raw == nil {
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
