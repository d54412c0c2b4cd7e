package door

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// names answers for every name with the addresses of answer, as a name server.
func names(answer func(name string) []netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serveName(theirs, answer)
		return ours, nil
	}}
}

func serveName(c net.Conn, answer func(name string) []netip.Addr) {
	defer c.Close()
	var size [2]byte
	for {
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b) != nil {
			return
		}
		m.Response, m.Additionals = true, nil
		q := m.Questions[0]
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		for _, a := range answer(q.Name.String()) {
			switch {
			case q.Type == dnsmessage.TypeA && a.Is4():
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
			case q.Type == dnsmessage.TypeAAAA && a.Is6():
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}

// service is a server on this machine that counts who reaches it.
type service struct {
	net.Listener
	reached atomic.Int64
}

func newService(t *testing.T, address string) *service {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &service{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.reached.Add(1)
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return s
}

func (s *service) at() netip.AddrPort { return netip.MustParseAddrPort(s.Addr().String()) }

// stage is a door that serves on this machine.
func stage(t *testing.T, o Open, answer func(name string) []netip.Addr) string {
	t.Helper()
	d := newDoor(o)
	if answer != nil {
		d.resolver = names(answer)
	}
	return serving(t, d)
}

func serving(t *testing.T, d *door) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go d.serve(t.Context(), l)
	return l.Addr().String()
}

// ask asks the door for a connection.
func ask(t *testing.T, door, host string, port uint16) (net.Conn, byte) {
	t.Helper()
	c, err := net.Dial("tcp", door)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.Write([]byte{version, 1, noAuth})
	fmt.Fprintf(c, "\x05\x01\x00\x03%c%s", len(host), host)
	binary.Write(c, binary.BigEndian, port)
	b := make([]byte, 2+10)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("%s: the door says %x, %v", host, b, err)
	}
	return c, b[3]
}

func TestDoorOpensWhatItShould(t *testing.T) {
	home, reach := newService(t, "127.0.0.1:0"), newService(t, "127.0.0.1:0")
	answer := func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} }
	door := stage(t, Open{Home: home.at(), Reach: []netip.AddrPort{reach.at()}}, answer)
	for _, c := range []struct {
		host string
		port uint16
	}{{"127.0.0.1", home.at().Port()}, {"127.0.0.1", reach.at().Port()}, {"localhost", reach.at().Port()},
		{"pankki.localhost", reach.at().Port()}, {"pankki.example", reach.at().Port()}} {
		conn, code := ask(t, door, c.host, c.port)
		if code != done {
			t.Errorf("%s:%d: code %d", c.host, c.port, code)
			continue
		}
		fmt.Fprintln(conn, "moi")
		conn.(*net.TCPConn).CloseWrite()
		if text, err := io.ReadAll(conn); string(text) != "moi\n" {
			t.Errorf("%s: %q, %v", c.host, text, err)
		}
	}
}

// Nothing on this machine or in its networks is reached, whatever it is called.
func TestDoorIsClosed(t *testing.T) {
	home, other := newService(t, "127.0.0.1:0"), newService(t, "127.0.0.1:0")
	six := newService(t, "[::1]:0")
	answer := func(name string) []netip.Addr {
		switch name {
		case "here.example.":
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}
		case "mapped.example.":
			return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1")}
		case "house.example.":
			return []netip.Addr{netip.MustParseAddr("192.168.1.1")}
		}
		return nil
	}
	door := stage(t, Open{Home: home.at()}, answer)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var mine []string
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			mine = append(mine, p.Addr().String())
		}
	}
	port := other.at().Port()
	for _, host := range append(mine, "127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "localhost", "a.localhost", "localhost.",
		"here.example", "mapped.example", "house.example", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "nothing.example",
		"64:ff9b::7f00:1", "2002:7f00:1::", "169.254.169.254", "10.0.0.1", "255.255.255.255") {
		if _, code := ask(t, door, host, port); code == done {
			t.Errorf("%s is let through", host)
		}
	}
	// Our page has one address and no name.
	for _, host := range []string{"localhost", "a.localhost", "here.example", "::ffff:127.0.0.1"} {
		if _, code := ask(t, door, host, home.at().Port()); code == done {
			t.Errorf("our page is reached as %s", host)
		}
	}
	if _, code := ask(t, door, "::1", six.at().Port()); code == done {
		t.Error("::1 is let through")
	}
	for name, s := range map[string]*service{"home": home, "other": other, "six": six} {
		if n := s.reached.Load(); n != 0 {
			t.Errorf("%s was reached %d times", name, n)
		}
	}
}

// A name that is public at one moment and this machine's at the next: it is
// asked for anew each time, and what is judged is what is connected to.
func TestDoorRebinding(t *testing.T) {
	public, other := newService(t, "127.0.0.2:0"), newService(t, "127.0.0.1:0")
	now := netip.MustParseAddr("127.0.0.2")
	d := newDoor(Open{Home: netip.MustParseAddrPort("127.0.0.1:1")})
	d.resolver = names(func(string) []netip.Addr { return []netip.Addr{now} })
	// For this test 127.0.0.2 is out in the internet.
	d.wall.v4 = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	d.local = func() ([]netip.Prefix, error) { return nil, nil }
	at := serving(t, d)
	if _, code := ask(t, at, "rebind.example", public.at().Port()); code != done {
		t.Fatalf("while the name is public: code %d", code)
	}
	now = netip.MustParseAddr("127.0.0.1")
	if _, code := ask(t, at, "rebind.example", other.at().Port()); code != notAllowed {
		t.Errorf("when it is this machine's: code %d", code)
	}
	if n := other.reached.Load(); n != 0 {
		t.Errorf("this machine was reached %d times", n)
	}
}

func TestDoorBoundsConnections(t *testing.T) {
	home := newService(t, "127.0.0.1:0")
	d := newDoor(Open{Home: home.at()})
	d.slots = make(chan struct{}, 2)
	at := serving(t, d)
	var held []net.Conn
	for range 2 {
		c, code := ask(t, at, "127.0.0.1", home.at().Port())
		if code != done {
			t.Fatal(code)
		}
		held = append(held, c)
	}
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many is kept: %d, %v", n, err)
	}
	held[0].Close()
	for end := time.Now().Add(10 * time.Second); len(d.slots) > 1; {
		if time.Now().After(end) {
			t.Fatal("a closed connection keeps its slot")
		}
		time.Sleep(time.Millisecond)
	}
	if _, code := ask(t, at, "127.0.0.1", home.at().Port()); code != done {
		t.Errorf("after one has gone: code %d", code)
	}
}

func TestRelayEndsWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, ours := net.Pipe()
		b, theirs := net.Pipe()
		over := make(chan time.Time, 1)
		start := time.Now()
		go func() { relay(ours, theirs, time.Minute); over <- time.Now() }()
		// One way is busy for five minutes; the other must not be cut off.
		for range 10 {
			time.Sleep(30 * time.Second)
			go a.Write([]byte("x"))
			if n, err := b.Read(make([]byte, 4)); n != 1 || err != nil {
				t.Fatalf("after %v: %d, %v", time.Since(start), n, err)
			}
		}
		if took := (<-over).Sub(start); took < 6*time.Minute || took > 6*time.Minute+time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestRelayForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, ours := net.Pipe()
		b, theirs := net.Pipe()
		go relay(ours, theirs, 0)
		time.Sleep(72 * time.Hour)
		go a.Write([]byte("x"))
		if n, err := b.Read(make([]byte, 4)); n != 1 || err != nil {
			t.Errorf("after three days: %d, %v", n, err)
		}
		a.Close()
		b.Close()
	})
}

func TestHandOver(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Sendmsg(pair[0], []byte{1}, unix.UnixRights(int(f.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	got, err := receive(pair[1])
	if err != nil {
		t.Fatal(err)
	}
	defer got[0].Close()
	go func() {
		if c, err := got[0].Accept(); err == nil {
			fmt.Fprintln(c, "here")
			c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "here\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestHandOverOfNothing(t *testing.T) {
	for name, send := range map[string]func(fd int){
		"closed":    func(fd int) {},
		"no handle": func(fd int) { unix.Write(fd, []byte{1}) },
		"a file": func(fd int) {
			null, _ := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			unix.Sendmsg(fd, []byte{1}, unix.UnixRights(null), nil, 0)
			unix.Close(null)
		},
	} {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		send(pair[0])
		unix.Close(pair[0])
		if l, err := receive(pair[1]); err == nil {
			t.Errorf("%s: %v was taken", name, l)
		}
	}
}

func TestEnterArgs(t *testing.T) {
	args := EnterArgs(7, 8, "/s", "/usr/bin/x", "--y")
	if len(args) != 5 || args[0] != strconv.Itoa(7) || args[1] != "8" || args[2] != "/s" || args[3] != "/usr/bin/x" || args[4] != "--y" {
		t.Errorf("%q", args)
	}
	for _, bad := range [][]string{nil, {"1", "2", ""}, {"x", "2", "", "y"}, {"1", "", "", "y"}} {
		if err := enter(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
