package rig

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/xserver"
)

// Display is an X server of the scenario's own.
type Display struct {
	hand.Hand
	Server *Process
	W, H   int
}

// NewDisplay starts an X server with a cookie. It takes the first display
// number that is free.
func (w *World) NewDisplay() *Display {
	w.Helper()
	cookie := make([]byte, 16)
	rand.Read(cookie)
	d := &Display{W: 1366, H: 768}
	name := "xauth-" + rand.Text()[:8]
	d.Xauthority = w.Write(name, string(xserver.Authority("", cookie)))
	d.Server = w.Start("Xvfb", nil, d.xvfb("-displayfd", "1")...)
	w.Until(20*time.Second, "the X server says its number", func() (bool, string) {
		said := d.Server.Out.String()
		if d.Server.Ended() {
			w.Fatalf("the X server ended: %s", said)
		}
		for line := range strings.Lines(said) {
			if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && strings.HasSuffix(line, "\n") {
				d.Hand.Display = fmt.Sprintf(":%d", n)
				return true, ""
			}
		}
		return false, said
	})
	w.Write(name, string(xserver.Authority(d.Hand.Display[1:], cookie)))
	w.Until(10*time.Second, "the X server answers", func() (bool, string) { return d.Up(w.Ctx), d.Server.Out.String() })
	w.Cleanup(func() { w.picture(d.Hand) }) // runs before the world ends
	return d
}

// xvfb is the command of its server, which is told where to serve. One that
// begins anew when its last client goes turns away whoever comes just then.
func (d *Display) xvfb(where ...string) []string {
	return slices.Concat([]string{"Xvfb"}, where, []string{"-screen", "0", "1366x768x24", "-auth", d.Xauthority, "-nolisten", "tcp", "-noreset"})
}

// PowerCut kills the server as a power cut does and removes the names that it
// can then not remove itself.
func (d *Display) PowerCut() {
	d.Server.Kill()
	d.forget()
}

// forget removes the names of a server that was killed.
func (d *Display) forget() {
	n := strings.TrimPrefix(d.Hand.Display, ":")
	os.Remove("/tmp/.X" + n + "-lock")
	os.Remove("/tmp/.X11-unix/X" + n)
}

// Env is what a program needs to show something there.
func (d *Display) Env() []string {
	return []string{"DISPLAY=" + d.Hand.Display, "XAUTHORITY=" + d.Xauthority}
}
