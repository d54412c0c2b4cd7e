package crowd

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// member is a socket in the crowd. Its lock is held for system calls that do not
// wait, and for nothing that does.
type member struct {
	conn    *Conn
	writing sync.Mutex // one Write after the other, each whole

	mu      sync.Mutex
	fd      int           // -1 once it is closed
	watched uint32        // what it waits for
	ready   func()        // to be called when there is something to read
	in, out chan struct{} // closed for those who wait within Read and Write; nil: nobody does
}

func (m *member) await(ready func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fd < 0 {
		return net.ErrClosed
	}
	m.ready = ready
	return m.watch(unix.EPOLLIN)
}

// watch waits for one more kind of event. The caller holds the lock.
func (m *member) watch(event uint32) error {
	m.watched |= event
	by := int64(0)
	if m.ready != nil {
		by = m.conn.readBy.Load()
	}
	return m.conn.crowd.watch(m.fd, m.watched, by)
}

// happened passes on what the kernel told. An error is for both, to be found.
func (m *member) happened(events uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if events&^unix.EPOLLOUT != 0 && m.watched&unix.EPOLLIN != 0 {
		m.tellReader()
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 && m.watched&unix.EPOLLOUT != 0 {
		m.tellWriter()
	}
	if m.watched != 0 && m.fd >= 0 {
		m.watch(0) // it was told once
	}
}

func (m *member) tellReader() {
	m.watched &^= unix.EPOLLIN
	if m.in != nil {
		close(m.in)
		m.in = nil
	}
	if m.ready != nil {
		m.conn.crowd.crew.add(m.ready)
		m.ready = nil
	}
}

func (m *member) tellWriter() {
	m.watched &^= unix.EPOLLOUT
	if m.out != nil {
		close(m.out)
		m.out = nil
	}
}

// late tells who awaits something that the time for it is over.
func (m *member) late() {
	if !past(&m.conn.readBy, m.conn.crowd) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ready != nil {
		m.tellReader()
	}
}

// hurry lets who reads, or who writes, look at their deadline anew.
func (m *member) hurry(reads bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.fd < 0:
		return net.ErrClosed
	case !reads && m.out != nil:
		m.tellWriter()
	case reads && m.in != nil:
		m.tellReader()
	case reads && m.ready != nil:
		return m.watch(0)
	}
	return nil
}

func (m *member) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fd < 0 {
		return net.ErrClosed
	}
	m.conn.crowd.leave(m.fd)
	err := unix.Close(m.fd)
	m.fd = -1
	m.tellReader()
	m.tellWriter()
	return err
}

func (m *member) read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, wait, err := m.try(unix.Read, b, unix.EPOLLIN, &m.in, &m.conn.readBy)
		switch {
		case err != nil:
			return 0, m.told("read", err)
		case wait != nil:
			m.wait(wait, &m.conn.readBy)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (m *member) write(b []byte) (n int, err error) {
	m.writing.Lock()
	defer m.writing.Unlock()
	for n < len(b) {
		some, wait, err := m.try(unix.Write, b[n:], unix.EPOLLOUT, &m.out, &m.conn.writeBy)
		if err != nil {
			return n, m.told("write", err)
		}
		if wait != nil {
			m.wait(wait, &m.conn.writeBy)
		}
		n += some
	}
	return n, nil
}

// try makes a system call. Where that would wait, it returns what is closed when
// it is time to try again.
func (m *member) try(call func(int, []byte) (int, error), b []byte, event uint32, waits *chan struct{}, by *atomic.Int64) (n int, wait <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		if m.fd < 0 {
			return 0, nil, net.ErrClosed
		}
		if past(by, m.conn.crowd) {
			return 0, nil, os.ErrDeadlineExceeded
		}
		switch n, err := call(m.fd, b); err {
		case unix.EINTR:
		case unix.EAGAIN:
			if err := m.watch(event); err != nil {
				return 0, nil, err
			}
			if *waits == nil {
				*waits = make(chan struct{})
			}
			return 0, *waits, nil
		default:
			return max(n, 0), nil, err
		}
	}
}

// wait waits for the channel, or the deadline.
func (m *member) wait(wait <-chan struct{}, by *atomic.Int64) {
	defer m.conn.crowd.crew.hold()()
	var end <-chan time.Time
	if at := by.Load(); at != 0 {
		left := time.NewTimer(time.Duration(at) - m.conn.crowd.now())
		defer left.Stop()
		end = left.C
	}
	select {
	case <-wait:
	case <-end:
	}
}

func (m *member) told(what string, err error) error {
	if _, ok := err.(unix.Errno); ok {
		err = os.NewSyscallError(what, err)
	}
	return &net.OpError{Op: what, Net: "tcp", Source: m.conn.local, Addr: m.conn.remote, Err: err}
}

func past(by *atomic.Int64, c *Crowd) bool {
	at := by.Load()
	return at != 0 && int64(c.now()) >= at
}
