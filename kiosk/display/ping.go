package display

import (
	"time"

	"github.com/jezek/xgb/xproto"
)

// pingEvery is how often a window is asked whether it lives.
const pingEvery = 2 * time.Second

// ping is what we know of one window's answers.
type ping struct {
	window xproto.Window
	asked  time.Time
	owes   bool          // it was asked and has not answered since
	seen   time.Time     // when Silent was called last
	silent time.Duration // how long it has owed an answer
}

// Silent is how long the main window of the class has owed an answer; 0 while
// it owes none, while that is not known and when there is no window. It asks
// the window at most every two seconds and only when it is called, so it has to
// be called regularly. A time in which nobody called does not count: who slept
// or had no processor has not heard the answers either.
func (d *Display) Silent(class string) time.Duration {
	w, found, err := d.FindRole(class, "browser")
	if err == nil && !found {
		w, found, err = d.Find(class)
	}
	if err != nil || !found || !d.knowsPing(xproto.Window(w)) {
		d.pingMu.Lock()
		delete(d.pings, class)
		d.pingMu.Unlock()
		return 0
	}
	now := time.Now()
	d.pingMu.Lock()
	p := d.pings[class]
	if p.window != xproto.Window(w) {
		p = ping{window: xproto.Window(w)}
	}
	if p.owes {
		p.silent += min(now.Sub(p.seen), pingEvery)
	}
	p.seen = now
	ask := now.Sub(p.asked) >= pingEvery
	if ask {
		p.asked, p.owes = now, true
	}
	d.pings[class] = p
	d.pingMu.Unlock()
	if ask {
		event := xproto.ClientMessageEvent{Format: 32, Window: xproto.Window(w), Type: d.atoms.protocols,
			Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(d.atoms.ping), pingStamp, uint32(w), 0, 0})}
		xproto.SendEvent(d.conn, false, xproto.Window(w), xproto.EventMaskNoEvent, string(event.Bytes()))
	}
	return p.silent
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
	d.Answered(data[2])
}

// Answer is how the answer to our question is known: its type, and the first
// two of its five numbers. The third is the window, for Answered.
func (d *Display) Answer() (kind, protocol, stamp uint32) {
	return uint32(d.atoms.protocols), uint32(d.atoms.ping), pingStamp
}

// Answered takes an answer that came by another way: the X server delivers none
// of a program that it does not trust.
func (d *Display) Answered(window uint32) {
	d.pingMu.Lock()
	defer d.pingMu.Unlock()
	for class, p := range d.pings {
		if uint32(p.window) == window {
			p.owes, p.silent = false, 0
			d.pings[class] = p
		}
	}
}
