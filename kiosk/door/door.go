// Package door is the only way from the client's browser to the network.
//
// The browser lives in a network namespace of its own in which there is
// nothing. One process per session, the door, stands outside and serves it as
// a SOCKS5 proxy: it resolves a name, refuses what is on this machine or in
// the house's network, and connects to the very address that it judged, so a
// name that points elsewhere a moment later leads nowhere.
//
// How the two meet: the launcher (Enter) is the first program inside the
// sandbox. It opens the proxy's port there, hands the listening socket out by
// a socket pair and becomes Chromium. So nothing of ours stays inside, and the
// door needs no way in.
//
// In the same way it leads to the X server when that is not to trust the
// browser: it says who the browser is, by a cookie that the browser never has.
//
// It never lets a host pass by its name's look, never writes a log, never says
// to anybody where a client went and keeps nothing: what it knows is in its own
// memory and ends with the session. It holds no rights but its user's.
//
// Caveats: TCP only. There is no UDP, so no QUIC, and calls in the browser
// (WebRTC) go by a TCP relay or not at all. A centre whose network has its own
// mandatory proxy is not served. Neighbours in the house's network are told by
// the prefixes of this machine's own interfaces; a house with more than one
// network of public addresses is closed only where they are.
package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/rights"
)

// The names under which our own binary is the door, or the first program
// inside the sandbox.
const (
	Name      = "yhteiskone-door"
	EnterName = "yhteiskone-enter"
)

// Proxy is where the browser finds the door, inside its own namespace.
const Proxy = "socks5://127.0.0.1:1080"

// ports of the proxy; the two must agree.
const port = 1080

// The door's limits.
const (
	connections = 512              // at a time
	greetTime   = 10 * time.Second // for the proxy's own few words
	dialTime    = 30 * time.Second
	idleTime    = time.Hour // without a byte either way
)

// The door's handles: on which it gets its listening sockets and, if it leads
// to the X server, from which it reads the X cookie and to which it writes the
// windows that answer.
const passFD, cookieFD, lifeFD = 3, 4, 5

// Open says what the door lets through besides the public network.
type Open struct {
	// Home is our own page on this machine, reached by that address only and
	// by no name.
	Home netip.AddrPort
	// Reach are addresses that any name may lead to; for tests.
	Reach []netip.AddrPort
	// Screen is the path of the X server's socket, empty if the browser gets
	// there without the door.
	Screen string
	// Answer is what the door listens for there; the zero value is nothing.
	Answer Answer
}

// Args are the door's arguments.
func (o Open) Args() []string {
	args := []string{"--home=" + o.Home.String()}
	for _, r := range o.Reach {
		args = append(args, "--reach="+r.String())
	}
	if o.Screen != "" {
		args = append(args, "--screen="+o.Screen, "--answer="+o.Answer.String())
	}
	return args
}

func parseOpen(args []string) (Open, error) {
	var o Open
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		if name == "--screen" && filepath.IsAbs(value) {
			o.Screen = value
			continue
		}
		if name == "--answer" {
			var err error
			if o.Answer, err = parseAnswer(value); err != nil {
				return o, fmt.Errorf("read %s: %w", name, err)
			}
			continue
		}
		to, err := netip.ParseAddrPort(value)
		if err != nil {
			return o, fmt.Errorf("read %s: %w", name, err)
		}
		switch name {
		case "--home":
			o.Home = to
		case "--reach":
			o.Reach = append(o.Reach, to)
		default:
			return o, fmt.Errorf("there is no %s", name)
		}
	}
	if !o.Home.IsValid() {
		return o, errors.New("no page of ours is given")
	}
	return o, nil
}

// Act does what our binary does under one of this package's names and then
// ends the process. Under any other name it returns at once.
func Act(args []string) {
	var err error
	switch filepath.Base(args[0]) {
	case Name:
		err = stand(args[1:])
	case EnterName:
		err = enter(args[1:])
	default:
		return
	}
	// Of the door's errors nobody reads anything; of the launcher's, the kiosk.
	fmt.Fprintln(os.Stderr, "door:", err)
	os.Exit(1)
}

// stand is the door itself. It returns only with an error.
func stand(args []string) error {
	open, err := parseOpen(args)
	if err != nil {
		return err
	}
	if err := rights.Drop(); err != nil {
		return err
	}
	// What a crash would write may name hosts.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("write no core: %w", err)
	}
	// Everybody may raise their own; a kernel that says no just goes by size.
	os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	x := screen{path: open.Screen}
	if x.path != "" {
		if x.cookie, err = io.ReadAll(io.LimitReader(os.NewFile(cookieFD, "cookie"), 256)); err != nil {
			return fmt.Errorf("read the X cookie: %w", err)
		}
		if x.life, err = openLife(open.Answer, lifeFD); err != nil {
			return err
		}
	}
	l, err := receive(passFD)
	if err != nil {
		return err
	}
	if x.path != "" {
		if len(l) != 2 {
			return errors.New("take the sandbox's sockets: the one for the screen is missing")
		}
		go x.serve(l[1])
	}
	return newDoor(open).serve(context.Background(), l[0])
}

// receive takes the listening sockets from the sandbox.
func receive(fd int) ([]net.Listener, error) {
	defer unix.Close(fd)
	b, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(2*4))
	n, oobn, _, _, err := unix.Recvmsg(fd, b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("take the sandbox's sockets: %w", err)
	}
	if n != 1 {
		return nil, errors.New("take the sandbox's sockets: it ended before it gave one")
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, errors.New("take the sandbox's sockets: none came")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil, errors.New("take the sandbox's sockets: none came")
	}
	var all []net.Listener
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), "door")
		l, e := net.FileListener(f)
		f.Close()
		err = errors.Join(err, e)
		all = append(all, l)
	}
	if err != nil {
		return nil, fmt.Errorf("take the sandbox's sockets: %w", err)
	}
	return all, nil
}
