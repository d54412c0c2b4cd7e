package display

import (
	"errors"
	"fmt"
	"image"

	"github.com/jezek/xgb/xproto"
)

// Touch is one press on a panel, or its end.
type Touch struct {
	X, Y int    // in the panel
	Down bool   // false: let go
	At   uint32 // the server's clock in milliseconds
}

// Panel is a window of ours that never takes the keyboard from anybody: above
// the client's browser, below our shell, and away while the emergency curtain
// is up. While it is shown, the window manager keeps other windows off its
// place.
type Panel struct {
	d       *Display
	window  xproto.Window
	dock    xproto.Window // holds the place for the window manager
	gc      xproto.Gcontext
	shell   string // the class that it stays below
	touches chan Touch

	// Guarded by d.mu, as the curtain is.
	picture xproto.Pixmap
	place   Rect
	shown   bool
}

// NewPanel makes the panel, not shown. shell is the class of our shell's
// window. A display has one panel at most.
func (d *Display) NewPanel(shell string) (*Panel, error) {
	if d.screen.RootDepth != 24 {
		return nil, fmt.Errorf("make a panel: the screen has %d bits per pixel, not 24", d.screen.RootDepth)
	}
	p := &Panel{d: d, shell: shell, touches: make(chan Touch, 64)}
	var err error
	if p.window, err = p.makeWindow(1, xproto.EventMaskButtonPress|xproto.EventMaskButtonRelease|xproto.EventMaskVisibilityChange, "Panel"); err != nil {
		return nil, fmt.Errorf("make a panel: %w", err)
	}
	if p.dock, err = p.makeWindow(0, 0, "PanelPlace"); err != nil {
		return nil, fmt.Errorf("make a panel: %w", err)
	}
	if err := d.dockType(p.dock); err != nil {
		return nil, fmt.Errorf("make a panel: %w", err)
	}
	if p.gc, err = xproto.NewGcontextId(d.conn); err != nil {
		return nil, fmt.Errorf("make a panel: %w", err)
	}
	if err := xproto.CreateGCChecked(d.conn, p.gc, xproto.Drawable(d.root), 0, nil).Check(); err != nil {
		return nil, fmt.Errorf("make a panel: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panel != nil {
		return nil, errors.New("make a panel: there is one already")
	}
	d.panel = p
	return p, nil
}

func (p *Panel) makeWindow(override, events uint32, role string) (xproto.Window, error) {
	d := p.d
	id, err := xproto.NewWindowId(d.conn)
	if err != nil {
		return 0, err
	}
	err = xproto.CreateWindowChecked(d.conn, d.screen.RootDepth, id, d.root, 0, 0, 1, 1, 0,
		xproto.WindowClassInputOutput, d.screen.RootVisual, xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask,
		[]uint32{paper, override, events}).Check()
	if err != nil {
		return 0, err
	}
	class := "kioskpanel\x00Kiosk" + role + "\x00"
	return id, xproto.ChangePropertyChecked(d.conn, xproto.PropModeReplace, id, xproto.AtomWmClass,
		xproto.AtomString, 8, uint32(len(class)), []byte(class)).Check()
}

// dockType says that the window only holds a place and never the keyboard.
func (d *Display) dockType(w xproto.Window) error {
	dock := request(nil).u32(uint32(d.atoms.dock))
	err := xproto.ChangePropertyChecked(d.conn, xproto.PropModeReplace, w, d.atoms.windowType, xproto.AtomAtom, 32, 1, dock).Check()
	if err != nil {
		return err
	}
	const inputHint = 1
	hints := request(nil).u32(inputHint).u32(0)
	for len(hints) < 36 {
		hints = hints.u32(0)
	}
	return xproto.ChangePropertyChecked(d.conn, xproto.PropModeReplace, w, xproto.AtomWmHints, xproto.AtomWmHints, 32, 9, hints).Check()
}

// Touches are the presses on the panel. Presses that nobody takes are dropped.
func (p *Panel) Touches() <-chan Touch { return p.touches }

// Prepare makes the panel's picture for a place of that size; Paint fills it.
func (p *Panel) Prepare(place Rect) error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if place.W < 1 || place.H < 1 {
		return fmt.Errorf("prepare the panel: no room of %dx%d", place.W, place.H)
	}
	picture, err := xproto.NewPixmapId(p.d.conn)
	if err != nil {
		return fmt.Errorf("prepare the panel: %w", err)
	}
	err = xproto.CreatePixmapChecked(p.d.conn, p.d.screen.RootDepth, picture, xproto.Drawable(p.d.root), uint16(place.W), uint16(place.H)).Check()
	if err != nil {
		return fmt.Errorf("prepare the panel: %w", err)
	}
	p.forget()
	p.picture, p.place = picture, place
	return nil
}

// forget gives the picture back to the server.
func (p *Panel) forget() {
	if p.picture != 0 {
		xproto.FreePixmap(p.d.conn, p.picture)
		p.picture = 0
	}
}

// requestBytes is how much of a picture goes into one request; the server
// takes 256 KiB.
const requestBytes = 200 << 10

// Paint puts the image into the panel's picture, and on the screen if the
// panel is shown.
func (p *Panel) Paint(img *image.RGBA, x, y int) error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if p.picture == 0 {
		return nil // hidden meanwhile
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	rows := max(1, requestBytes/(4*w))
	for top := 0; top < h; top += rows {
		n := min(rows, h-top)
		data := make([]byte, 0, 4*w*n)
		for row := top; row < top+n; row++ {
			line := img.Pix[row*img.Stride : row*img.Stride+4*w]
			for ; len(line) >= 4; line = line[4:] {
				data = append(data, line[2], line[1], line[0], 0)
			}
		}
		xproto.PutImage(p.d.conn, xproto.ImageFormatZPixmap, xproto.Drawable(p.picture), p.gc, uint16(w), uint16(n),
			int16(x), int16(y+top), 0, p.d.screen.RootDepth, data)
	}
	if !p.shown {
		return nil
	}
	xproto.ChangeWindowAttributes(p.d.conn, p.window, xproto.CwBackPixmap, []uint32{uint32(p.picture)})
	return xproto.ClearAreaChecked(p.d.conn, false, p.window, int16(x), int16(y), uint16(w), uint16(h)).Check()
}

// Show puts the panel at its place, with the picture that was painted. While
// the emergency curtain is up it stays away, and comes with its end.
func (p *Panel) Show() error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if p.picture == 0 {
		return errors.New("show the panel: it has no picture")
	}
	p.shown = true
	xproto.ChangeWindowAttributes(p.d.conn, p.window, xproto.CwBackPixmap, []uint32{uint32(p.picture)})
	err := xproto.ConfigureWindowChecked(p.d.conn, p.window,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(p.place.X), uint32(p.place.Y), uint32(p.place.W), uint32(p.place.H)}).Check()
	if err != nil {
		return fmt.Errorf("place the panel: %w", err)
	}
	_, height := p.d.Size()
	if err := p.d.Strut(Window(p.dock), height-p.place.Y); err != nil {
		return err
	}
	xproto.ConfigureWindow(p.d.conn, p.dock, xproto.ConfigWindowX|xproto.ConfigWindowY, []uint32{0, uint32(height - 1)})
	if p.d.covered {
		return nil
	}
	return p.appear()
}

// appear maps what was shown. d.mu is held.
func (p *Panel) appear() error {
	p.restack()
	xproto.MapWindow(p.d.conn, p.dock)
	if err := xproto.MapWindowChecked(p.d.conn, p.window).Check(); err != nil {
		return fmt.Errorf("show the panel: %w", err)
	}
	xproto.ClearArea(p.d.conn, false, p.window, 0, 0, 0, 0)
	return nil
}

// vanish takes the panel off the screen, without waiting. d.mu is held.
func (p *Panel) vanish() {
	xproto.UnmapWindow(p.d.conn, p.window)
	xproto.UnmapWindow(p.d.conn, p.dock)
}

// Hide takes the panel away and forgets its picture.
func (p *Panel) Hide() error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	p.shown = false
	p.forget()
	p.vanish()
	// A window manager that has not mapped the dock yet would not notice that
	// it is gone; what it maps later takes no room.
	if err := p.d.Strut(Window(p.dock), 0); err != nil {
		return fmt.Errorf("hide the panel: %w", err)
	}
	xproto.ChangeWindowAttributes(p.d.conn, p.window, xproto.CwBackPixel, []uint32{paper})
	if err := xproto.ConfigureWindowChecked(p.d.conn, p.window, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{1, 1}).Check(); err != nil {
		return fmt.Errorf("hide the panel: %w", err)
	}
	return nil
}

// PanelHeight is how much room the panel takes at the bottom, above the strip;
// 0 while none is shown.
func (d *Display) PanelHeight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panel == nil || !d.panel.shown {
		return 0
	}
	return d.panel.place.H
}

// restack puts the panel below the shell's window, if there is one, otherwise
// above everything but the curtain. It asks the server several things, so it
// must not run where the events are taken.
func (p *Panel) restack() {
	sibling, mode := p.d.curtain, uint32(xproto.StackModeBelow)
	if shell, found, err := p.d.Find(p.shell); err == nil && found {
		sibling = p.d.outermost(xproto.Window(shell))
	} else if !p.d.covered {
		xproto.ConfigureWindow(p.d.conn, p.window, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
		return
	}
	xproto.ConfigureWindow(p.d.conn, p.window, xproto.ConfigWindowSibling|xproto.ConfigWindowStackMode, []uint32{uint32(sibling), mode})
}

// outermost is the frame around a window: its ancestor just below the root.
func (d *Display) outermost(w xproto.Window) xproto.Window {
	for {
		tree, err := xproto.QueryTree(d.conn, w).Reply()
		if err != nil || tree.Parent == d.root || tree.Parent == xproto.WindowNone {
			return w
		}
		w = tree.Parent
	}
}

// keepUp puts the panel back to its place among the windows whenever another
// one was raised. It ends with the connection.
func (d *Display) keepUp() {
	for {
		select {
		case <-d.moved:
		case <-d.done:
			return
		}
		d.mu.Lock()
		if d.panel != nil && d.panel.shown && !d.covered {
			d.panel.restack() // changes nothing, and tells nobody, if nothing is wrong
		}
		d.mu.Unlock()
	}
}

// touched takes an event of a pointer button.
func (d *Display) touched(w xproto.Window, button xproto.Button, x, y int16, at xproto.Timestamp, down bool) {
	d.mu.Lock()
	p := d.panel
	d.mu.Unlock()
	if p == nil || p.window != w || button > 3 { // 4 and more is the wheel
		return
	}
	select {
	case p.touches <- Touch{X: int(x), Y: int(y), Down: down, At: uint32(at)}:
	default:
	}
}
