package display

import (
	"errors"
	"fmt"
)

// Requests and values of the XKEYBOARD extension, as its protocol numbers them.
const (
	xkbUse         = 0
	xkbGetState    = 4
	xkbLatchLock   = 5
	xkbGetControls = 6
	xkbSetControls = 7

	xkbCoreKeyboard = 0x100

	xkbSlowKeys    = 1 << 1
	xkbBounceKeys  = 1 << 2
	xkbStickyKeys  = 1 << 3
	xkbMouseKeys   = 1 << 4
	xkbGestures    = 1 << 6 // AccessXKeys: Shift five times and the like
	xkbTimeout     = 1 << 7
	xkbFeedback    = 1 << 8
	xkbEnabledMask = 1 << 31 // the request changes what is enabled

	xkbStickyAlways = 0 // no sound; two keys at once do not end it; twice does not lock
)

// xkb makes the extension usable and returns its number.
func (d *Display) xkb() (byte, error) {
	opcode, ok := extension(d.conn, "XKEYBOARD")
	if !ok {
		return 0, errors.New("the display has no XKEYBOARD extension; start it without switching that off")
	}
	reply, err := d.call(newRequest(opcode, xkbUse).u16(1).u16(0), 32)
	if err != nil {
		return 0, err
	}
	if reply[1] == 0 {
		return 0, errors.New("the display's XKEYBOARD extension is not of version 1")
	}
	return opcode, nil
}

// Sticky turns sticky keys on or off: Shift, Ctrl, Alt pressed and let go stay
// down until the next key. No gesture on the keyboard turns them on or off, and
// no other such aid is left on.
func (d *Display) Sticky(on bool) error {
	opcode, err := d.xkb()
	if err != nil {
		return fmt.Errorf("set sticky keys: %w", err)
	}
	var enabled uint32
	if on {
		enabled = xkbStickyKeys
	}
	const affected = xkbSlowKeys | xkbBounceKeys | xkbStickyKeys | xkbMouseKeys | xkbGestures | xkbTimeout | xkbFeedback
	r := newRequest(opcode, xkbSetControls).u16(xkbCoreKeyboard).
		u32(0).u32(0).u32(0). // modifiers that stay as they are
		u16(0).u16(xkbStickyAlways).u16(0).
		u32(affected).u32(enabled).u32(xkbEnabledMask | xkbStickyKeys)
	for len(r) < 100 { // times and per-key repeat, which stay as they are
		r = r.u32(0)
	}
	if err := d.send(r); err != nil {
		return fmt.Errorf("set sticky keys: %w", err)
	}
	now, err := d.stickyNow(opcode)
	if err != nil {
		return fmt.Errorf("set sticky keys: %w", err)
	}
	if now != on {
		return errors.New("set sticky keys: the display did not do it")
	}
	if !on {
		return d.unlatch(opcode)
	}
	return nil
}

// stickyNow tells whether sticky keys are on. The library drops errors of the
// extension's own kind, so what was set is read back.
func (d *Display) stickyNow(opcode byte) (bool, error) {
	reply, err := d.call(newRequest(opcode, xkbGetControls).u16(xkbCoreKeyboard).u16(0), 92)
	if err != nil {
		return false, err
	}
	return u32(reply, 56)&xkbStickyKeys != 0, nil
}

// CapsLock is Caps Lock among what Locks tells.
const CapsLock byte = 1 << 1

// Locks tells which modifiers stay on now, for ResetKeys.
func (d *Display) Locks() (byte, error) {
	opcode, err := d.xkb()
	if err != nil {
		return 0, fmt.Errorf("ask which keys are locked: %w", err)
	}
	reply, err := d.call(newRequest(opcode, xkbGetState).u16(xkbCoreKeyboard).u16(0), 32)
	if err != nil {
		return 0, fmt.Errorf("ask which keys are locked: %w", err)
	}
	return reply[11], nil
}

// ResetKeys turns sticky keys off, lets go of every modifier that waits for a
// key, and locks exactly those that Locks told of.
func (d *Display) ResetKeys(locks byte) error {
	if err := d.Sticky(false); err != nil {
		return err
	}
	opcode, err := d.xkb()
	if err == nil {
		err = d.latchLock(opcode, 0xff, locks)
	}
	if err != nil {
		return fmt.Errorf("let go of the keys: %w", err)
	}
	return nil
}

// unlatch lets go of every modifier that waits for a key.
func (d *Display) unlatch(opcode byte) error {
	if err := d.latchLock(opcode, 0, 0); err != nil {
		return fmt.Errorf("let go of the keys: %w", err)
	}
	return nil
}

func (d *Display) latchLock(opcode, affect, locks byte) error {
	const allLatches = 0xff
	r := newRequest(opcode, xkbLatchLock).u16(xkbCoreKeyboard)
	// Modifier locks; the group, which is always the first; modifier latches;
	// the group's latch.
	r = append(r, affect, locks, 1, 0, allLatches, 0, 0, 1, 0, 0)
	return d.send(r)
}
