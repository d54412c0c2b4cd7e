package crowd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// started returns a crowd that runs until the test ends.
func started(t testing.TB) *Crowd {
	c := must(New())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the crowd does not end")
		}
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// pair returns both ends of a connection, the first through the crowd.
func pair(t testing.TB, c *Crowd) (*Conn, *net.TCPConn) {
	t.Helper()
	raw := must(net.Listen("tcp", "127.0.0.1:0"))
	defer raw.Close()
	l := c.Listen(raw)
	there := must(net.Dial("tcp", l.Addr().String()))
	here := must(l.Accept()).(*Conn)
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there.(*net.TCPConn)
}

// awaits returns a channel that gets one value for each time c was ready.
func awaits(t testing.TB, c *Conn) (<-chan bool, func()) {
	came := make(chan bool, 8)
	again := func() {
		if err := c.Await(func() { came <- true }); err != nil {
			t.Errorf("await: %v", err)
		}
	}
	again()
	return came, again
}

func within(t testing.TB, what string, came <-chan bool) {
	t.Helper()
	select {
	case <-came:
	case <-time.After(10 * time.Second):
		t.Fatal(what + " was not noticed")
	}
}

func never(t testing.TB, what string, came <-chan bool) {
	t.Helper()
	select {
	case <-came:
		t.Fatal(what)
	case <-time.After(10 * Rest):
	}
}

// join makes a connection a member with nothing awaited.
func join(t testing.TB, c *Conn, other net.Conn) {
	t.Helper()
	came, _ := awaits(t, c)
	must(other.Write([]byte{1}))
	within(t, "a byte", came)
	must(io.ReadFull(c, make([]byte, 1)))
}

// TestConn holds a member to what net.Conn promises.
func TestConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		c := must(New())
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		raw := must(net.Listen("tcp", "127.0.0.1:0"))
		l := c.Listen(raw)
		second := make(chan net.Conn, 1)
		go func() { second <- must(net.Dial("tcp", l.Addr().String())) }()
		one := must(l.Accept()).(*Conn)
		two := <-second
		join(t, one, two)
		return one, two, func() {
			one.Close()
			two.Close()
			l.Close()
			stop()
			if err := errors.Join(<-ended, c.Close()); err != nil {
				t.Error(err)
			}
		}, nil
	})
}

// TestAwait brings bytes, an end and a cut, and asks again with something there.
func TestAwait(t *testing.T) {
	c := started(t)
	here, there := pair(t, c)
	came, again := awaits(t, here)
	never(t, "nothing came, and it was ready", came)
	must(there.Write([]byte("ab")))
	within(t, "two bytes", came)
	b := make([]byte, 1)
	must(here.Read(b))
	never(t, "it was told twice", came)
	again() // the other is there still
	within(t, "the second byte", came)
	must(here.Read(b))
	again()
	never(t, "nothing is there", came)
	there.CloseWrite()
	within(t, "the end", came)
	if _, err := here.Read(b); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}

	here, there = pair(t, c)
	came, _ = awaits(t, here)
	there.SetLinger(0)
	there.Close()
	within(t, "the cut", came)
	if _, err := here.Read(b); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("after the cut: %v", err)
	}
}

// TestStrangersAreTheRuntimes: what never awaits anything is served without the
// crowd, even by one that does not run.
func TestStrangersAreTheRuntimes(t *testing.T) {
	c := must(New())
	defer c.Close()
	here, there := pair(t, c)
	must(there.Write([]byte("x")))
	b := make([]byte, 1)
	must(here.Read(b))
	here.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := here.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	must(here.Write(b))
	must(there.Read(b))
	if here.RemoteAddr().String() != there.LocalAddr().String() || here.LocalAddr().String() != there.RemoteAddr().String() {
		t.Error("the addresses are others")
	}
	if err := here.Close(); err != nil {
		t.Error(err)
	}
	if err := here.Await(func() { t.Error("ready") }); err == nil {
		t.Error("a closed connection joins")
	}
}

// TestDeadlines: who awaits is told of a deadline, also of one that was set
// before it joined, or is set while it waits.
func TestDeadlines(t *testing.T) {
	c := started(t)
	for name, set := range map[string]func(*Conn) (<-chan bool, func()){
		"before it joined": func(here *Conn) (<-chan bool, func()) {
			here.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			return awaits(t, here)
		},
		"while it waits": func(here *Conn) (<-chan bool, func()) {
			came, again := awaits(t, here)
			here.SetDeadline(time.Now().Add(20 * time.Millisecond))
			return came, again
		},
		"past already": func(here *Conn) (<-chan bool, func()) {
			here.SetReadDeadline(time.Unix(1, 0))
			return awaits(t, here)
		},
	} {
		here, there := pair(t, c)
		came, again := set(here)
		within(t, name, came)
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		here.SetDeadline(time.Time{}) // and is as good as new after
		again()
		must(there.Write([]byte("x")))
		within(t, name+", a byte after", came)
		must(here.Read(make([]byte, 1)))
		must(here.Write([]byte("y")))
	}
	here, _ := pair(t, c)
	here.SetReadDeadline(time.Now().Add(time.Hour))
	came, _ := awaits(t, here)
	select {
	case <-came:
		t.Error("told an hour too early")
	case <-time.After(2 * Beat):
	}
}

// TestClose: who awaits, reads or writes is told, whoever closes.
func TestClose(t *testing.T) {
	c := started(t)
	here, there := pair(t, c)
	came, _ := awaits(t, here)
	if err := here.Close(); err != nil {
		t.Error(err)
	}
	within(t, "the closing", came)
	if err := here.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := here.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := here.Await(func() { t.Error("ready") }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("await: %v", err)
	}
	if _, err := there.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the other end: %v", err)
	}
	for what, do := range map[string]func(*Conn) error{
		"read":  func(here *Conn) error { _, err := here.Read(make([]byte, 1)); return err },
		"write": func(here *Conn) error { _, err := here.Write(make([]byte, 64<<20)); return err },
	} {
		here, there := pair(t, c)
		join(t, here, there)
		ended := make(chan error, 1)
		go func() { ended <- do(here) }()
		time.AfterFunc(5*Rest, func() { here.Close() })
		select {
		case err := <-ended:
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s goes on after the closing", what)
		}
	}
}

// TestJoiningLosesNothing has others write, and one close, while connections join.
func TestJoiningLosesNothing(t *testing.T) {
	c := started(t)
	var all sync.WaitGroup
	for range 50 {
		here, there := pair(t, c)
		const writers, each = 4, 50
		for range writers {
			all.Go(func() {
				for range each {
					must(here.Write([]byte("x")))
				}
			})
		}
		all.Go(func() { here.Await(func() {}) })
		if n := len(must(io.ReadAll(io.LimitReader(there, writers*each)))); n != writers*each {
			t.Errorf("%d of %d bytes came", n, writers*each)
		}
		other, _ := pair(t, c)
		all.Go(func() { other.Await(func() {}) })
		all.Go(func() { other.Close() })
	}
	all.Wait()
	if n := members(c); n > 50 {
		t.Errorf("%d are members, of 50", n)
	}
}

func members(c *Crowd) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.slots {
		if s.m != nil {
			n++
		}
	}
	return n
}

// TestWritesAreWhole: of two that write more at once than the line takes, one
// comes after the other.
func TestWritesAreWhole(t *testing.T) {
	here, there := pair(t, started(t))
	join(t, here, there)
	const size = 16 << 20
	var both sync.WaitGroup
	for _, letter := range []byte("ab") {
		both.Go(func() { must(here.Write(bytes.Repeat([]byte{letter}, size))) })
	}
	got := make([]byte, 2*size)
	must(io.ReadFull(there, got))
	both.Wait()
	if first := got[:1]; !bytes.Equal(got[:size], bytes.Repeat(first, size)) {
		t.Errorf("the first of them was cut in two after %d bytes", len(got)-len(bytes.TrimLeft(got, string(first))))
	}
}

// TestNoneIsLeft counts the files that are open before and after.
func TestNoneIsLeft(t *testing.T) {
	open := func() int { return len(must(os.ReadDir("/proc/self/fd"))) }
	before := open()
	t.Run("", func(t *testing.T) {
		c := started(t)
		for range 20 {
			here, there := pair(t, c)
			join(t, here, there)
		}
	})
	if after := open(); after != before {
		t.Errorf("%d files are open, %d were", after, before)
	}
}

// TestStuck: one that does not come back keeps nobody else waiting, nor do ten.
func TestStuck(t *testing.T) {
	c := started(t)
	hold := make(chan struct{})
	defer close(hold)
	begun := make(chan bool, 10)
	for range 10 {
		here, there := pair(t, c)
		here.Await(func() { begun <- true; <-hold })
		must(there.Write([]byte("x")))
	}
	here, there := pair(t, c)
	came, _ := awaits(t, here)
	must(there.Write([]byte("x")))
	within(t, "one behind ten that wait", came)
	for n := range 10 {
		within(t, "number "+strconv.Itoa(n+1)+" of ten", begun)
	}
}

// TestHalfMessages: a hundred that sent half of something, and nobody else, wait
// for the rest of it.
func TestHalfMessages(t *testing.T) {
	c := started(t)
	const many = 100
	begun, whole := make(chan bool, many), make(chan bool, many)
	var others []net.Conn
	for range many {
		here, there := pair(t, c)
		here.Await(func() {
			begun <- true
			io.ReadFull(here, make([]byte, 2))
			whole <- true
		})
		others = append(others, there)
	}
	here, there := pair(t, c)
	came, _ := awaits(t, here)
	from := time.Now()
	for _, other := range append(others, there) {
		must(other.Write([]byte("x")))
	}
	within(t, "one among a hundred that wait", came)
	if took := time.Since(from); took > many*Rest/2 {
		t.Errorf("it took %v", took)
	}
	for n := range many {
		within(t, "the beginning of number "+strconv.Itoa(n+1), begun)
	}
	if took := time.Since(from); took > many*Rest/2 {
		t.Errorf("all took %v", took)
	}
	for _, other := range others {
		must(other.Write([]byte("y")))
	}
	for n := range many {
		within(t, "the rest of number "+strconv.Itoa(n+1), whole)
	}
}

// TestAfterTheEnd: when nobody runs the crowd any more, closing is told still.
func TestAfterTheEnd(t *testing.T) {
	c := must(New())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	here, _ := pair(t, c)
	came, _ := awaits(t, here)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	here.Close()
	within(t, "the closing", came)
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	late, _ := pair(t, c)
	if err := late.Await(func() {}); err == nil || !strings.Contains(err.Error(), "join the crowd") {
		t.Errorf("joins what is closed: %v", err)
	}
}
