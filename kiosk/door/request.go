package door

import (
	"encoding/binary"
	"io"
)

// What matters here of the X protocol's requests.
const (
	requestHead     = 4
	longRequestHead = 8
	sendEvent       = 25
	sendEventSize   = 44
	sentEventAt     = 12 // in such a request: the event
	noOperation     = 127
)

// there carries requests to the server. It notes which ask for the keyboard's
// mapping, and keeps the answers to the kiosk's questions.
func there(to io.Writer, from io.Reader, reader *requests) error {
	buf := make([]byte, 256<<10)
	for held := 0; ; {
		n, err := from.Read(buf[held:])
		n += held
		pass := reader.read(buf[:n])
		if pass > 0 {
			if _, err := to.Write(buf[:pass]); err != nil {
				return err
			}
		}
		if held = copy(buf, buf[pass:n]); err != nil {
			return err
		}
	}
}

// requests counts the requests of a stream that comes in pieces.
type requests struct {
	asked *questions
	life  *life // nil when nobody asks
	count uint16
	skip  uint64 // bytes of the present request that are still to come
}

// read looks at what has come and returns how much of it may go on. The rest is
// the begin of a request that has to be seen before it goes: it comes again, at
// the front of what is read next.
func (r *requests) read(b []byte) (pass int) {
	for pass < len(b) {
		if r.skip > 0 {
			n := min(r.skip, uint64(len(b)-pass))
			r.skip -= n
			pass += int(n)
			continue
		}
		one := b[pass:]
		if len(one) < requestHead {
			break
		}
		words, head := binary.LittleEndian.Uint16(one[2:]), uint64(requestHead)
		size := uint64(words) * 4
		if words == 0 { // the long form
			if head = longRequestHead; len(one) < longRequestHead {
				break
			}
			size = uint64(binary.LittleEndian.Uint32(one[4:])) * 4
		}
		switch {
		case one[0] == getKeyboardMapping:
			r.asked.ask(r.count + 1)
		case one[0] == sendEvent && words == sendEventSize/4:
			if len(one) < sendEventSize {
				return pass
			}
			if r.life.shown(one[sentEventAt:sendEventSize]) {
				// As long, so that the numbers of requests stay right.
				one[0] = noOperation
			}
		}
		r.count++
		r.skip = max(size, head)
	}
	return pass
}
