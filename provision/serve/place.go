package serve

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"yhteiskone/provision/disk"
)

// Place is where the server is: an address of this machine, the network that it
// is in, and the network card that has it.
type Place struct {
	At   netip.AddrPort
	Net  netip.Prefix
	Card string
}

// pagePort is that of the pages unless another is said.
const pagePort = 8080

// Card is a network card of this machine, with its addresses.
type Card struct {
	Name string
	Nets []netip.Prefix
}

// Cards are this machine's.
func Cards() ([]Card, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network cards: %w", err)
	}
	var cards []Card
	for _, i := range all {
		c := Card{Name: i.Name}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list the network cards: %w", err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && i.Flags&net.FlagUp != 0 {
				c.Nets = append(c.Nets, p)
			}
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// Find reads ADDRESS[:PORT][/CARD] and finds it among the cards. It never
// chooses an address.
func Find(text string, cards []Card) (Place, error) {
	wrong := func(format string, args ...any) (Place, error) {
		var have []string
		for _, c := range cards {
			for _, p := range c.Nets {
				have = append(have, p.Addr().String()+"/"+c.Name)
			}
		}
		return Place{}, &disk.Problem{Exit: disk.ExitInput, Code: "no_address", Text: fmt.Sprintf(format, args...),
			Todo: "Name one of this machine's with --listen: " + strings.Join(have, ", ") + "."}
	}
	if text == "" {
		return wrong("Say at which address to serve; none is chosen for you.")
	}
	address, card, named := strings.Cut(text, "/")
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		a, err := netip.ParseAddr(address)
		if err != nil {
			return wrong("%q is no address.", address)
		}
		at = netip.AddrPortFrom(a, pagePort)
	}
	if !at.Addr().Is4() || at.Addr().IsUnspecified() || at.Port() == 0 {
		return wrong("%s is not one IPv4 address.", address)
	}
	for _, c := range cards {
		for _, p := range c.Nets {
			if p.Addr() != at.Addr() || named && c.Name != card {
				continue
			}
			return Place{At: at, Net: p, Card: c.Name}, nil
		}
	}
	if named {
		return wrong("The network card %s of this machine has no address %s.", card, at.Addr())
	}
	return wrong("%s is no address of this machine.", at.Addr())
}
