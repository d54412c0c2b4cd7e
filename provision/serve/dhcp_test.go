package serve

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

const script = "http://192.168.77.1:8080/boot.ipxe"

func aCard(n byte) net.HardwareAddr { return net.HardwareAddr{0x52, 0x54, 0, 0x77, 0, n} }

// ask is what a network card sends.
func ask(t testing.TB, kind dhcpv4.MessageType, n byte, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	q, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(aCard(n)), dhcpv4.WithMessageType(kind)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := dhcpv4.FromBytes(q.ToBytes())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func pxe(arch iana.Arch) dhcpv4.Modifier {
	return func(q *dhcpv4.DHCPv4) {
		q.UpdateOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00000:UNDI:002001"))
		q.UpdateOption(dhcpv4.OptClientArch(arch))
	}
}

func ipxe(q *dhcpv4.DHCPv4) {
	q.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionUserClassInformation, []byte("iPXE")))
}

func newAnswers(own bool) *answers {
	a := &answers{own: netip.MustParsePrefix("192.168.77.1/24"), script: script, done: func(string) bool { return false }}
	if own {
		a.leases = newLeases(Range{netip.MustParseAddr("192.168.77.100"), netip.MustParseAddr("192.168.77.102")}, a.own, time.Now)
	}
	return a
}

// Beside another DHCP server only a card that asks to be started is answered,
// and it is given no address.
func TestBesideAnotherServer(t *testing.T) {
	a := newAnswers(false)
	for name, c := range map[string]struct {
		q    *dhcpv4.DHCPv4
		file string
	}{
		"a BIOS":               {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC)), biosLoader},
		"UEFI":                 {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.EFI_X86_64)), uefiLoader},
		"UEFI, as some say it": {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.EFI_BC)), uefiLoader},
		"iPXE":                 {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC), ipxe), script},
		"a machine that runs":  {ask(t, dhcpv4.MessageTypeDiscover, 1), ""},
		"another processor":    {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.EFI_ARM64)), ""},
		"the other's business": {ask(t, dhcpv4.MessageTypeRequest, 1, pxe(iana.INTEL_X86PC)), ""},
		"behind a relay":       {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC), dhcpv4.WithGatewayIP(net.IPv4(10, 0, 0, 1))), ""},
		"an answer":            {ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC), func(q *dhcpv4.DHCPv4) { q.OpCode = dhcpv4.OpcodeBootReply }), ""},
	} {
		r := a.answer(c.q)
		if c.file == "" {
			if r != nil {
				t.Errorf("%s: answered with %s", name, r.Summary())
			}
			continue
		}
		if r == nil || r.BootFileName != c.file || !r.YourIPAddr.IsUnspecified() || r.ClassIdentifier() != "PXEClient" || r.ServerIPAddr.String() != "192.168.77.1" || r.MessageType() != dhcpv4.MessageTypeOffer {
			t.Errorf("%s: %v", name, r)
		}
	}
	a.done = func(mac string) bool { return mac == aCard(1).String() }
	if r := a.answer(ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC))); r != nil {
		t.Errorf("a machine that is installed is started again: %v", r)
	}
	if r := a.answer(ask(t, dhcpv4.MessageTypeDiscover, 2, pxe(iana.INTEL_X86PC))); r == nil {
		t.Error("and another is not")
	}
}

func TestAskedOnceMore(t *testing.T) {
	a := newAnswers(false)
	r := a.binl(ask(t, dhcpv4.MessageTypeRequest, 1, pxe(iana.EFI_X86_64)))
	if r == nil || r.MessageType() != dhcpv4.MessageTypeAck || r.BootFileName != uefiLoader {
		t.Errorf("%v", r)
	}
	if r := a.binl(ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.EFI_X86_64))); r != nil {
		t.Errorf("%v", r)
	}
}

// With addresses of our own: every machine gets one, and a machine that is done
// gets it without a boot file.
func TestOwnAddresses(t *testing.T) {
	a := newAnswers(true)
	offer := a.answer(ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC), ipxe))
	if offer == nil || offer.YourIPAddr.String() != "192.168.77.100" || offer.BootFileName != script || offer.SubnetMask().String() != "ffffff00" {
		t.Fatalf("%v", offer)
	}
	wish := func(last byte) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(192, 168, 77, last)))
	}
	server := func(last byte) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 168, 77, last)))
	}
	if r := a.answer(ask(t, dhcpv4.MessageTypeRequest, 1, wish(100), server(1))); r == nil || r.MessageType() != dhcpv4.MessageTypeAck || r.BootFileName != "" {
		t.Errorf("%v", r)
	}
	if r := a.answer(ask(t, dhcpv4.MessageTypeRequest, 2, wish(100), server(1))); r == nil || r.MessageType() != dhcpv4.MessageTypeNak {
		t.Errorf("two machines get one address: %v", r)
	}
	if r := a.answer(ask(t, dhcpv4.MessageTypeRequest, 3, wish(102), server(9))); r != nil {
		t.Errorf("it answers for another server: %v", r)
	}
	for _, wrong := range []byte{1, 99, 103} {
		if r := a.answer(ask(t, dhcpv4.MessageTypeRequest, 4, wish(wrong))); r == nil || r.MessageType() != dhcpv4.MessageTypeNak {
			t.Errorf("%d: %v", wrong, r)
		}
	}
	a.done = func(string) bool { return true }
	if r := a.answer(ask(t, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC), ipxe)); r == nil || r.YourIPAddr.String() != "192.168.77.100" || r.BootFileName != "" {
		t.Errorf("a machine that is installed is started again: %v", r)
	}
}

func TestLeases(t *testing.T) {
	now := time.Unix(0, 0)
	of, err := ParseRange("192.168.77.100-102")
	if err != nil {
		t.Fatal(err)
	}
	at := func(n string) netip.Addr { return netip.MustParseAddr("192.168.77." + n) }
	l := newLeases(of, netip.PrefixFrom(at("101"), 24), func() time.Time { return now }) // our own is in the range
	take := func(mac, wish, want string) {
		t.Helper()
		w := netip.Addr{}
		if wish != "" {
			w = at(wish)
		}
		a, ok := l.take(mac, w)
		if want == "" && ok || want != "" && a != at(want) {
			t.Errorf("%s gets %v, %v, not %s", mac, a, ok, want)
		}
	}
	take("a", "102", "102")
	take("a", "100", "102")
	take("b", "102", "100")
	take("c", "", "")
	now = now.Add(leaseTime + time.Second)
	take("a", "", "102") // it renews
	take("c", "", "100") // b is gone
	l.free("a")
	take("d", "", "102")
	l.spoil(at("102"))
	take("d", "", "")
	whole := newLeases(Range{at("0"), at("3")}, netip.PrefixFrom(at("1"), 30), time.Now)
	if a, ok := whole.take("a", netip.Addr{}); !ok || a != at("2") {
		t.Errorf("%v", a)
	}
	if a, ok := whole.take("b", at("3")); ok {
		t.Errorf("a machine gets %v, which is everybody's", a)
	}
	for _, wrong := range []string{"", "192.168.77.100", "192.168.77.100-99", "192.168.77.100-192.168.88.200", "192.168.77.100-", "fe80::1-2", "a-b", "192.168.77.100-999"} {
		if r, err := ParseRange(wrong); err == nil {
			t.Errorf("%q is the range %v", wrong, r)
		}
	}
}

// Whatever comes from the network, there is an answer or none; never one to a
// card that did not ask for it.
func FuzzRequest(f *testing.F) {
	for _, q := range []*dhcpv4.DHCPv4{ask(f, dhcpv4.MessageTypeDiscover, 1, pxe(iana.INTEL_X86PC), ipxe), ask(f, dhcpv4.MessageTypeRequest, 1, pxe(iana.EFI_BC)), ask(f, dhcpv4.MessageTypeDecline, 1)} {
		f.Add(q.ToBytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, err := dhcpv4.FromBytes(raw)
		if err != nil {
			return
		}
		for _, a := range []*answers{newAnswers(true), newAnswers(false)} {
			for _, r := range []*dhcpv4.DHCPv4{a.answer(q), a.binl(q)} {
				if r == nil {
					continue
				}
				if r.TransactionID != q.TransactionID || r.ClientHWAddr.String() != q.ClientHWAddr.String() {
					t.Errorf("%s is answered with %s", q.Summary(), r.Summary())
				}
				toCard(q, r, nil)
				if _, err := dhcpv4.FromBytes(r.ToBytes()); err != nil {
					t.Errorf("the answer %s cannot be read: %v", r.Summary(), err)
				}
			}
		}
	})
}
