// Package wake wakes another machine of the same house: it sends the magic
// packet of Wake-on-LAN into the house's network.
//
// It never listens, never sends anything else and knows nothing of a session.
//
// Caveats: nobody answers such a packet, so that it was sent does not mean that
// a machine wakes: its firmware must be set to, its power on, and its cable in
// the same network. It goes over IPv4 only, to everybody there.
package wake

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// port is where such packets go by custom; network cards read any.
const port = 9

// Packet is the packet that wakes the network card of that address, as in
// "52:54:00:12:34:56": six bytes of ones and sixteen times the address.
func Packet(mac string) ([]byte, error) {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 {
		return nil, fmt.Errorf("%.40q is not the address of a network card", mac)
	}
	return append(bytes.Repeat([]byte{0xff}, 6), bytes.Repeat(hw, 16)...), nil
}

// Send sends the packet that wakes the card to each of the places. It succeeds
// if one of them took it.
func Send(mac string, to []netip.AddrPort) error {
	packet, err := Packet(mac)
	if err != nil {
		return err
	}
	sent, errs := false, []error{}
	for _, place := range to {
		err := send(packet, place)
		sent, errs = sent || err == nil, append(errs, err)
	}
	if sent {
		return nil
	}
	return fmt.Errorf("wake a machine: %w", errors.Join(append(errs, errNowhere)...))
}

var errNowhere = errors.New("no network took the packet")

func send(packet []byte, to netip.AddrPort) (err error) {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	_, err = c.Write(packet)
	return err
}

// Everybody is where everybody in this machine's networks hears: the broadcast
// address of each.
func Everybody() ([]netip.AddrPort, error) {
	cards, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("look for networks: %w", err)
	}
	var all []netip.AddrPort
	for _, card := range cards {
		if card.Flags&net.FlagUp == 0 || card.Flags&net.FlagBroadcast == 0 || card.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := card.Addrs()
		if err != nil {
			return nil, fmt.Errorf("look for networks: %w", err)
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if to, ok := broadcast(n); ok {
					all = append(all, netip.AddrPortFrom(to, port))
				}
			}
		}
	}
	return all, nil
}

// broadcast is the address of a network at which everybody in it hears; false
// if it has none.
func broadcast(n *net.IPNet) (netip.Addr, bool) {
	ip, mask := n.IP.To4(), n.Mask
	if ones, bits := mask.Size(); ip == nil || bits != 32 || ones == 0 || ones > 30 || ip.IsLoopback() {
		return netip.Addr{}, false
	}
	var out [4]byte
	for i := range out {
		out[i] = ip[i] | ^mask[i]
	}
	return netip.AddrFrom4(out), true
}
