package display

import (
	"fmt"

	"github.com/jezek/xgb/xproto"
)

// paper is the colour of our pages, so that the emergency curtain looks like
// one that has not been drawn yet.
const paper = 0xF6F4EE

// makeCurtain makes the emergency curtain ahead of time, unmapped: covering is
// then one request.
func (d *Display) makeCurtain() error {
	id, err := xproto.NewWindowId(d.conn)
	if err != nil {
		return err
	}
	// override-redirect keeps the window manager out of it.
	err = xproto.CreateWindowChecked(d.conn, d.screen.RootDepth, id, d.root, 0, 0, 1, 1, 0,
		xproto.WindowClassInputOutput, d.screen.RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask,
		[]uint32{paper, 1, xproto.EventMaskVisibilityChange}).Check()
	if err != nil {
		return err
	}
	const class = "kioskcover\x00KioskCover\x00"
	d.curtain = id
	return xproto.ChangePropertyChecked(d.conn, xproto.PropModeReplace, id, xproto.AtomWmClass,
		xproto.AtomString, 8, uint32(len(class)), []byte(class)).Check()
}

// Cover puts a plain curtain over everything and returns when it is there. It
// needs no browser and no window manager. Covering twice is no error.
func (d *Display) Cover() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Exactly as large as the screen is now: a window that reaches beyond it
	// counts as obscured for ever, and curtainSeen would hear of nothing more.
	w, h := d.Size()
	raise := xproto.ConfigureWindowChecked(d.conn, d.curtain,
		xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowStackMode,
		[]uint32{uint32(w), uint32(h), xproto.StackModeAbove})
	show := xproto.MapWindowChecked(d.conn, d.curtain)
	if d.panel != nil {
		d.panel.vanish()
	}
	if err := raise.Check(); err != nil {
		return fmt.Errorf("cover the screen: %w", err)
	}
	if err := show.Check(); err != nil {
		return fmt.Errorf("cover the screen: %w", err)
	}
	d.covered = true
	return nil
}

// Uncover takes the curtain away.
func (d *Display) Uncover() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := xproto.UnmapWindowChecked(d.conn, d.curtain).Check(); err != nil {
		return fmt.Errorf("uncover the screen: %w", err)
	}
	d.covered = false
	if d.panel != nil && d.panel.shown {
		return d.panel.appear()
	}
	return nil
}

// Covered reports whether the emergency curtain is up.
func (d *Display) Covered() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.covered
}

// curtainSeen raises the curtain again when a window came above it, for
// example a menu that the browser opened at that very moment.
func (d *Display) curtainSeen(v xproto.VisibilityNotifyEvent) {
	if v.Window != d.curtain || v.State == xproto.VisibilityUnobscured {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.covered {
		// Unchecked: this runs on the goroutine that takes the events.
		xproto.ConfigureWindow(d.conn, d.curtain, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
	}
}
