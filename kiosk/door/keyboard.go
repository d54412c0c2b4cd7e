package door

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync"
)

// What matters here of the X protocol's messages.
const (
	getKeyboardMapping = 101
	firstKeyAt         = 34 // in the server's first answer
	lastKeyAt          = 35
	messageSize        = 32
	sentByClient       = 0x80
	isReply            = 1
	isKeyPress         = 2
	isKeyRelease       = 3
	stateAt            = 28 // in an event of a key: what else is held down
	altGr              = 1 << 7
	secondGroup        = 1 << 13
	isMapping          = 34 // the event that the keyboard's mapping has changed
	isGeneric          = 35 // an event that may be longer
	mappingLimit       = 256 * 255 * 4
)

// questions are the requests for the keyboard's mapping that are not answered.
type questions struct {
	mu   sync.Mutex
	open []uint16 // their numbers
}

func (q *questions) ask(number uint16) {
	q.mu.Lock()
	defer q.mu.Unlock()
	// The server answers in order; what is older than so many was an error.
	if len(q.open) == 64 {
		q.open = q.open[1:]
	}
	q.open = append(q.open, number)
}

// answered reports whether the answer with that number is to such a question.
func (q *questions) answered(number uint16) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, one := range q.open {
		if one == number {
			q.open = q.open[i+1:]
			return true
		}
	}
	return false
}

// back carries what the server says, from its first answer on.
func back(to io.Writer, from io.Reader, asked *questions) error {
	in, out := bufio.NewReaderSize(from, 64<<10), bufio.NewWriterSize(to, 64<<10)
	head := make([]byte, messageSize)
	if _, err := io.ReadFull(in, head[:8]); err != nil {
		return err
	}
	welcome := append(head[:8:8], make([]byte, 4*int(binary.LittleEndian.Uint16(head[6:])))...)
	if _, err := io.ReadFull(in, welcome[8:]); err != nil {
		return err
	}
	out.Write(welcome)
	var first, last byte
	if len(welcome) > lastKeyAt {
		first, last = welcome[firstKeyAt], welcome[lastKeyAt]
	}
	for {
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		if _, err := io.ReadFull(in, head); err != nil {
			return err
		}
		var more int64
		switch head[0] &^ sentByClient {
		case isReply, isGeneric:
			more = 4 * int64(binary.LittleEndian.Uint32(head[4:]))
			if head[0] == isReply && asked.answered(binary.LittleEndian.Uint16(head[2:])) && more <= mappingLimit {
				if err := third(out, in, head, int(more)); err != nil {
					return err
				}
				continue
			}
		case isKeyPress, isKeyRelease:
			group(head)
		case isMapping:
			whole(head, first, last)
		}
		if _, err := out.Write(head); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, more); err != nil {
			return err
		}
	}
}

// whole makes an event that says "the keyboard's mapping has changed" speak of
// all keys. A Chromium that finds no XKB extension, which is only for those
// whom the server trusts, asks anew for just the keys that the event names and
// then takes them for all there are: an "a" becomes an "l", and Tab an "i".
func whole(event []byte, first, last byte) {
	if first <= last {
		event[5], event[6] = first, last-first+1
	}
}

// third carries the keyboard's mapping. For each key it holds the signs of the
// first group (alone, with Shift), of the second, and then what AltGr gives.
// Without XKB a program knows groups only, and AltGr for it chooses the second,
// which on a keyboard of one language says what the first does: no @, no €. So
// what AltGr gives stands there instead.
func third(out io.Writer, in io.Reader, head []byte, size int) error {
	body := make([]byte, size)
	if _, err := io.ReadFull(in, body); err != nil {
		return err
	}
	const sign = 4
	if per := int(head[1]) * sign; per >= 6*sign {
		for key := body; len(key) >= per; key = key[per:] {
			if second, level := key[2*sign:4*sign], key[4*sign:6*sign]; binary.LittleEndian.Uint32(level) != 0 {
				copy(second, level)
			}
		}
	}
	if _, err := out.Write(head); err != nil {
		return err
	}
	_, err := out.Write(body)
	return err
}

// group says in an event of a key that the second group is meant when AltGr is
// held down, for those parts of the browser that look only there.
func group(event []byte) {
	if state := binary.LittleEndian.Uint16(event[stateAt:]); state&altGr != 0 {
		binary.LittleEndian.PutUint16(event[stateAt:], state|secondGroup)
	}
}
