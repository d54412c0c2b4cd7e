// Package crowd waits for thousands of connections that are silent nearly all
// the time.
//
// It is for the agent's side of kiosks' connections. The runtime's own way wakes
// the whole scheduler for every packet of every connection, which costs more
// than what the packet says, and keeps a goroutine with its stack for each. A
// crowd looks at all its connections together, at most once in Rest, and holds
// nothing for one that is silent but a few words. It never reads ahead, never
// decides what a byte means, and keeps nothing of what came.
//
// Caveats: a connection is the runtime's own until somebody awaits something of
// it, so strangers and browsers are served as ever. What comes to a crowd is
// taken in up to Rest later; a deadline that passes while nobody reads is noticed
// up to Beat later. It speaks to Linux alone (epoll(7)).
package crowd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Rest is how long a crowd is left alone after it was looked at, and Beat how
// often its deadlines are.
const (
	Rest = 50 * time.Millisecond
	Beat = time.Second
)

// once is what a watched socket waits with: each event is told one time, and a
// line that is cut counts as something to read.
const once = unix.EPOLLONESHOT | unix.EPOLLRDHUP

// Crowd is what waits. Its methods may be called from any goroutine.
type Crowd struct {
	began time.Time
	crew  *crew

	mu    sync.Mutex
	poll  int    // an epoll; -1 once it is closed
	wake  int    // an eventfd that ends a wait for the epoll
	slots []slot // by file descriptor, which are small numbers
}

// slot is where a member is. It holds all that is looked at of one that is silent.
type slot struct {
	m  *member // nil: nobody
	by int64   // until when something is awaited; 0: for ever, or nothing is
}

// New returns a crowd without anybody.
func New() (*Crowd, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("wait for connections: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	c := &Crowd{poll: poll, wake: wake, crew: newCrew(), began: time.Now()}
	if err == nil {
		err = unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)})
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("wait for connections: %w", err)
	}
	return c, nil
}

// Run looks after the crowd until the context ends; call it once. After that
// connections can be closed, and nothing else comes of them.
func (c *Crowd) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, c.rouse)()
	var heeds sync.WaitGroup
	defer heeds.Wait()
	heeds.Go(func() { c.heed(ctx) })
	defer c.crew.end()
	rest := time.NewTicker(Rest)
	defer rest.Stop()
	var events [512]unix.EpollEvent
	for wait := -1; ; {
		// To wait keeps a thread. The runtime's own poller, which would not, is
		// woken by every packet even while nobody asks it.
		n, err := unix.EpollWait(c.poll, events[:], wait)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for connections: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if m := c.member(int(e.Fd)); m != nil {
				m.happened(e.Events)
			}
		}
		<-rest.C
		if wait = -1; c.crew.look() || n > 0 {
			wait = 0 // where something was, more is soon
		}
	}
}

// rouse ends the wait of Run.
func (c *Crowd) rouse() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll < 0 {
		return // the number may be another's by now
	}
	unix.Write(c.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// heed tells whom a deadline passed while nobody read.
func (c *Crowd) heed(ctx context.Context) {
	beat := time.NewTicker(Beat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		for _, m := range c.past() {
			m.late()
		}
	}
}

// Close gives up what waits, after Run. Connections are closed one by one, by
// whoever has them.
func (c *Crowd) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll < 0 {
		return nil
	}
	err := errors.Join(unix.Close(c.poll), unix.Close(c.wake))
	c.poll = -1
	return err
}

func (c *Crowd) member(fd int) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fd < len(c.slots) {
		return c.slots[fd].m
	}
	return nil
}

// past returns who waited long enough, each once.
func (c *Crowd) past() (past []*member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := int64(c.now())
	for i := range c.slots {
		if s := &c.slots[i]; s.by != 0 && s.by <= now {
			s.by, past = 0, append(past, s.m)
		}
	}
	return past
}

// enter takes a socket in, and watches nothing of it yet.
func (c *Crowd) enter(m *member) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ctl(unix.EPOLL_CTL_ADD, m.fd, 0); err != nil {
		return err
	}
	for m.fd >= len(c.slots) {
		c.slots = append(c.slots, slot{})
	}
	c.slots[m.fd] = slot{m: m}
	return nil
}

// watch changes what is waited for of a socket, and until when.
func (c *Crowd) watch(fd int, events uint32, by int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots[fd].by = by
	return c.ctl(unix.EPOLL_CTL_MOD, fd, events)
}

func (c *Crowd) ctl(op, fd int, events uint32) error {
	if c.poll < 0 {
		return net.ErrClosed
	}
	return unix.EpollCtl(c.poll, op, fd, &unix.EpollEvent{Events: events | once, Fd: int32(fd)})
}

// leave is called before the descriptor is closed: after that, another may have
// its number.
func (c *Crowd) leave(fd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots[fd] = slot{}
}

// now is the time since the crowd began, which no setting of a clock changes.
func (c *Crowd) now() time.Duration { return time.Since(c.began) }

// Listen returns l with connections that can join the crowd.
func (c *Crowd) Listen(l net.Listener) net.Listener { return listener{l, c} }

type listener struct {
	net.Listener
	crowd *Crowd
}

// Accept returns the next connection, a *Conn where that is a socket.
func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if t, ok := conn.(*net.TCPConn); ok && err == nil {
		return newConn(l.crowd, t), nil
	}
	return conn, err
}
