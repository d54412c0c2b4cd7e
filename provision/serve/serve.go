// Package serve starts and installs many machines over the technician's own
// network: their network cards fetch iPXE, iPXE the kernel and the first stage
// that are in the image, and those the rest; a page shows how far each is.
//
// It answers only cards that ask to be started, at one network card of this
// machine, and no more of them than the join files let in. A machine that is
// installed is not started again: its disk is. It hands out addresses only when
// told to, and not where somebody else does.
//
// Caveats: all of it is plain HTTP and TFTP, since firmware speaks nothing else.
// Who is in the same network can read the code while it lasts, and with a
// hands-off installation any machine there that starts from the network is
// ERASED: so the network should be the technician's own, a switch and the
// machines. Firmware with Secure Boot on refuses iPXE. What happened is kept in
// memory only.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sync/errgroup"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/write"
)

// Options say what to hand out where. All must be set but DHCP.
type Options struct {
	Image   *write.Image
	Seats   []Seat
	At      Place
	DHCP    *Range // hand out addresses of this range
	Loaders string // folder of Debian's package ipxe
	Sockets Sockets
	Ask     time.Duration // how long another DHCP server has to answer
	Now     func() time.Time
	Say     func(format string, args ...any)
}

// Ports of the protocols; that of the pages is the technician's choice.
const (
	dhcpPort = dhcpv4.ServerPort
	tftpPort = 69
	binlPort = 4011
)

// Run serves until ctx ends.
func Run(ctx context.Context, o Options) error {
	tftpd, err := loaders(o.Loaders)
	if err != nil {
		return err
	}
	from := "http://" + o.At.At.String()
	own := o.At.Net.Addr()
	listener, err := o.Sockets.TCP(o.At.At)
	if err != nil {
		return notOpened(fmt.Sprintf("the pages (port %d)", o.At.At.Port()), err)
	}
	defer listener.Close()
	cards, err := o.Sockets.Cable(o.At.Card, dhcpPort, false)
	if err != nil {
		return notOpened("network cards that ask (port 67)", err)
	}
	defer cards.Close()
	again, err := o.Sockets.UDP(netip.AddrPortFrom(own, binlPort))
	if err != nil {
		return notOpened("network cards that ask again (port 4011)", err)
	}
	defer again.Close()
	files, err := o.Sockets.UDP(netip.AddrPortFrom(own, tftpPort))
	if err != nil {
		return notOpened("TFTP (port 69)", err)
	}
	defer files.Close()
	if err := o.alone(ctx); err != nil {
		return err
	}
	o.Say("Reading the image.")
	content, err := look(o.Image)
	if err != nil {
		return err
	}
	m := newMachines(o.Seats, o.Now, o.Say)
	pages, err := newPages()
	if err != nil {
		return err
	}
	w := &web{from: from, content: content, machines: m, pages: pages}
	a := &answers{own: o.At.Net, script: from + bootPath, done: m.done}
	if o.DHCP != nil {
		a.leases = newLeases(*o.DHCP, o.At.Net, o.Now)
	}

	server := &http.Server{Handler: w.own(w.handler()), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	o.Say("Listening on %s, at the network card %s (%s), and nowhere else.", from, o.At.Card, o.At.Net.Masked())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve pages: %w", err)
		}
		return nil
	})
	g.Go(func() error { return answerAll(cards, a.answer, toCard) })
	g.Go(func() error { return answerAll(again, a.binl, toSender) })
	g.Go(func() error {
		if err := tftpd.Serve(files); err != nil && ctx.Err() == nil {
			return fmt.Errorf("serve TFTP: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		stop, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		server.Shutdown(stop)
		server.Close()
		tftpd.Shutdown()
		return errors.Join(closed(cards), closed(again), closed(files))
	})
	if err := g.Wait(); err != nil {
		return err
	}
	o.say(m)
	return nil
}

func closed(c net.PacketConn) error {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// say says at the end what became of the machines.
func (o Options) say(m *machines) {
	for _, k := range m.list() {
		o.Say("%s  %s  %s  %s", k.MAC, k.Step, k.Name, k.Why)
	}
}

// alone asks who hands out addresses here.
func (o Options) alone(ctx context.Context) error {
	other, err := otherServer(ctx, o.Sockets, o.At.Card, o.Ask)
	switch {
	case err != nil && ctx.Err() == nil:
		return notOpened("answers of a DHCP server (port 68)", err)
	case err != nil:
		return err
	case other != "" && o.DHCP != nil:
		return &disk.Problem{Exit: disk.ExitNotNow, Code: "other_dhcp", Text: fmt.Sprintf("A DHCP server answers in this network already: %s. A second one would disturb it.", other),
			Todo: "Leave out --dhcp: machines get their addresses from that one."}
	case other != "":
		o.Say("Addresses come from %s, the boot file from here.", other)
	case o.DHCP != nil:
		o.Say("Handing out addresses from %s to %s.", o.DHCP.First, o.DHCP.Last)
	default:
		o.Say("CAREFUL: no DHCP server answers in this network, so machines get no address. Plug it in, or hand them out from here with --dhcp.")
	}
	return nil
}

func notOpened(what string, err error) error {
	p := &disk.Problem{Exit: disk.ExitFailed, Code: "not_listening", Text: fmt.Sprintf("It cannot listen for %s: %v.", what, err), Todo: "Look at the address and the network card."}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		p.Exit, p.Code, p.Text, p.Todo = disk.ExitNotNow, "in_use", fmt.Sprintf("Another program listens for %s already.", what), "Stop that program (dnsmasq, or a second \"provision serve\"), or name another port for the pages with --listen ADDRESS:PORT."
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		p.Exit, p.Code, p.Text, p.Todo = disk.ExitInput, "no_right", fmt.Sprintf("You may not listen for %s.", what), "Run this as root, for example with sudo."
	}
	return p
}
