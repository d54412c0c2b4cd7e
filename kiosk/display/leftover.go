package display

import (
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb/screensaver"
	"github.com/jezek/xgb/xproto"
)

// screenSaver is the extension that knows when somebody last touched anything.
const screenSaver = "MIT-SCREEN-SAVER"

// IdleFor is how long nobody has touched mouse, keyboard or screen. Events
// that a program injects count as a touch.
func (d *Display) IdleFor() (time.Duration, error) {
	if !d.idle {
		return 0, errors.New("ask for the idle time: the display has no " + screenSaver + " extension")
	}
	info, err := screensaver.QueryInfo(d.conn, xproto.Drawable(d.root)).Reply()
	if err != nil {
		return 0, fmt.Errorf("ask for the idle time: %w", err)
	}
	return time.Duration(info.MsSinceUserInput) * time.Millisecond, nil
}

// PointerHeld reports whether a button of the mouse, or a finger, is down.
func (d *Display) PointerHeld() (bool, error) {
	p, err := xproto.QueryPointer(d.conn, d.root).Reply()
	if err != nil {
		return false, fmt.Errorf("ask for the pointer: %w", err)
	}
	return p.Mask&(xproto.ButtonMask1|xproto.ButtonMask2|xproto.ButtonMask3) != 0, nil
}

func (d *Display) selections() []xproto.Atom {
	return []xproto.Atom{xproto.AtomPrimary, xproto.AtomSecondary, d.atoms.clipboard}
}

func cutBuffers() []xproto.Atom {
	return []xproto.Atom{xproto.AtomCutBuffer0, xproto.AtomCutBuffer1, xproto.AtomCutBuffer2, xproto.AtomCutBuffer3,
		xproto.AtomCutBuffer4, xproto.AtomCutBuffer5, xproto.AtomCutBuffer6, xproto.AtomCutBuffer7}
}

// SelectionOwners counts the places that hold copied content: the selections
// that have an owner and the cut buffers that exist. It reads none of it.
func (d *Display) SelectionOwners() (int, error) {
	n := 0
	for _, s := range d.selections() {
		reply, err := xproto.GetSelectionOwner(d.conn, s).Reply()
		if err != nil {
			return n, fmt.Errorf("ask who owns a selection: %w", err)
		}
		if reply.Owner != xproto.WindowNone {
			n++
		}
	}
	for _, b := range cutBuffers() {
		reply, err := xproto.GetProperty(d.conn, false, d.root, b, xproto.GetPropertyTypeAny, 0, 0).Reply()
		if err != nil {
			return n, fmt.Errorf("look at a cut buffer: %w", err)
		}
		if reply.Type != xproto.AtomNone {
			n++
		}
	}
	return n, nil
}

// ClearSelections takes the selections from their owners and removes the cut
// buffers.
func (d *Display) ClearSelections() error {
	for _, s := range d.selections() {
		if err := xproto.SetSelectionOwnerChecked(d.conn, xproto.WindowNone, s, xproto.TimeCurrentTime).Check(); err != nil {
			return fmt.Errorf("clear a selection: %w", err)
		}
	}
	for _, b := range cutBuffers() {
		if err := xproto.DeletePropertyChecked(d.conn, d.root, b).Check(); err != nil {
			return fmt.Errorf("remove a cut buffer: %w", err)
		}
	}
	return nil
}
