package display_test

import (
	"fmt"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"yhteiskone/kiosk/display"
)

// client is another program on the same display.
func client(t *testing.T) *xgb.Conn {
	t.Helper()
	conn, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func frameless(t *testing.T, conn *xgb.Conn, override uint32) xproto.Window {
	t.Helper()
	screen := xproto.Setup(conn).DefaultScreen(conn)
	id, err := xproto.NewWindowId(conn)
	if err != nil {
		t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(conn, screen.RootDepth, id, screen.Root, 30, 30, 400, 300, 0,
		xproto.WindowClassInputOutput, screen.RootVisual, xproto.CwBackPixel|xproto.CwOverrideRedirect,
		[]uint32{0x123456, override}).Check()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// window maps a window of that class and role.
func window(t *testing.T, class, role string) {
	t.Helper()
	conn := client(t)
	id := frameless(t, conn, 0)
	set := func(name, value string) {
		atom, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if err == nil {
			err = xproto.ChangePropertyChecked(conn, xproto.PropModeReplace, id, atom.Atom, xproto.AtomString, 8,
				uint32(len(value)), []byte(value)).Check()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set("WM_CLASS", "x\x00"+class+"\x00")
	if role != "" {
		set("WM_WINDOW_ROLE", role)
	}
	if err := xproto.MapWindowChecked(conn, id).Check(); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, d *display.Display, class, role string) display.Window {
	t.Helper()
	var w display.Window
	await(t, "a window of "+class+" "+role, func() bool {
		var found bool
		var err error
		w, found, err = d.FindRole(class, role)
		return err == nil && found
	})
	return w
}

// above maps a window above all others that no window manager cares for.
func above(t *testing.T) {
	t.Helper()
	conn := client(t)
	if err := xproto.MapWindowChecked(conn, frameless(t, conn, 1)).Check(); err != nil {
		t.Fatal(err)
	}
}

// own takes two selections and writes a cut buffer.
func own(t *testing.T) {
	t.Helper()
	conn := client(t)
	id := frameless(t, conn, 0)
	clip, err := xproto.InternAtom(conn, false, 9, "CLIPBOARD").Reply()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []xproto.Atom{xproto.AtomPrimary, clip.Atom} {
		if err := xproto.SetSelectionOwnerChecked(conn, id, s, 0).Check(); err != nil {
			t.Fatal(err)
		}
	}
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	err = xproto.ChangePropertyChecked(conn, xproto.PropModeReplace, root, xproto.AtomCutBuffer0, xproto.AtomString, 8, 6, []byte("secret")).Check()
	if err != nil {
		t.Fatal(err)
	}
}

// colour is the colour of one pixel of the screen.
func colour(t *testing.T, x, y int16) string {
	t.Helper()
	conn, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { // Close is not yet the end of the connection
		conn.Close()
		for e, err := conn.WaitForEvent(); e != nil || err != nil; e, err = conn.WaitForEvent() {
		}
	}()
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	img, err := xproto.GetImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(root), x, y, 1, 1, ^uint32(0)).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%02X%02X%02X", img.Data[2], img.Data[1], img.Data[0])
}
