package rig

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"yhteiskone/internal/e2e/hand"
)

// Display is an X server of the scenario's own.
type Display struct {
	hand.Hand
	Server *Process
	W, H   int
}

// DisplaysEnv names the display numbers that scenarios use, for example
// "61-69": several people who test on one machine keep out of each other's way.
const DisplaysEnv = "YHTEISKONE_DISPLAYS"

// displays are the numbers of DisplaysEnv.
func displays() (first, last int) {
	if n, _ := fmt.Sscanf(os.Getenv(DisplaysEnv), "%d-%d", &first, &last); n == 2 {
		return first, last
	}
	return 61, 69
}

// NewDisplay starts an X server with a cookie.
func (w *World) NewDisplay() *Display {
	w.Helper()
	firstDisplay, lastDisplay := displays()
	for n := firstDisplay; n <= lastDisplay; n++ {
		if _, err := os.Stat(fmt.Sprintf("/tmp/.X%d-lock", n)); err == nil {
			continue
		}
		if d := w.display(n); d != nil {
			return d
		}
	}
	w.Fatalf("no display from :%d to :%d is free; remove what is left of old X servers in /tmp", firstDisplay, lastDisplay)
	return nil
}

// display starts a server at that number; nil if somebody was quicker.
func (w *World) display(n int) *Display {
	w.Helper()
	name := fmt.Sprintf(":%d", n)
	auth := w.Write(fmt.Sprintf("xauth%d", n), "")
	cookie := make([]byte, 16)
	rand.Read(cookie)
	if code, _, errs := w.Run(nil, "xauth", "-q", "-f", auth, "add", name, ".", hex.EncodeToString(cookie)); code != 0 {
		w.Fatalf("make the display's cookie: %s", errs)
	}
	d := &Display{Hand: hand.Hand{Display: name, Xauthority: auth}, W: 1366, H: 768}
	d.Server = w.Start("Xvfb", nil, "Xvfb", name, "-screen", "0", "1366x768x24", "-auth", auth, "-nolisten", "tcp")
	up := false
	w.Until(10*time.Second, "the X server answers", func() (bool, string) {
		if d.Server.Ended() {
			return true, ""
		}
		up = d.Up(w.Ctx)
		return up, d.Server.Out.String()
	})
	if !up {
		return nil
	}
	w.Cleanup(func() { w.picture(d.Hand) }) // runs before the world ends
	return d
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
