package serve

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// answers are what network cards are told. Beside another DHCP server they hold
// the boot file and no address, and only for a card that asks to be started.
type answers struct {
	own    netip.Prefix // our address, and how large the network is
	script string       // address of the script for iPXE
	done   func(mac string) bool
	leases *leases // nil beside another DHCP server
}

// Files that a network card fetches by TFTP, before it can do more.
const (
	biosLoader = "undionly.kpxe"
	uefiLoader = "snponly.efi"
)

// leaseTime is short: the network is made for an afternoon.
const leaseTime = 2 * time.Hour

// answer is the reply to a request, nil for none.
func (a *answers) answer(q *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	if q.OpCode != dhcpv4.OpcodeBootRequest || q.HWType != iana.HWTypeEthernet || len(q.ClientHWAddr) != 6 ||
		!q.GatewayIPAddr.IsUnspecified() && q.GatewayIPAddr != nil {
		return nil
	}
	kind := map[dhcpv4.MessageType]dhcpv4.MessageType{dhcpv4.MessageTypeDiscover: dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeRequest: dhcpv4.MessageTypeAck}[q.MessageType()]
	if a.leases == nil {
		// The other server hands out addresses; its business is not ours.
		if kind != dhcpv4.MessageTypeOffer {
			return nil
		}
		return a.boot(q, kind)
	}
	return a.lease(q, kind)
}

// binl is the reply at port 4011, where some firmware asks once more, for the
// boot file alone.
func (a *answers) binl(q *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	if q.OpCode != dhcpv4.OpcodeBootRequest || len(q.ClientHWAddr) != 6 || q.MessageType() != dhcpv4.MessageTypeRequest {
		return nil
	}
	return a.boot(q, dhcpv4.MessageTypeAck)
}

// boot is an answer without an address.
func (a *answers) boot(q *dhcpv4.DHCPv4, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	file := a.file(q)
	if file == "" {
		return nil
	}
	r := a.reply(q, kind)
	if r == nil {
		return nil
	}
	r.UpdateOption(dhcpv4.OptClassIdentifier("PXEClient"))
	if id := q.GetOneOption(dhcpv4.OptionClientMachineIdentifier); id != nil {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, id))
	}
	a.with(r, q, file)
	return r
}

// with puts the boot file into an answer.
func (a *answers) with(r, q *dhcpv4.DHCPv4, file string) {
	r.ServerIPAddr = a.own.Addr().AsSlice()
	r.BootFileName = file
	r.UpdateOption(dhcpv4.OptTFTPServerName(a.own.Addr().String()))
	r.UpdateOption(dhcpv4.OptBootFileName(file))
	if a.leases == nil && slices.Contains(q.ClientArch(), iana.INTEL_X86PC) {
		// "Use the file that is named here": no menu, no second question. UEFI
		// firmware does better without it.
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionVendorSpecificInformation, []byte{6, 1, 8, 255}))
	}
}

// file is what a card is to fetch; empty if it does not ask to be started, or
// must not be.
func (a *answers) file(q *dhcpv4.DHCPv4) string {
	if !strings.HasPrefix(q.ClassIdentifier(), "PXEClient") || a.done(q.ClientHWAddr.String()) {
		return ""
	}
	if slices.Contains(q.UserClass(), "iPXE") || string(q.GetOneOption(dhcpv4.OptionUserClassInformation)) == "iPXE" {
		return a.script
	}
	for _, arch := range q.ClientArch() {
		switch arch {
		case iana.INTEL_X86PC:
			return biosLoader
		case iana.EFI_X86_64, iana.EFI_BC:
			return uefiLoader
		}
	}
	return ""
}

func (a *answers) reply(q *dhcpv4.DHCPv4, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r, err := dhcpv4.NewReplyFromRequest(q, dhcpv4.WithMessageType(kind), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(a.own.Addr().AsSlice())))
	if err != nil {
		return nil
	}
	return r
}

// lease is an answer with an address of our own range.
func (a *answers) lease(q *dhcpv4.DHCPv4, kind dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	mac := q.ClientHWAddr.String()
	asked, _ := netip.AddrFromSlice(q.RequestedIPAddress().To4())
	if now, ok := netip.AddrFromSlice(q.ClientIPAddr.To4()); ok && !now.IsUnspecified() {
		asked = now // one that it has already
	}
	server := q.ServerIdentifier()
	ours := server == nil || server.Equal(net.IP(a.own.Addr().AsSlice()))
	switch q.MessageType() {
	case dhcpv4.MessageTypeDecline:
		if ours {
			a.leases.spoil(asked)
		}
		return nil
	case dhcpv4.MessageTypeRelease:
		a.leases.free(mac)
		return nil
	case dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest:
	default:
		return nil
	}
	if kind == dhcpv4.MessageTypeAck && !ours {
		return nil
	}
	at, ok := a.leases.take(mac, asked)
	if kind == dhcpv4.MessageTypeAck && (!ok || at != asked) {
		r := a.reply(q, dhcpv4.MessageTypeNak)
		if r != nil {
			r.SetBroadcast()
		}
		return r
	}
	if !ok {
		return nil
	}
	r := a.reply(q, kind)
	if r == nil {
		return nil
	}
	r.YourIPAddr = at.AsSlice()
	r.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(a.own.Bits(), 32)))
	r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(leaseTime))
	if file := a.file(q); file != "" {
		a.with(r, q, file)
	}
	return r
}
