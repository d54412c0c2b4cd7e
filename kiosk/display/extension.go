package display

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// extension makes an extension of the server usable on the connection and
// returns its number; false if the server has none of that name. The library's
// own Init also writes into a map that every connection of the process reads,
// for events that we never ask for.
func extension(conn *xgb.Conn, name string) (opcode byte, ok bool) {
	reply, err := xproto.QueryExtension(conn, uint16(len(name)), name).Reply()
	if err != nil || !reply.Present {
		return 0, false
	}
	conn.ExtLock.Lock()
	defer conn.ExtLock.Unlock()
	conn.Extensions[name] = reply.MajorOpcode
	return reply.MajorOpcode, true
}

// request is a request of an extension for which the library has no words, in
// the byte order of our connections.
type request []byte

// newRequest begins a request with its header.
func newRequest(opcode, minor byte) request { return request{opcode, minor, 0, 0} }

func (r request) u16(v uint16) request  { return binary.LittleEndian.AppendUint16(r, v) }
func (r request) u32(v uint32) request  { return binary.LittleEndian.AppendUint32(r, v) }
func (r request) text(s string) request { return append(r, s...).pad() }
func (r request) pad() request          { return append(r, make([]byte, (4-len(r)%4)%4)...) }
func (r request) bytes() []byte         { binary.LittleEndian.PutUint16(r[2:], uint16(len(r)/4)); return r }
func u32(reply []byte, at int) uint32   { return binary.LittleEndian.Uint32(reply[at:]) }
func u16(reply []byte, at int) uint16   { return binary.LittleEndian.Uint16(reply[at:]) }

// rawPatience is how long an answer to a raw request is waited for: errors of
// an extension's own kind are dropped by the library, and their answer never
// comes.
const rawPatience = 2 * time.Second

// call sends a raw request and returns its reply, which has at least size
// bytes.
func (d *Display) call(r request, size int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), rawPatience)
	defer cancel()
	return within(ctx, func() ([]byte, error) {
		cookie := d.conn.NewCookie(true, true)
		d.conn.NewRequest(r.pad().bytes(), cookie)
		reply, err := cookie.Reply()
		if err == nil && len(reply) < size {
			err = fmt.Errorf("the display's answer has %d bytes, not %d", len(reply), size)
		}
		return reply, err
	})
}

// send sends a raw request that has no reply, and returns once the server has
// taken it.
func (d *Display) send(r request) error {
	cookie := d.conn.NewCookie(true, false)
	d.conn.NewRequest(r.pad().bytes(), cookie)
	return cookie.Check()
}

// within does what may never return and leaves it behind at the context's end.
func within[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := do()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("the display does not answer: %w", ctx.Err())
	}
}
