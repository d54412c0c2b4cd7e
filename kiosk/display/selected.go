package display

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// selectedMax is how many characters of a selection are taken.
const selectedMax = 4000

// Selected is the text that the client has marked on their page, at most 4000
// characters of it; empty if nothing is marked. It is asked for on the client's
// own press only, to be read aloud; it is kept and logged nowhere.
//
// It is asked for as somebody untrusted: the server lets a browser with an
// untrusted cookie hand nothing to a window that is trusted. Where the server
// knows no such difference, it is asked for as we are.
func (d *Display) Selected(ctx context.Context) (string, error) {
	return within(ctx, func() (string, error) {
		owner, err := xproto.GetSelectionOwner(d.conn, xproto.AtomPrimary).Reply()
		if err != nil {
			return "", fmt.Errorf("ask who has marked something: %w", err)
		}
		if owner.Owner == xproto.WindowNone {
			return "", nil
		}
		conn, done, err := d.untrusted()
		if errors.Is(err, errNoSecurity) {
			conn, err = xgb.NewConn()
			done = func() { conn.Close() }
		}
		if err != nil {
			return "", fmt.Errorf("ask for what is marked: %w", err)
		}
		defer done()
		// The wait for an answer ends with the connection.
		defer context.AfterFunc(ctx, done)()
		text, err := d.selectedBy(conn)
		if err != nil {
			return "", fmt.Errorf("ask for what is marked: %w", err)
		}
		return text, nil
	})
}

// selectedBy asks for the selection on a connection of its own, so that the
// server forgets all of it with the connection.
func (d *Display) selectedBy(conn *xgb.Conn) (string, error) {
	w, err := xproto.NewWindowId(conn)
	if err != nil {
		return "", err
	}
	err = xproto.CreateWindowChecked(conn, 0, w, d.root, -10, -10, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskPropertyChange}).Check()
	if err != nil {
		return "", err
	}
	xproto.ConvertSelection(conn, w, xproto.AtomPrimary, d.atoms.utf8, d.atoms.selection, xproto.TimeCurrentTime)
	return d.receive(conn, w)
}

// receive takes what the selection's owner puts on the window, in one piece or
// in several.
func (d *Display) receive(conn *xgb.Conn, w xproto.Window) (string, error) {
	var all []byte
	pieces := false
	for {
		event, err := conn.WaitForEvent()
		if event == nil && err == nil {
			return "", errors.New("the owner did not answer in time")
		}
		switch e := event.(type) {
		case xproto.SelectionNotifyEvent:
			if e.Property == xproto.AtomNone {
				return "", nil // it has no text to give
			}
		case xproto.PropertyNotifyEvent:
			if !pieces || e.Atom != d.atoms.selection || e.State != xproto.PropertyNewValue {
				continue
			}
		default:
			continue
		}
		p, fail := xproto.GetProperty(conn, true, w, d.atoms.selection, xproto.GetPropertyTypeAny, 0, selectedMax*utf8.UTFMax/4).Reply()
		if fail != nil {
			return "", fail
		}
		switch {
		case p.Type == xproto.AtomNone && !pieces:
			return "", nil // it has no text to give
		case p.Type == d.atoms.incr:
			if err := xproto.DeletePropertyChecked(conn, w, d.atoms.selection).Check(); err != nil {
				return "", err
			}
			pieces = true
			continue
		}
		all = append(all, p.Value...)
		if !pieces || len(p.Value) == 0 || len(all) >= selectedMax*utf8.UTFMax {
			return clip(all), nil
		}
	}
}

// clip makes valid text of at most selectedMax characters.
func clip(text []byte) string {
	n, at := 0, 0
	for at < len(text) && n < selectedMax {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			text = append(text[:at:at], text[at+1:]...)
			continue
		}
		at += size
		n++
	}
	return string(text[:at])
}
