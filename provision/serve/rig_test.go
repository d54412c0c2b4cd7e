package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"yhteiskone/provision/lan"
	"yhteiskone/provision/write"
	"yhteiskone/provision/write/writetest"
)

// sockets are of the loopback, at ports that the kernel chooses.
type sockets struct {
	t     *testing.T
	other bool // another DHCP server answers
	taken map[int]error

	mu sync.Mutex
	at map[int]net.Addr // what is open, by the port that was asked for
}

func (s *sockets) open(port int) (net.PacketConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.taken[port]; err != nil {
		return nil, err
	}
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err == nil {
		s.at[port] = c.LocalAddr()
	}
	return c, err
}

func (s *sockets) TCP(at netip.AddrPort) (net.Listener, error) {
	return net.Listen("tcp4", at.String())
}
func (s *sockets) UDP(at netip.AddrPort) (net.PacketConn, error) { return s.open(int(at.Port())) }
func (s *sockets) Cable(_ string, port int, shared bool) (net.PacketConn, error) {
	c, err := s.open(port)
	if err == nil && port == dhcpv4.ClientPort {
		return &house{c, s.other}, nil
	}
	return c, err
}

// house is the network in which it is asked for another server.
type house struct {
	net.PacketConn
	other bool
}

func (h *house) WriteTo(p []byte, _ net.Addr) (int, error) {
	q, err := dhcpv4.FromBytes(p)
	if err != nil || !h.other {
		return len(p), err
	}
	r, err := dhcpv4.NewReplyFromRequest(q, dhcpv4.WithMessageType(dhcpv4.MessageTypeOffer), dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 9)))
	if err != nil {
		return 0, err
	}
	return h.PacketConn.WriteTo(r.ToBytes(), h.LocalAddr())
}

// rig is a server at work.
type rig struct {
	t     *testing.T
	o     Options
	s     *sockets
	said  chan string
	log   bytes.Buffer
	ended chan error
	url   string
	stop  context.CancelFunc
}

func newRig(t *testing.T) *rig {
	t.Helper()
	path := writetest.Startable(t, writetest.Start())
	image, err := write.OpenImage(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { image.Close() })
	loaders := t.TempDir()
	for _, name := range []string{biosLoader, uefiLoader} {
		if err := os.WriteFile(filepath.Join(loaders, name), []byte("iPXE "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(free.Addr().String())
	free.Close()
	r := &rig{t: t, s: &sockets{t: t, at: map[int]net.Addr{}, taken: map[int]error{}}, said: make(chan string, 100), ended: make(chan error, 1), url: "http://" + at.String()}
	r.o = Options{Image: image, At: Place{At: at, Net: netip.PrefixFrom(at.Addr(), 8), Card: "lo"}, Loaders: loaders, Sockets: r.s, Ask: time.Millisecond, Now: time.Now,
		Seats: []Seat{{"Kone", []byte(`{"machines":1}`)}, {"Kone", []byte(`{"machines":1}`)}},
		Say:   func(format string, args ...any) { r.said <- fmt.Sprintf(format, args...) }}
	return r
}

// begin starts it and waits until it listens.
func (r *rig) begin() {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	r.stop = stop
	go func() { r.ended <- Run(ctx, r.o) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			r.t.Errorf("it ends with %v", err)
		}
	})
	r.sees("Listening on " + r.url)
}

func (r *rig) sees(text string) {
	r.t.Helper()
	for end := time.After(30 * time.Second); ; {
		select {
		case said := <-r.said:
			r.log.WriteString(said + "\n")
			if strings.Contains(said, text) {
				return
			}
		case err := <-r.ended:
			r.ended <- err
			r.t.Fatalf("it ended: %v\n%s", err, r.log.String())
		case <-end:
			r.t.Fatalf("nobody said %q but\n%s", text, r.log.String())
		}
	}
}

func (r *rig) get(path string) (string, int) {
	r.t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text), resp.StatusCode
}

func (r *rig) reports(text string) int {
	r.t.Helper()
	resp, err := http.Post(r.url+lan.ProgressPath, "application/json", strings.NewReader(text))
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
