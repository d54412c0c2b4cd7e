package crowd

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection that joins the crowd at the first Await. Any number may
// write at once, as with other connections.
type Conn struct {
	crowd         *Crowd
	local, remote net.Addr

	joining sync.RWMutex // held for reading by who writes before it joined
	before  atomic.Pointer[net.TCPConn]
	joined  atomic.Pointer[member] // nil until then
	closed  atomic.Bool

	readBy, writeBy atomic.Int64 // in nanoseconds of the crowd's time; 0: never
}

func newConn(c *Crowd, t *net.TCPConn) *Conn {
	conn := &Conn{crowd: c, local: t.LocalAddr(), remote: t.RemoteAddr()}
	conn.before.Store(t)
	return conn
}

// Await calls ready once, from another goroutine, as soon as a read would not
// wait: something came, or an error. It may be too early, and ready may wait for
// a line as long as it has to. Whoever awaits reads
// nothing, and awaits nothing more, until ready was called.
func (c *Conn) Await(ready func()) error {
	m := c.joined.Load()
	if m == nil {
		var err error
		if m, err = c.join(); err != nil {
			return err
		}
	}
	return m.await(ready)
}

// join takes the socket from the runtime.
func (c *Conn) join() (*member, error) {
	c.joining.Lock()
	defer c.joining.Unlock()
	t := c.before.Load()
	raw, err := t.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("join the crowd: %w", err)
	}
	fd, bad := -1, error(nil)
	err = raw.Control(func(was uintptr) { fd, bad = unix.FcntlInt(was, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("join the crowd: %w", err)
	}
	m := &member{conn: c, fd: fd}
	if err := c.crowd.enter(m); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("join the crowd: %w", err)
	}
	c.joined.Store(m)
	c.before.Store(nil)
	t.Close() // the other descriptor keeps the line open
	if c.closed.Load() {
		m.close()
	}
	return m, nil
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	if m := c.joined.Load(); m != nil {
		return m.read(b)
	}
	return c.before.Load().Read(b) // nobody joins while somebody reads
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	if m := c.joined.Load(); m != nil {
		return m.write(b)
	}
	c.joining.RLock()
	if t := c.before.Load(); t != nil {
		defer c.joining.RUnlock()
		return t.Write(b)
	}
	c.joining.RUnlock()
	return c.joined.Load().write(b)
}

// Close implements net.Conn. Who waits is told; later calls return an error.
func (c *Conn) Close() error {
	c.closed.Store(true)
	t, m := c.before.Load(), c.joined.Load() // in this order: one of them is there
	if m != nil {
		return m.close()
	}
	return t.Close()
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.until(true, &c.readBy, t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.until(false, &c.writeBy, t) }

func (c *Conn) until(reads bool, by *atomic.Int64, t time.Time) error {
	at := int64(0)
	if !t.IsZero() {
		at = max(1, int64(t.Sub(c.crowd.began))) // what was before the crowd is past
	}
	by.Store(at)
	old, m := c.before.Load(), c.joined.Load() // in this order: one of them is there
	switch {
	case m != nil:
		return m.hurry(reads)
	case reads:
		return old.SetReadDeadline(t)
	}
	return old.SetWriteDeadline(t)
}
