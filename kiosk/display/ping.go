package display

import (
	"time"

	"github.com/jezek/xgb/xproto"
)

// How often a window is asked whether it lives, and how long it may take to
// answer before it counts as frozen.
const (
	pingEvery    = time.Second
	pingPatience = 5 * time.Second
)

// ping is what we know of one window's answers.
type ping struct {
	window xproto.Window
	sent   time.Time // when it was last asked
	since  time.Time // the oldest question without an answer; zero for none
}

// Answers reports whether the main window of the class answers: false once it
// has not for 5 seconds, true while that is not known or there is no window.
// It asks the window at most every second and only when it is called, so
// it has to be called regularly.
func (d *Display) Answers(class string) bool {
	w, found, err := d.FindRole(class, "browser")
	if err == nil && !found {
		w, found, err = d.Find(class)
	}
	if err != nil || !found || !d.knowsPing(xproto.Window(w)) {
		d.pingMu.Lock()
		delete(d.pings, class)
		d.pingMu.Unlock()
		return true
	}
	now := time.Now()
	d.pingMu.Lock()
	p := d.pings[class]
	if p.window != xproto.Window(w) {
		p = ping{window: xproto.Window(w)}
	}
	ask := now.Sub(p.sent) >= pingEvery
	if ask {
		p.sent = now
		if p.since.IsZero() {
			p.since = now
		}
	}
	answers := p.since.IsZero() || now.Sub(p.since) < pingPatience
	d.pings[class] = p
	d.pingMu.Unlock()
	if ask {
		event := xproto.ClientMessageEvent{Format: 32, Window: xproto.Window(w), Type: d.atoms.protocols,
			Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(d.atoms.ping), pingStamp, uint32(w), 0, 0})}
		xproto.SendEvent(d.conn, false, xproto.Window(w), xproto.EventMaskNoEvent, string(event.Bytes()))
	}
	return answers
}

// pingStamp stands where a time would: it tells our questions from those of
// the window manager.
const pingStamp = 0x59484b31

// knowsPing reports whether the window promises to answer.
func (d *Display) knowsPing(w xproto.Window) bool {
	v, err := d.property(w, d.atoms.protocols)
	for ; err == nil && len(v) >= 4; v = v[4:] {
		if xproto.Atom(u32(v, 0)) == d.atoms.ping {
			return true
		}
	}
	return false
}

// pong takes an answer to a ping, which comes to the root window.
func (d *Display) pong(e xproto.ClientMessageEvent) {
	if e.Format != 32 || e.Type != d.atoms.protocols {
		return
	}
	data := e.Data.Data32
	if xproto.Atom(data[0]) != d.atoms.ping || data[1] != pingStamp {
		return
	}
	d.pingMu.Lock()
	defer d.pingMu.Unlock()
	for class, p := range d.pings {
		if uint32(p.window) == data[2] {
			p.since = time.Time{}
			d.pings[class] = p
		}
	}
}
