package display

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jezek/xgb/dpms"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
)

// ServerAnswers asks the server something that every server knows, and returns
// an error if the answer has not come by the context's end. Every other method
// of a Display waits for a server that was stopped; this one does not.
func (d *Display) ServerAnswers(ctx context.Context) error {
	d.probeMu.Lock()
	probe := d.probe
	if probe == nil { // one question at a time, however often we are asked
		probe = make(chan error, 1)
		d.probe = probe
		go func() {
			_, err := xproto.GetInputFocus(d.conn).Reply()
			d.probeMu.Lock()
			d.probe = nil
			d.probeMu.Unlock()
			probe <- err
			close(probe)
		}()
	}
	d.probeMu.Unlock()
	select {
	case err := <-probe:
		if err != nil {
			return fmt.Errorf("ask the display for an answer: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the display does not answer: %w", ctx.Err())
	}
}

// ServerPID tells which process the server is and whose: that which listens on
// the socket of DISPLAY. It works with a server that was stopped.
func (d *Display) ServerPID() (pid, uid int, err error) {
	conn, err := d.dial()
	if err != nil {
		return 0, 0, fmt.Errorf("look for the display's process: %w", err)
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, fmt.Errorf("look for the display's process: %w", err)
	}
	var peer *syscall.Ucred
	var asked error
	err = raw.Control(func(fd uintptr) {
		peer, asked = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err = errors.Join(err, asked); err != nil {
		return 0, 0, fmt.Errorf("look for the display's process: %w", err)
	}
	// 0 is outside our namespace; 1 listens in the place of a server that is
	// started by its socket.
	if peer.Pid <= 1 {
		return 0, 0, fmt.Errorf("look for the display's process: number %d is not one to end", peer.Pid)
	}
	return int(peer.Pid), int(peer.Uid), nil
}

// dial connects to the server's socket, no more.
func (d *Display) dial() (*net.UnixConn, error) {
	_, number, found := strings.Cut(d.name, ":")
	number, _, _ = strings.Cut(number, ".")
	if !found || number == "" || (d.name[0] != ':' && !strings.HasPrefix(d.name, "unix:")) {
		return nil, fmt.Errorf("the display %q has no socket on this machine", d.name)
	}
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: "/tmp/.X11-unix/X" + number, Net: "unix"})
}

// Screens tells how many screens are connected and how large the picture on
// them is. A server that cannot tell has one.
func (d *Display) Screens() (connected, width, height int, err error) {
	g, err := xproto.GetGeometry(d.conn, xproto.Drawable(d.root)).Reply()
	if err != nil {
		return 0, 0, 0, fmt.Errorf("measure the screen: %w", err)
	}
	width, height = int(g.Width), int(g.Height)
	if _, ok := extension(d.conn, "RANDR"); !ok {
		return 1, width, height, nil
	}
	// What the server knows, without asking the monitors: that takes seconds.
	v, err := randr.QueryVersion(d.conn, 1, 3).Reply()
	if err != nil || v.MajorVersion < 1 || v.MajorVersion == 1 && v.MinorVersion < 3 {
		return 1, width, height, nil
	}
	all, err := randr.GetScreenResourcesCurrent(d.conn, d.root).Reply()
	if err != nil {
		return 0, 0, 0, fmt.Errorf("list the screens: %w", err)
	}
	for _, o := range all.Outputs {
		info, err := randr.GetOutputInfo(d.conn, o, all.ConfigTimestamp).Reply()
		if err != nil {
			return 0, 0, 0, fmt.Errorf("look at a screen: %w", err)
		}
		if info.Connection == randr.ConnectionConnected {
			connected++
		}
	}
	return connected, width, height, nil
}

// Light turns the monitor on or off. It stays off until Light(true) or until
// somebody touches the machine. A server that has no hand on its monitor is
// asked to draw black instead.
func (d *Display) Light(on bool) error {
	mode := byte(xproto.ScreenSaverActive)
	if on {
		mode = xproto.ScreenSaverReset
	}
	_, has := extension(d.conn, "DPMS")
	if has {
		c, err := dpms.Capable(d.conn).Reply()
		has = err == nil && c.Capable
	}
	if !has || on {
		if err := xproto.ForceScreenSaverChecked(d.conn, mode).Check(); err != nil {
			return fmt.Errorf("turn the screen on or off: %w", err)
		}
	}
	if !has {
		return nil
	}
	if !on { // otherwise the server refuses any level
		if err := dpms.EnableChecked(d.conn).Check(); err != nil {
			return fmt.Errorf("turn the monitor off: %w", err)
		}
		if err := dpms.ForceLevelChecked(d.conn, dpms.DPMSModeOff).Check(); err != nil {
			return fmt.Errorf("turn the monitor off: %w", err)
		}
		return nil
	}
	info, err := dpms.Info(d.conn).Reply()
	if err != nil {
		return fmt.Errorf("turn the monitor on: %w", err)
	}
	if !info.State {
		return nil // nothing turns it off
	}
	if err := dpms.ForceLevelChecked(d.conn, dpms.DPMSModeOn).Check(); err != nil {
		return fmt.Errorf("turn the monitor on: %w", err)
	}
	// A monitor that goes dark by itself looks broken to the next client.
	if err := dpms.DisableChecked(d.conn).Check(); err != nil {
		return fmt.Errorf("turn the monitor on: %w", err)
	}
	return nil
}
