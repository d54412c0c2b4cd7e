package display

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Window names one window of the server.
type Window uint32

// atoms are the server's numbers for the names that we use.
type atoms struct {
	clientList, strut, strutPartial, active, state, maxVert, maxHorz,
	role, wmCheck, clipboard, frame, askFrame,
	windowType, dock, protocols, ping, utf8, selection, incr, borrowed xproto.Atom
}

func internAtoms(conn *xgb.Conn) (atoms, error) {
	var a atoms
	for name, to := range map[string]*xproto.Atom{
		"_NET_CLIENT_LIST": &a.clientList, "_NET_WM_STRUT": &a.strut,
		"_NET_WM_STRUT_PARTIAL": &a.strutPartial, "_NET_ACTIVE_WINDOW": &a.active,
		"_NET_WM_STATE": &a.state, "_NET_WM_STATE_MAXIMIZED_VERT": &a.maxVert,
		"_NET_WM_STATE_MAXIMIZED_HORZ": &a.maxHorz, "WM_WINDOW_ROLE": &a.role,
		"_NET_SUPPORTING_WM_CHECK": &a.wmCheck, "CLIPBOARD": &a.clipboard,
		"_NET_FRAME_EXTENTS": &a.frame, "_NET_REQUEST_FRAME_EXTENTS": &a.askFrame,
		"_NET_WM_WINDOW_TYPE": &a.windowType, "_NET_WM_WINDOW_TYPE_DOCK": &a.dock,
		"WM_PROTOCOLS": &a.protocols, "_NET_WM_PING": &a.ping,
		"UTF8_STRING": &a.utf8, "_YHTEISKONE_TEXT": &a.selection, "INCR": &a.incr,
		"_YHTEISKONE_BORROWED_KEYS": &a.borrowed,
	} {
		reply, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			return a, err
		}
		*to = reply.Atom
	}
	return a, nil
}

// Find returns the newest managed window of the class, and whether there is one.
func (d *Display) Find(class string) (Window, bool, error) { return d.FindRole(class, "") }

// FindRole is Find for windows of one role only: a Chromium window is
// "browser" or, opened by a page, "pop-up". An empty role means any.
func (d *Display) FindRole(class, role string) (Window, bool, error) {
	list, err := d.managed()
	if err != nil {
		return 0, false, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if d.isOf(list[i], class) && (role == "" || d.text(list[i], d.atoms.role) == role) {
			return Window(list[i]), true, nil
		}
	}
	return 0, false, nil
}

// Count is how many managed windows the class has.
func (d *Display) Count(class string) (int, error) {
	list, err := d.managed()
	n := 0
	for _, w := range list {
		if d.isOf(w, class) {
			n++
		}
	}
	return n, err
}

func (d *Display) managed() ([]xproto.Window, error) {
	list, err := d.property(d.root, d.atoms.clientList)
	if err != nil {
		return nil, fmt.Errorf("list the windows: %w", err)
	}
	var all []xproto.Window
	for ; len(list) >= 4; list = list[4:] {
		all = append(all, xproto.Window(binary.LittleEndian.Uint32(list)))
	}
	return all, nil
}

// isOf reports whether one of the window's two class names is class. A window
// that vanished meanwhile is of no class.
func (d *Display) isOf(w xproto.Window, class string) bool {
	v, _ := d.property(w, xproto.AtomWmClass)
	for part := range bytes.SplitSeq(v, []byte{0}) {
		if string(part) == class && class != "" {
			return true
		}
	}
	return false
}

func (d *Display) text(w xproto.Window, name xproto.Atom) string {
	v, _ := d.property(w, name)
	return string(bytes.TrimRight(v, "\x00"))
}

func (d *Display) property(w xproto.Window, name xproto.Atom) ([]byte, error) {
	reply, err := xproto.GetProperty(d.conn, false, w, name, xproto.GetPropertyTypeAny, 0, 1<<14).Reply()
	if err != nil {
		return nil, err
	}
	return reply.Value, nil
}

// Geometry tells where the window is on the screen and whether it is mapped.
// The place is that of its content, without a title bar.
func (d *Display) Geometry(w Window) (Rect, bool, error) {
	attr, err := xproto.GetWindowAttributes(d.conn, xproto.Window(w)).Reply()
	if err != nil {
		return Rect{}, false, fmt.Errorf("look at the window: %w", err)
	}
	g, err := xproto.GetGeometry(d.conn, xproto.Drawable(w)).Reply()
	if err != nil {
		return Rect{}, false, fmt.Errorf("measure the window: %w", err)
	}
	at, err := xproto.TranslateCoordinates(d.conn, xproto.Window(w), d.root, 0, 0).Reply()
	if err != nil {
		return Rect{}, false, fmt.Errorf("locate the window: %w", err)
	}
	return Rect{X: int(at.DstX), Y: int(at.DstY), W: int(g.Width), H: int(g.Height)},
		attr.MapState == xproto.MapStateViewable, nil
}

// Place asks the window manager to put the window there. The window is there
// once Geometry says so; a maximised window stays where it is.
func (d *Display) Place(w Window, r Rect) error {
	err := xproto.ConfigureWindowChecked(d.conn, xproto.Window(w),
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(int32(r.X)), uint32(int32(r.Y)), uint32(r.W), uint32(r.H)}).Check()
	if err != nil {
		return fmt.Errorf("place the window: %w", err)
	}
	return nil
}

// Strut reserves that many pixels at the screen's bottom for the window, so
// that the window manager lets it stand there and keeps others out. 0 gives
// them back.
func (d *Display) Strut(w Window, bottom int) error {
	width, _ := d.Size()
	values := make([]uint32, 12)
	values[3], values[11] = uint32(bottom), uint32(width-1)
	for _, p := range []struct {
		name xproto.Atom
		n    int
	}{{d.atoms.strutPartial, 12}, {d.atoms.strut, 4}} {
		data := make([]byte, 0, 48)
		for _, v := range values[:p.n] {
			data = binary.LittleEndian.AppendUint32(data, v)
		}
		err := xproto.ChangePropertyChecked(d.conn, xproto.PropModeReplace, xproto.Window(w),
			p.name, xproto.AtomCardinal, 32, uint32(p.n), data).Check()
		if err != nil {
			return fmt.Errorf("reserve room for the window: %w", err)
		}
	}
	return nil
}

// fromPager is the source of a request that the window manager always obeys.
const fromPager = 2

// Activate raises the window and gives it the keyboard.
func (d *Display) Activate(w Window) error {
	if err := d.ask(w, d.atoms.active, []uint32{fromPager, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("activate the window: %w", err)
	}
	return nil
}

// Active is the window that has the keyboard by the window manager's word, 0
// for none.
func (d *Display) Active() (Window, error) {
	v, err := d.property(d.root, d.atoms.active)
	if err != nil {
		return 0, fmt.Errorf("ask for the active window: %w", err)
	}
	if len(v) < 4 {
		return 0, nil
	}
	return Window(binary.LittleEndian.Uint32(v)), nil
}

// Maximise asks the window manager to maximise the window again, after a
// double click on its tab strip.
func (d *Display) Maximise(w Window) error {
	const add = 1
	err := d.ask(w, d.atoms.state, []uint32{add, uint32(d.atoms.maxVert), uint32(d.atoms.maxHorz), fromPager, 0})
	if err != nil {
		return fmt.Errorf("maximise the window: %w", err)
	}
	return nil
}

// ask sends one request about a window to the window manager.
func (d *Display) ask(w Window, what xproto.Atom, data []uint32) error {
	event := xproto.ClientMessageEvent{Format: 32, Window: xproto.Window(w), Type: what,
		Data: xproto.ClientMessageDataUnionData32New(data)}
	return xproto.SendEventChecked(d.conn, false, d.root,
		xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(event.Bytes())).Check()
}
