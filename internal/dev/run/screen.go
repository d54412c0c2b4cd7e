package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/dev/guest"
)

// screenSize is that of most donated PCs.
const screenSize = "1366x768"

// screen is the X server that the kiosk runs on.
type screen struct {
	part    *part
	display string // ":7"
	cookie  string // file
	window  bool   // somebody sees it in a window of their own display
	vnc     string // address, empty if there is none
	secret  string // for it
}

// openScreen starts Xephyr in a window where there is a display, else Xvfb.
func (h *host) openScreen(ctx context.Context) (*screen, error) {
	if os.Getenv("DISPLAY") != "" {
		s, err := h.server(ctx, "xephyr", guest.Guest{UID: os.Getuid(), GID: os.Getgid()}, os.Environ(),
			"Xephyr", "-screen", screenSize, "-title", "Yhteiskone", "-no-host-grab")
		if err == nil {
			s.window = true
			return s, nil
		}
		h.say("No window on %s (%v); the kiosk's screen is drawn in memory instead.", os.Getenv("DISPLAY"), err)
	}
	s, err := h.server(ctx, "xvfb", h.who, h.environ(), "Xvfb", "-screen", "0", screenSize+"x24")
	if err != nil {
		return nil, err
	}
	return s, h.openVNC(ctx, s)
}

// server starts an X server that takes the first free number itself, and lets
// in only who holds the cookie.
func (h *host) server(ctx context.Context, name string, who guest.Guest, env []string, program string, args ...string) (*screen, error) {
	s := &screen{cookie: h.file("xauthority")}
	secret := make([]byte, 16)
	rand.Read(secret) // never fails, by its documentation
	if err := h.who.WriteFile(s.cookie, authority("", secret)); err != nil {
		return nil, err
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s is missing; run make setup", program)
	}
	// displayfd on stdout: the number comes into the log, alone on its line
	s.part, err = h.start(name, who, append(env, "YHTEISKONE_RUN="+h.mark), path,
		append(args, "-displayfd", "1", "-auth", s.cookie, "-nolisten", "tcp", "-noreset")...)
	if err != nil {
		return nil, err
	}
	err = await(ctx, s.part, 20*time.Second, func(context.Context) bool {
		text, _ := os.ReadFile(s.part.log)
		for line := range strings.Lines(string(text)) {
			if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && strings.HasSuffix(line, "\n") {
				s.display = fmt.Sprintf(":%d", n)
			}
		}
		return s.display != ""
	})
	if err != nil {
		s.part.stop()
		<-s.part.done
		h.parts = h.parts[:len(h.parts)-1]
		return nil, err
	}
	return s, h.who.WriteFile(s.cookie, authority(s.display[1:], secret))
}

// authority is an Xauthority file with one cookie, for any host.
func authority(number string, secret []byte) []byte {
	var b bytes.Buffer
	field := func(v []byte) {
		b.Write(binary.BigEndian.AppendUint16(nil, uint16(len(v))))
		b.Write(v)
	}
	b.Write([]byte{0xff, 0xff}) // FamilyWild
	field(nil)
	field([]byte(number))
	field([]byte("MIT-MAGIC-COOKIE-1"))
	field(secret)
	return b.Bytes()
}

// environ is how a program finds the screen.
func (s *screen) environ() []string {
	return []string{"DISPLAY=" + s.display, "XAUTHORITY=" + s.cookie}
}

// openVNC lets people on this machine see and drive the screen, if x11vnc is
// there: behind a password that is new each time.
func (h *host) openVNC(ctx context.Context, s *screen) error {
	path, err := exec.LookPath("x11vnc")
	if err != nil {
		return nil
	}
	port, err := freePort(ctx, 5900)
	if err != nil {
		return err
	}
	s.secret = rand.Text()[:8] // all that VNC looks at
	if err := h.who.WriteFile(h.file("vnc-password"), []byte(s.secret+"\n")); err != nil {
		return err
	}
	p, err := h.start("x11vnc", h.who, h.environ(s.environ()...), path, "-quiet", "-forever", "-shared", "-localhost",
		"-no6", "-rfbport", strconv.Itoa(port), "-passwdfile", h.file("vnc-password"), "-nosel")
	if err != nil {
		return err
	}
	err = await(ctx, p, 10*time.Second, func(ctx context.Context) bool { return answers(ctx, port) })
	if err != nil {
		h.say("The screen cannot be seen by VNC: %v", err)
		return nil
	}
	s.vnc = fmt.Sprintf("127.0.0.1:%d", port)
	return nil
}

// answers reports whether somebody listens on a port of this machine.
func answers(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// freePort is the first port from this one on that nobody has.
func freePort(ctx context.Context, from int) (int, error) {
	for port := from; port < from+200; port++ {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free", from, from+199)
}
