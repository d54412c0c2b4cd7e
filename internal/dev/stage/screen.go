package stage

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/dev/guest"
	"yhteiskone/internal/e2e/xserver"
)

// screenSize is that of most donated PCs.
const screenSize = "1366x768"

// Screen is the X server that the kiosk runs on.
type Screen struct {
	Part    *Part
	Display string // ":7"
	Cookie  string // file
	Window  bool   // somebody sees it in a window of their own display
	VNC     string // address, empty if there is none
	Secret  string // for it
}

// OpenScreen starts an X server. If it shall be seen, that is Xephyr in a window
// where there is a display, else Xvfb with VNC; if not, Xvfb alone.
func (st *Stage) OpenScreen(ctx context.Context, seen bool) (*Screen, error) {
	if seen && os.Getenv("DISPLAY") != "" {
		s, err := st.server(ctx, "xephyr", guest.Guest{UID: os.Getuid(), GID: os.Getgid()}, os.Environ(),
			"Xephyr", "-screen", screenSize, "-title", "Yhteiskone", "-no-host-grab")
		if err == nil {
			s.Window = true
			return s, nil
		}
		st.Say("No window on %s (%v); the kiosk's screen is drawn in memory instead.", os.Getenv("DISPLAY"), err)
	}
	s, err := st.server(ctx, "xvfb", st.Who, st.Environ(), "Xvfb", "-screen", "0", screenSize+"x24")
	if err != nil || !seen {
		return s, err
	}
	return s, st.openVNC(ctx, s)
}

// server starts an X server that takes the first free number itself, and lets
// in only who holds the cookie.
func (st *Stage) server(ctx context.Context, name string, who guest.Guest, env []string, program string, args ...string) (*Screen, error) {
	s := &Screen{Cookie: st.File("xauthority")}
	secret := make([]byte, 16)
	rand.Read(secret) // never fails, by its documentation
	if err := st.Who.WriteFile(s.Cookie, xserver.Authority("", secret)); err != nil {
		return nil, err
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s is missing; run make setup", program)
	}
	// displayfd on stdout: the number comes into the log, alone on its line
	s.Part, err = st.start(name, who, append(env, "YHTEISKONE_RUN="+st.mark), path,
		append(args, "-displayfd", "1", "-auth", s.Cookie, "-nolisten", "tcp", "-noreset")...)
	if err != nil {
		return nil, err
	}
	err = Await(ctx, s.Part, 20*time.Second, func(context.Context) bool {
		text, _ := os.ReadFile(s.Part.Log)
		for line := range strings.Lines(string(text)) {
			if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && strings.HasSuffix(line, "\n") {
				s.Display = fmt.Sprintf(":%d", n)
			}
		}
		return s.Display != ""
	})
	if err != nil {
		s.Part.Stop()
		st.parts = st.parts[:len(st.parts)-1]
		return nil, err
	}
	return s, st.Who.WriteFile(s.Cookie, xserver.Authority(s.Display[1:], secret))
}

// Environ is how a program finds the screen.
func (s *Screen) Environ() []string {
	return []string{"DISPLAY=" + s.Display, "XAUTHORITY=" + s.Cookie}
}

// openVNC lets people on this machine see and drive the screen, if x11vnc is
// there: behind a password that is new each time.
func (st *Stage) openVNC(ctx context.Context, s *Screen) error {
	path, err := exec.LookPath("x11vnc")
	if err != nil {
		return nil
	}
	port, err := freePort(ctx, 5900)
	if err != nil {
		return err
	}
	s.Secret = rand.Text()[:8] // all that VNC looks at
	if err := st.Who.WriteFile(st.File("vnc-password"), []byte(s.Secret+"\n")); err != nil {
		return err
	}
	p, err := st.start("x11vnc", st.Who, st.Environ(s.Environ()...), path, "-quiet", "-forever", "-shared", "-localhost",
		"-no6", "-rfbport", strconv.Itoa(port), "-passwdfile", st.File("vnc-password"), "-nosel")
	if err != nil {
		return err
	}
	err = Await(ctx, p, 10*time.Second, func(ctx context.Context) bool { return answers(ctx, port) })
	if err != nil {
		st.Say("The screen cannot be seen by VNC: %v", err)
		return nil
	}
	s.VNC = fmt.Sprintf("127.0.0.1:%d", port)
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
