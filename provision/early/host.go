package early

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/provision/lan"
)

// This is the machine that the program runs on.
type This struct{ Patient time.Duration }

// look is how often it is looked whether a device is there.
const look = 100 * time.Millisecond

func (h This) until(ctx context.Context, what string, there func() bool) error {
	end := time.NewTimer(h.Patient)
	defer end.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-end.C:
			return fmt.Errorf("%s is not there", what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Up finds the card, turns it on and gives it its address.
func (h This) Up(ctx context.Context, l lan.Line) error {
	name := ""
	err := h.until(ctx, "the network card "+l.MAC, func() bool {
		name = cardOf(l.MAC)
		return name != ""
	})
	if err != nil {
		return fmt.Errorf("%w: the image may have no driver for it. Use the installer stick", err)
	}
	if err := flags(name, unix.IFF_UP, 0); err != nil {
		return fmt.Errorf("turn the network card on: %w", err)
	}
	mask := net.CIDRMask(l.Net.Bits(), 32)
	for _, set := range []struct {
		what uint
		to   []byte
	}{{unix.SIOCSIFADDR, l.Net.Addr().AsSlice()}, {unix.SIOCSIFNETMASK, mask}} {
		r, err := unix.NewIfreq(name)
		if err == nil {
			err = r.SetInet4Addr(set.to)
		}
		if err == nil {
			err = control(set.what, r)
		}
		if err != nil {
			return fmt.Errorf("give the network card its address: %w", err)
		}
	}
	return nil
}

// Down takes the address away and turns the card off.
func (h This) Down(l lan.Line) error {
	name := cardOf(l.MAC)
	if name == "" {
		return errors.New("the network card is gone")
	}
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = r.SetInet4Addr([]byte{0, 0, 0, 0})
	}
	if err == nil {
		err = control(unix.SIOCSIFADDR, r)
	}
	return errors.Join(err, flags(name, 0, unix.IFF_UP))
}

// cardOf is the name of the card with an address; empty while there is none.
func cardOf(mac string) string {
	all, _ := net.Interfaces()
	for _, i := range all {
		if strings.EqualFold(i.HardwareAddr.String(), mac) {
			return i.Name
		}
	}
	return ""
}

func flags(name string, on, off uint16) error {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := control(unix.SIOCGIFFLAGS, r); err != nil {
		return err
	}
	r.SetUint16(r.Uint16()&^off | on)
	return control(unix.SIOCSIFFLAGS, r)
}

func control(what uint, r *unix.Ifreq) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.IoctlIfreq(fd, what, r)
}

// Memory mounts a bounded folder in memory.
func (h This) Memory(folder string, bytes int64) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make room in memory: %w", err)
	}
	if err := unix.Mount("kiosk-net", folder, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, fmt.Sprintf("mode=0700,size=%d", bytes)); err != nil {
		return fmt.Errorf("make room in memory: %w", err)
	}
	return nil
}

// Disk makes /dev/loop0 of the file, and waits for its partitions.
func (h This) Disk(ctx context.Context, path string) error {
	wrong := func(err error) error { return fmt.Errorf("make a disk of what was fetched: %w", err) }
	if err := h.until(ctx, Disk, func() bool { _, err := os.Stat(Disk); return err == nil }); err != nil {
		return wrong(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return wrong(err)
	}
	defer file.Close()
	loop, err := os.OpenFile(Disk, os.O_RDWR, 0)
	if err != nil {
		return wrong(err)
	}
	defer loop.Close()
	config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_PARTSCAN | unix.LO_FLAGS_READ_ONLY}}
	copy(config.Info.File_name[:], path)
	if err := unix.IoctlLoopConfigure(int(loop.Fd()), &config); err != nil {
		return wrong(err)
	}
	root := Disk + "p3"
	if err := h.until(ctx, root, func() bool { _, err := os.Stat(root); return err == nil }); err != nil {
		return wrong(err)
	}
	return nil
}
