package door

import (
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24"), netip.MustParsePrefix("8.8.4.0/24"), netip.MustParsePrefix("2a00:1190:5:6::/64")}
	w := newWall()
	for _, a := range []string{"1.1.1.1", "8.8.8.8", "193.65.137.1", "172.15.255.255", "172.32.0.1", "11.0.0.1", "9.255.255.255",
		"100.63.255.255", "100.128.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "126.255.255.255",
		"128.0.0.1", "169.253.1.1", "2001:4860:4860::8888", "2a00:1190:5:7::1", "2600::", "64:ff9b::8.8.8.8", "2002:0808:0808::1"} {
		if !w.public(netip.MustParseAddr(a), local) {
			t.Errorf("%s is closed", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.255.255.255", "127.0.0.53", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
		"192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "169.254.169.254", "224.0.0.1", "239.255.255.250", "240.0.0.1",
		"255.255.255.255", "198.18.0.1", "198.19.255.255", "192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
		// where this machine stands, though the addresses are public
		"8.8.4.4", "2a00:1190:5:6::1",
		"::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1", "100::1",
		"2001:db8::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:2::1", "3fff::1", "4000::1", "5f00::1",
		// IPv4 in other clothes
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::192.168.7.9", "64:ff9b::8.8.4.4", "64:ff9b:1::8.8.8.8", "64:ff9b::0.0.0.0",
		"2002:7f00:0001::1", "2002:0a00:0001::1", "2002:c0a8:0101::", "2002:a9fe:a9fe::1", "2002:e000:0001::", "2002:0808:0404::1",
		"fe80::1%eth0", "2600::1%eth0",
	} {
		if w.public(netip.MustParseAddr(a), local) {
			t.Errorf("%s is let through", a)
		}
	}
	if w.public(netip.Addr{}, nil) {
		t.Error("no address at all is let through")
	}
}

// Whatever is closed as IPv4 is closed in every form that carries it.
func FuzzPublicInOtherClothes(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{8, 8, 8, 8})
	w := newWall()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			return
		}
		v4 := [4]byte(b)
		mapped := netip.AddrFrom16(netip.AddrFrom4(v4).As16())
		if w.public(mapped, nil) {
			t.Errorf("%s", mapped)
		}
		if w.public(netip.AddrFrom4(v4), nil) {
			return
		}
		nat := [16]byte{0, 0x64, 0xff, 0x9b}
		copy(nat[12:], b)
		sixTo4 := [16]byte{0x20, 0x02}
		copy(sixTo4[2:], b)
		old := [16]byte{}
		copy(old[12:], b)
		for _, form := range [][16]byte{nat, sixTo4, old} {
			if a := netip.AddrFrom16(form); w.public(a, nil) {
				t.Errorf("%s lets %s through", a, netip.AddrFrom4(v4))
			}
		}
	})
}

func TestLocalNetworks(t *testing.T) {
	local, err := localNetworks()
	if err != nil {
		t.Fatal(err)
	}
	if !in(local, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("this machine stands in %v, loopback is not among them", local)
	}
	for _, p := range local {
		if newWall().public(p.Addr(), local) {
			t.Errorf("%v is let through", p)
		}
	}
}

func TestLocalhost(t *testing.T) {
	for name, want := range map[string]bool{"localhost": true, "LOCALHOST": true, "localhost.": true, "a.localhost": true,
		"a.b.LocalHost.": true, "localhost.example": false, "notlocalhost": false, "": false, "localhost.localdomain": false} {
		if isLocalhost(name) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}
