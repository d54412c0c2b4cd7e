package display

import (
	"errors"
	"fmt"
	"net"

	"github.com/jezek/xgb"
)

// Requests and values of the SECURITY extension, as its protocol numbers them.
const (
	securityGenerate = 1
	securityRevoke   = 2

	securityTimeout   = 1 << 0 // a value follows: seconds; 0 is for ever
	securityTrust     = 1 << 1 // a value follows: the level
	securityUntrusted = 1
)

// cookieProtocol is the only way to prove oneself that every X client has.
const cookieProtocol = "MIT-MAGIC-COOKIE-1"

var errNoSecurity = errors.New("make an untrusted cookie: the display has no SECURITY extension; start it without switching that off")

// UntrustedCookie makes a fresh cookie with which a program may connect but not
// look at, or type into, the windows of those that are trusted. release makes
// it worthless and ends every connection that was made with it; until then it
// is good, even after our own connection's end.
//
// Such a program gets no XKEYBOARD, XTEST, RECORD or XInput. Chromium 156 cannot
// do without the first: it reads the keyboard's map eight keys too far, so that
// Backspace writes u and Shift writes m.
func (d *Display) UntrustedCookie() (cookie []byte, release func(), err error) {
	opcode, ok := extension(d.conn, "SECURITY")
	if !ok {
		return nil, nil, errNoSecurity
	}
	reply, err := d.call(newRequest(opcode, securityGenerate).
		u16(uint16(len(cookieProtocol))).u16(0).u32(securityTimeout|securityTrust).
		text(cookieProtocol).u32(0).u32(securityUntrusted), 32)
	if err != nil {
		return nil, nil, fmt.Errorf("make an untrusted cookie: %w", err)
	}
	id, size := u32(reply, 8), int(u16(reply, 12))
	if size < 8 || len(reply) < 32+size {
		return nil, nil, fmt.Errorf("make an untrusted cookie: the display gave one of %d bytes", size)
	}
	release = func() { _ = d.send(newRequest(opcode, securityRevoke).u32(id)) } // a second time is no harm
	return append([]byte(nil), reply[32:32+size]...), release, nil
}

// untrusted opens a second connection that the server trusts no more than the
// client's browser. It ends with done.
func (d *Display) untrusted() (conn *xgb.Conn, done func(), err error) {
	cookie, release, err := d.UntrustedCookie()
	if err != nil {
		return nil, nil, err
	}
	socket, err := d.dial()
	if err != nil {
		release()
		return nil, nil, err
	}
	conn, err = xgb.NewConnNet(handshake{Conn: socket, cookie: cookie, said: new(bool)})
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("connect as somebody untrusted: %w", err)
	}
	return conn, func() { release(); conn.Close() }, nil
}

// handshake is a connection whose first write, in which the library says who we
// are by the cookie of the kiosk itself, says it by another cookie.
type handshake struct {
	net.Conn
	cookie []byte
	said   *bool
}

// Write sends the bytes, the very first ones in our own words.
func (h handshake) Write(p []byte) (int, error) {
	if *h.said {
		return h.Conn.Write(p)
	}
	*h.said = true
	hello := request{'l', 0, 11, 0, 0, 0}.u16(uint16(len(cookieProtocol))).u16(uint16(len(h.cookie))).u16(0).
		text(cookieProtocol).text(string(h.cookie))
	if _, err := h.Conn.Write(hello); err != nil {
		return 0, err
	}
	return len(p), nil
}
