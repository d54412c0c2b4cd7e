package door

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// errClosed says that an address is on this machine or in the house's network.
// Which one is nobody's business.
var errClosed = errors.New("that address is closed")

// closed4 are the IPv4 networks that are not the public internet.
func closed4() []string {
	return []string{
		"0.0.0.0/8",       // this machine
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // private to a provider
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // relays into 6to4
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
	}
}

// closed6 are the parts of 2000::/3 that are not the public internet; outside
// of it, but for the translated addresses below, everything is closed.
func closed6() []string {
	return []string{
		"2001::/23",     // protocol assignments, Teredo among them
		"2001:db8::/32", // documentation
		"3fff::/20",     // documentation
		"5f00::/16",     // segment identifiers
	}
}

// wall knows the closed networks.
type wall struct {
	v4, v6                 []netip.Prefix
	public6, nat64, sixTo4 netip.Prefix
}

func newWall() wall {
	w := wall{public6: netip.MustParsePrefix("2000::/3"), nat64: netip.MustParsePrefix("64:ff9b::/96"),
		sixTo4: netip.MustParsePrefix("2002::/16")}
	for _, p := range closed4() {
		w.v4 = append(w.v4, netip.MustParsePrefix(p))
	}
	for _, p := range closed6() {
		w.v6 = append(w.v6, netip.MustParsePrefix(p))
	}
	return w
}

func in(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// public reports whether the address is out in the internet. local are the
// networks that this machine stands in.
func (w wall) public(a netip.Addr, local []netip.Prefix) bool {
	switch {
	case !a.IsValid(), a.Zone() != "", a.Is4In6(), in(local, a):
		return false
	case a.Is4():
		return !in(w.v4, a)
	}
	b := a.As16()
	switch {
	case w.nat64.Contains(a):
		return w.public(netip.AddrFrom4([4]byte(b[12:16])), local)
	case w.sixTo4.Contains(a):
		return w.public(netip.AddrFrom4([4]byte(b[2:6])), local)
	}
	return w.public6.Contains(a) && !in(w.v6, a)
}

// localNetworks are the networks that this machine stands in, by its
// interfaces: itself, and everybody whom it reaches without a router.
func localNetworks() ([]netip.Prefix, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("look at this machine's addresses: %w", err)
	}
	var local []netip.Prefix
	for _, a := range all {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			return nil, fmt.Errorf("look at this machine's addresses: %w", err)
		}
		local = append(local, p.Masked())
	}
	return local, nil
}

// isLocalhost reports whether a name means this machine by its form alone.
func isLocalhost(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
