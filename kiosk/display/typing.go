package display

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// Key is a key that writes no character. The values are those of X11's
// keysymdef.h.
type Key uint32

// The keys that the on-screen keyboard has.
const (
	KeyBackspace Key = 0xff08
	KeyTab       Key = 0xff09
	KeyEnter     Key = 0xff0d
	KeyLeft      Key = 0xff51
	KeyUp        Key = 0xff52
	KeyRight     Key = 0xff53
	KeyDown      Key = 0xff54
)

const shiftKey = 0xffe1

// settle is how long programs get to read a changed keyboard map before the
// first key of it. There is no way to ask them whether they have.
const settle = 150 * time.Millisecond

// Typist presses keys for whoever has the keyboard. A character that the
// keyboard does not have gets, until PutBack, one of the keys that no keyboard
// has or that only starts a program. It remembers which keys it borrowed, never what it pressed.
type Typist struct {
	d     *Display
	first xproto.Keycode
	last  xproto.Keycode

	mu     sync.Mutex
	width  int                       // keysyms of one key
	syms   []uint32                  // what the server has, width for each key
	spare  []xproto.Keycode          // keys to borrow, those borrowed last at the end
	lent   map[xproto.Keycode]uint32 // what they meant before
	shift  xproto.Keycode
	shaken time.Time        // when the map was changed
	dirty  []xproto.Keycode // changed here, not yet at the server
}

// NewTypist finds out how this server's keyboard is mapped. Keys that an
// earlier kiosk had borrowed when it was killed are given back.
func (d *Display) NewTypist() (*Typist, error) {
	if _, ok := extension(d.conn, "XTEST"); !ok {
		return nil, errors.New("type for the client: the display has no XTEST extension; start it without switching that off")
	}
	setup := xproto.Setup(d.conn)
	t := &Typist{d: d, first: setup.MinKeycode, last: setup.MaxKeycode, lent: map[xproto.Keycode]uint32{}}
	left, err := d.property(d.root, d.atoms.borrowed)
	if err != nil {
		return nil, fmt.Errorf("type for the client: %w", err)
	}
	for ; len(left) >= 8; left = left[8:] {
		if code := u32(left, 0); code >= uint32(t.first) && code <= uint32(t.last) {
			t.lent[xproto.Keycode(code)] = u32(left, 4)
		}
	}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t, t.PutBack()
}

// read takes the server's map.
func (t *Typist) read() error {
	m, err := xproto.GetKeyboardMapping(t.d.conn, t.first, byte(t.last-t.first+1)).Reply()
	if err != nil {
		return fmt.Errorf("read the keyboard's map: %w", err)
	}
	t.width, t.syms, t.spare, t.shift = int(m.KeysymsPerKeycode), nil, nil, 0
	for _, s := range m.Keysyms {
		t.syms = append(t.syms, uint32(s))
	}
	for code := int(t.last); code >= int(t.first); code-- {
		own := t.of(xproto.Keycode(code))
		one := !slices.ContainsFunc(own[1:], func(s uint32) bool { return s != 0 && s != own[0] })
		free := own[0] == 0 || own[0] >= firstLaunch && own[0] <= lastLaunch
		switch {
		case one && free && isQuiet(code):
			t.spare = append(t.spare, xproto.Keycode(code))
		case own[0] == shiftKey:
			t.shift = xproto.Keycode(code)
		}
	}
	return nil
}

// The keysyms of keys that start programs, play music and the like. A map has
// too few keys without any meaning for a whole alphabet.
const firstLaunch, lastLaunch = 0x1008ff00, 0x1008ffff

// isQuiet reports whether the key may be borrowed: one that next to no keyboard
// has, and that Chromium does nothing with whatever the map says. (It searches
// at key 225 and goes back at 166.) The numbers are those of Linux and X.
func isQuiet(code int) bool {
	for _, r := range [][2]int{{242, 255}, {226, 230}, {219, 224}, {210, 214}, {182, 186}, {236, 238}, {177, 178},
		{234, 234}, {217, 217}, {208, 208}, {189, 189}, {170, 170}, {168, 168}, {165, 165}} {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

func (t *Typist) of(code xproto.Keycode) []uint32 {
	at := int(code-t.first) * t.width
	return t.syms[at : at+t.width]
}

// find looks for a key that gives the keysym, alone or with Shift.
func (t *Typist) find(sym uint32) (code xproto.Keycode, shift, ok bool) {
	for c := int(t.first); c <= int(t.last); c++ {
		own := t.of(xproto.Keycode(c))
		if own[0] == sym {
			return xproto.Keycode(c), false, true
		}
		if t.width > 1 && own[1] == sym && t.shift != 0 {
			return xproto.Keycode(c), true, true
		}
	}
	return 0, false, false
}

// keysym is the number of a character: Latin-1 has its own, all others those
// of Unicode.
func keysym(r rune) uint32 {
	if r >= 0x20 && r <= 0x7e || r >= 0xa0 && r <= 0xff {
		return uint32(r)
	}
	return 0x01000000 | uint32(r)
}

// old are keysyms that keyboard maps use in place of Unicode's.
func old(r rune) uint32 {
	switch {
	case r == '€':
		return 0x20ac
	case r >= 'а' && r <= 'я':
		return cyrillic[r-'а']
	case r >= 'А' && r <= 'Я':
		return cyrillic[r-'А'] + 0x20
	}
	return keysym(r)
}

// cyrillic are the old keysyms of the letters а to я, in that order; those of
// the capitals are 0x20 higher.
var cyrillic = [...]uint32{0x6c1, 0x6c2, 0x6d7, 0x6c7, 0x6c4, 0x6c5, 0x6d6, 0x6da, 0x6c9, 0x6ca, 0x6cb, 0x6cc, 0x6cd, 0x6ce, 0x6cf, 0x6d0, 0x6d2, 0x6d3, 0x6d4, 0x6d5, 0x6c6, 0x6c8, 0x6c3, 0x6de, 0x6db, 0x6dd, 0x6df, 0x6d9, 0x6d8, 0x6dc, 0x6c0, 0x6d1}

// Borrow gives every character a key ahead of time, so that the first press of
// it is not slower than the next, and programs know the map when it comes.
func (t *Typist) Borrow(characters []rune) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range characters {
		if _, _, err := t.key(r); err != nil {
			return err
		}
	}
	return t.flush()
}

// key finds the character's key, or borrows one.
func (t *Typist) key(r rune) (code xproto.Keycode, shift bool, err error) {
	for _, s := range []uint32{keysym(r), old(r)} {
		if code, shift, ok := t.find(s); ok {
			return code, shift, nil
		}
	}
	if len(t.spare) == 0 {
		return 0, false, errors.New("type for the client: the keyboard's map has no key to borrow")
	}
	// The key that was borrowed longest ago goes first.
	code = t.spare[0]
	t.spare = append(t.spare[1:], code)
	lower, upper := unicode.ToLower(r), unicode.ToUpper(r)
	if _, lent := t.lent[code]; !lent {
		t.lent[code] = t.of(code)[0]
	}
	own := t.of(code)
	clear(own)
	// Twice: the second pair is for those who switched to another group.
	for i, s := range []uint32{keysym(lower), keysym(upper), keysym(lower), keysym(upper)} {
		if i < len(own) {
			own[i] = s
		}
	}
	t.dirty = append(t.dirty, code)
	return code, r != lower && t.shift != 0, nil
}

// flush tells the server of the changed keys, neighbours at once: every program
// reads the whole map again for each. Which keys are borrowed is written down
// before, so that the next kiosk can give them back if this one is killed.
func (t *Typist) flush() error {
	if len(t.dirty) == 0 {
		return nil
	}
	if err := t.writeDown(); err != nil {
		return err
	}
	slices.Sort(t.dirty)
	t.dirty = slices.Compact(t.dirty)
	t.shaken = time.Now()
	for len(t.dirty) > 0 {
		first, n := t.dirty[0], 1
		for n < len(t.dirty) && t.dirty[n] == first+xproto.Keycode(n) {
			n++
		}
		syms := make([]xproto.Keysym, 0, t.width*n)
		for _, s := range t.syms[int(first-t.first)*t.width:][:t.width*n] {
			syms = append(syms, xproto.Keysym(s))
		}
		if err := xproto.ChangeKeyboardMappingChecked(t.d.conn, byte(n), first, byte(t.width), syms).Check(); err != nil {
			return fmt.Errorf("change the keyboard's map: %w", err)
		}
		t.dirty = t.dirty[n:]
	}
	return nil
}

func (t *Typist) writeDown() error {
	var list request
	for code, sym := range t.lent {
		list = list.u32(uint32(code)).u32(sym)
	}
	err := xproto.ChangePropertyChecked(t.d.conn, xproto.PropModeReplace, t.d.root, t.d.atoms.borrowed,
		xproto.AtomCardinal, 32, uint32(len(list)/4), list).Check()
	if err != nil {
		return fmt.Errorf("write down the borrowed keys: %w", err)
	}
	return nil
}

// PutBack gives back every borrowed key.
func (t *Typist) PutBack() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for code, sym := range t.lent {
		clear(t.of(code))
		t.of(code)[0] = sym
		t.dirty = append(t.dirty, code)
	}
	if err := t.flush(); err != nil {
		return err
	}
	clear(t.lent)
	if err := xproto.DeletePropertyChecked(t.d.conn, t.d.root, t.d.atoms.borrowed).Check(); err != nil {
		return fmt.Errorf("forget the borrowed keys: %w", err)
	}
	return t.read()
}

// Type presses the character's key for whoever has the keyboard.
func (t *Typist) Type(r rune) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	code, shift, err := t.key(r)
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		return err
	}
	state, err := xproto.QueryPointer(t.d.conn, t.d.root).Reply()
	if err != nil {
		return fmt.Errorf("look which keys are held: %w", err)
	}
	letter := unicode.ToLower(r) != unicode.ToUpper(r)
	if letter && state.Mask&xproto.ModMaskLock != 0 {
		shift = !shift // Caps Lock is on
	}
	// Whoever holds Shift, or has it latched, gets the other letter.
	return t.tap(code, shift && state.Mask&xproto.ModMaskShift == 0)
}

// Press presses a key that writes no character.
func (t *Typist) Press(k Key) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	code, shift, ok := t.find(uint32(k))
	if !ok || shift {
		return fmt.Errorf("type for the client: the keyboard has no key %#x", uint32(k))
	}
	return t.tap(code, false)
}

func (t *Typist) tap(code xproto.Keycode, shift bool) error {
	if rest := settle - time.Since(t.shaken); rest > 0 {
		<-time.After(rest)
	}
	fake := func(what byte, code xproto.Keycode) {
		xtest.FakeInput(t.d.conn, what, byte(code), 0, t.d.root, 0, 0, 0)
	}
	if shift {
		fake(xproto.KeyPress, t.shift)
	}
	fake(xproto.KeyPress, code)
	fake(xproto.KeyRelease, code)
	if shift {
		fake(xproto.KeyRelease, t.shift)
	}
	if _, err := xproto.GetInputFocus(t.d.conn).Reply(); err != nil { // until the server has them all
		return fmt.Errorf("type for the client: %w", err)
	}
	return nil
}
