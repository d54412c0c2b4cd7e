package display

import (
	"errors"
	"fmt"

	"github.com/jezek/xgb/xproto"
)

// StripKey is the key with which somebody without a mouse reaches the strip:
// no browser does anything with it. Its keysym is that of X11's keysymdef.h.
const (
	StripKey    = "F9"
	stripKeysym = 0xffc6
)

// GrabStripKey makes the key ours, whoever has the keyboard, and returns a
// channel that says when it was pressed. Presses that nobody takes are dropped.
func (d *Display) GrabStripKey() (<-chan struct{}, error) {
	setup := xproto.Setup(d.conn)
	first, last := setup.MinKeycode, setup.MaxKeycode
	m, err := xproto.GetKeyboardMapping(d.conn, first, byte(last-first+1)).Reply()
	if err != nil {
		return nil, fmt.Errorf("read the keyboard's map: %w", err)
	}
	found := false
	for i, sym := range m.Keysyms {
		if sym != stripKeysym || i%int(m.KeysymsPerKeycode) != 0 {
			continue
		}
		code := first + xproto.Keycode(i/int(m.KeysymsPerKeycode))
		// With any modifier: Caps Lock or Num Lock must not take it away.
		err := xproto.GrabKeyChecked(d.conn, false, d.root, xproto.ModMaskAny, code, xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
		if err != nil {
			return nil, fmt.Errorf("take the key %s: %w", StripKey, err)
		}
		found = true
	}
	if !found {
		return nil, errors.New("the keyboard has no key " + StripKey)
	}
	return d.key, nil
}
