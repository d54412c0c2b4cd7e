package e2e

import (
	"testing"
	"time"

	"yhteiskone/internal/e2e/rig"
	"yhteiskone/internal/fleet"
)

// keyboardHeight is the on-screen keyboard's, from the kiosk's look.
const keyboardHeight = 280

// classPanel is the class of the on-screen keyboard's window.
const classPanel = "KioskPanel"

// boards counts the on-screen keyboards that are to be seen.
func (p *place) boards() int { return len(p.display.Windows(p.Ctx, classPanel)) }

// A client who types on the screen: the keyboard stands above the strip, the
// page makes room for it, and it is gone with the session.
func TestBrowserOnScreenKeyboard(t *testing.T) {
	// What a browser that X does not trust has copied, the test cannot read.
	p := open(t, rig.KioskOptions{Browser: "x_trust = \"always\""})
	seq := p.kiosk.Wiped(15*time.Second, 0)
	p.pressTile()
	p.until(15*time.Second, "the page of comforts", func() (bool, string) {
		if p.shell().H > stripHeight {
			return true, ""
		}
		p.do(p.display.Click(p.Ctx, 256, p.display.H-stripHeight/2))
		return false, ""
	})
	p.until(15*time.Second, "the keyboard", func() (bool, string) {
		if p.boards() == 1 {
			return true, ""
		}
		p.do(p.display.Click(p.Ctx, 515, 555))
		return false, ""
	})
	p.until(15*time.Second, "the strip alone", func() (bool, string) {
		if p.shell().H == stripHeight {
			return true, ""
		}
		p.do(p.display.Click(p.Ctx, 212, p.display.H-stripHeight/2))
		return false, ""
	})
	// Nothing tells where a window stands without a frame's doubts, so: the
	// page is smaller by the keyboard.
	p.Until(10*time.Second, "the page to make room", func() (bool, string) {
		for _, id := range p.display.Windows(p.Ctx, "ClientBrowser") {
			if b, err := p.display.Size(p.Ctx, id); err == nil && b.H == p.display.H-stripHeight-keyboardHeight {
				return true, ""
			}
		}
		return false, ""
	})
	p.do(p.display.Click(p.Ctx, 683, 236)) // the bank's first field
	at := func(x int) { p.do(p.display.Click(p.Ctx, x, p.display.H-stripHeight-keyboardHeight+105)) }
	at(1147) // ä
	at(1038) // ö
	p.do(p.display.Key(p.Ctx, "ctrl+a", "ctrl+c"))
	p.until(10*time.Second, "the letters in the field", func() (bool, string) {
		text, _ := p.display.Selection(p.Ctx, "clipboard")
		p.do(p.display.Key(p.Ctx, "ctrl+a", "ctrl+c"))
		return text == "äö", text
	})
	p.do(p.display.Click(p.Ctx, 1282, p.display.H-stripHeight-35)) // its own key to hide it
	p.Until(10*time.Second, "the keyboard to be hidden", func() (bool, string) { return p.boards() == 0, "" })
	p.until(15*time.Second, "one press in the page of comforts to bring it back", func() (bool, string) {
		if p.shell().H > stripHeight {
			if p.boards() == 0 {
				p.do(p.display.Click(p.Ctx, 515, 555))
			}
			return p.boards() == 1, ""
		}
		p.do(p.display.Click(p.Ctx, 256, p.display.H-stripHeight/2))
		return false, ""
	})
	p.kiosk.End()
	p.Until(10*time.Second, "the keyboard to be gone", func() (bool, string) { return p.boards() == 0, "" })
	p.kiosk.Wiped(20*time.Second, seq)
	p.kiosk.In(20*time.Second, fleet.Ready)
}
