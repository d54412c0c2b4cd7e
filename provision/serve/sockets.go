package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/pin/tftp/v3"
	"golang.org/x/sys/unix"

	"yhteiskone/provision/disk"
)

// Sockets open what the server listens on. System is the real ones.
type Sockets interface {
	// TCP and UDP listen at an address of this machine.
	TCP(at netip.AddrPort) (net.Listener, error)
	UDP(at netip.AddrPort) (net.PacketConn, error)
	// Cable listens to everything that comes by one network card, at a port.
	Cable(card string, port int, shared bool) (net.PacketConn, error)
}

// System are the sockets of this machine.
type System struct{}

// TCP listens.
func (System) TCP(at netip.AddrPort) (net.Listener, error) {
	return net.Listen("tcp4", at.String())
}

// UDP listens.
func (System) UDP(at netip.AddrPort) (net.PacketConn, error) {
	return net.ListenPacket("udp4", at.String())
}

// Cable listens at one card: what it sends goes out by no other.
func (System) Cable(card string, port int, shared bool) (net.PacketConn, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var inner error
		err := c.Control(func(fd uintptr) {
			inner = unix.BindToDevice(int(fd), card)
			if shared && inner == nil {
				inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			}
		})
		return errors.Join(err, inner)
	}}
	return config.ListenPacket(context.Background(), "udp4", fmt.Sprintf("0.0.0.0:%d", port))
}

// everybody is where cards without an address listen.
func everybody() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ClientPort} }

// packetLimit is more than a request has.
const packetLimit = 4096

// answerAll answers until the socket is closed.
func answerAll(conn net.PacketConn, answer func(*dhcpv4.DHCPv4) *dhcpv4.DHCPv4, to func(q, r *dhcpv4.DHCPv4, from net.Addr) net.Addr) error {
	buf := make([]byte, packetLimit)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listen to network cards: %w", err)
		}
		q, err := dhcpv4.FromBytes(buf[:n])
		if err != nil {
			continue
		}
		if r := answer(q); r != nil {
			conn.WriteTo(r.ToBytes(), to(q, r, from)) // who hears nothing asks again
		}
	}
}

// toCard is where an answer goes: to all, unless the card has its address.
func toCard(q, r *dhcpv4.DHCPv4, _ net.Addr) net.Addr {
	if r.MessageType() != dhcpv4.MessageTypeNak && q.ClientIPAddr != nil && !q.ClientIPAddr.IsUnspecified() {
		return &net.UDPAddr{IP: q.ClientIPAddr, Port: dhcpv4.ClientPort}
	}
	return everybody()
}

func toSender(_, _ *dhcpv4.DHCPv4, from net.Addr) net.Addr { return from }

// otherServer asks as a machine would, and says who else hands out addresses;
// empty if nobody does within the time.
func otherServer(ctx context.Context, s Sockets, card string, within time.Duration) (string, error) {
	conn, err := s.Cable(card, dhcpv4.ClientPort, true)
	if err != nil {
		return "", fmt.Errorf("ask whether there is a DHCP server: %w", err)
	}
	defer conn.Close()
	// No card's own: so no real machine's address is touched.
	q, err := dhcpv4.NewDiscovery(net.HardwareAddr{0x02, 0x79, 0x6b, 0, 0, byte(os.Getpid())}, dhcpv4.WithBroadcast(true))
	if err != nil {
		return "", fmt.Errorf("ask whether there is a DHCP server: %w", err)
	}
	end := time.Now().Add(within)
	buf := make([]byte, packetLimit)
	for again := time.Now(); time.Now().Before(end) && ctx.Err() == nil; {
		if !time.Now().Before(again) {
			if _, err := conn.WriteTo(q.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ServerPort}); err != nil {
				return "", fmt.Errorf("ask whether there is a DHCP server: %w", err)
			}
			again = time.Now().Add(time.Second)
		}
		if err := conn.SetReadDeadline(again); err != nil {
			return "", err
		}
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			continue
		}
		r, err := dhcpv4.FromBytes(buf[:n])
		if err == nil && r.TransactionID == q.TransactionID && r.MessageType() == dhcpv4.MessageTypeOffer && !r.YourIPAddr.IsUnspecified() {
			host, _, _ := net.SplitHostPort(from.String())
			return host, nil
		}
	}
	return "", ctx.Err()
}

// loaders hands out iPXE by TFTP, two files and nothing else.
func loaders(dir string) (*tftp.Server, error) {
	files := map[string][]byte{}
	for _, name := range []string{biosLoader, uefiLoader} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, &disk.Problem{Exit: disk.ExitInput, Code: "no_ipxe", Text: fmt.Sprintf("iPXE, which network cards fetch first, is not on this machine: %v.", err),
				Todo: "Install it with \"apt install ipxe\"."}
		}
		files[name] = text
	}
	s := tftp.NewServer(func(name string, to io.ReaderFrom) error {
		text, ok := files[filepath.Base(filepath.Clean("/"+name))]
		if !ok {
			return errors.New("there is no such file")
		}
		if size, ok := to.(tftp.OutgoingTransfer); ok {
			size.SetSize(int64(len(text)))
		}
		_, err := to.ReadFrom(bytes.NewReader(text))
		return err
	}, nil)
	s.SetTimeout(2 * time.Second)
	s.SetRetries(4)
	return s, nil
}
