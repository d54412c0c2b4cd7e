package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// serve takes connections until the listener ends. One too many is closed at
// once: the browser tries again.
func (d *door) serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("serve the session: %w", err)
		}
		if err != nil { // of one connection, or no handle is left for it
			if wait(ctx, 50*time.Millisecond) != nil {
				return ctx.Err()
			}
			continue
		}
		select {
		case d.slots <- struct{}{}:
			go func() {
				defer func() { <-d.slots }()
				defer c.Close()
				d.one(ctx, c)
			}()
		default:
			c.Close()
		}
	}
}

func wait(ctx context.Context, t time.Duration) error {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// one serves one connection of the browser.
func (d *door) one(ctx context.Context, c net.Conn) {
	c.SetDeadline(time.Now().Add(greetTime))
	if greet(c) != nil {
		return
	}
	host, port, err := request(c)
	c.SetDeadline(time.Time{})
	var out net.Conn
	if err == nil {
		out, err = d.dial(ctx, host, port)
	}
	if err != nil {
		c.SetDeadline(time.Now().Add(greetTime))
		answer(c, codeOf(err))
		return
	}
	defer out.Close()
	if answer(c, done) != nil {
		return
	}
	idle := d.idle
	if out.RemoteAddr().String() == d.open.Home.String() {
		idle = 0 // our waiting page waits for a client, all night if need be
	}
	relay(c, out, idle)
}

// relay carries bytes both ways until both ends have said all, one fails, or
// nothing has come from either for the idle time; 0 is for ever.
func relay(a, b net.Conn, idle time.Duration) {
	var last atomic.Int64 // when a byte came, from either
	last.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			if carry(way[1], way[0], idle, &last) != nil {
				a.Close()
				b.Close()
				return
			}
			if half, ok := way[1].(interface{ CloseWrite() error }); ok {
				half.CloseWrite()
			}
		})
	}
	both.Wait()
}

// carry copies until the end of from.
func carry(to, from net.Conn, idle time.Duration, last *atomic.Int64) error {
	buf := make([]byte, 32<<10)
	for {
		if idle > 0 {
			from.SetReadDeadline(time.Unix(0, last.Load()).Add(idle))
		}
		n, err := from.Read(buf)
		if n > 0 {
			last.Store(time.Now().UnixNano())
			if idle > 0 { // a reader that has stopped reading is idle too
				to.SetWriteDeadline(time.Now().Add(idle))
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, last.Load())) < idle:
			// the other way was busy meanwhile
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
