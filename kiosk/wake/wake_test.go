package wake

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"
)

const mac = "52:54:00:12:34:56"

// The packet arrives: 102 bytes, six of ones and the address sixteen times.
func TestSend(t *testing.T) {
	l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	here := l.LocalAddr().(*net.UDPAddr).AddrPort()
	if err := Send(mac, []netip.AddrPort{here}); err != nil {
		t.Fatal(err)
	}
	l.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 200)
	n, _, err := l.ReadFrom(got)
	if err != nil || n != 102 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	want := bytes.Repeat([]byte{0xff}, 6)
	for range 16 {
		want = append(want, 0x52, 0x54, 0, 0x12, 0x34, 0x56)
	}
	if !bytes.Equal(got[:n], want) {
		t.Errorf("%x", got[:n])
	}
}

func TestNothingToSend(t *testing.T) {
	if err := Send(mac, nil); err == nil {
		t.Error("sent nowhere")
	}
	for _, bad := range []string{"", "52:54:00:12:34", "52:54:00:12:34:56:78:9a", "kone 3"} {
		if _, err := Packet(bad); err == nil {
			t.Errorf("%q wakes somebody", bad)
		}
	}
}

func TestBroadcast(t *testing.T) {
	for network, want := range map[string]string{"192.168.1.17/24": "192.168.1.255", "10.1.2.3/20": "10.1.15.255", "172.16.0.1/30": "172.16.0.3",
		"192.168.1.1/31": "", "192.168.1.1/32": "", "127.0.0.1/8": "", "fd00::1/64": "", "1.2.3.4/0": ""} {
		ip, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		n.IP = ip
		got, ok := broadcast(n)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %v, want %q", network, got, want)
		}
	}
	all, err := Everybody()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Port() != port || !a.Addr().Is4() || a.Addr().IsLoopback() {
			t.Errorf("%v hears", a)
		}
	}
}
