package door

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// The door also leads to the X server when the browser is not to be trusted
// there. It says who the browser is by a cookie that never comes into the
// sandbox, so that nobody inside can come as somebody else; the X server keeps
// the browser apart from all others. On the way back it mends one thing: see
// whole.

// The few words of the X protocol that matter here.
const (
	littleEndian = 'l'
	cookieName   = "MIT-MAGIC-COOKIE-1"
	setupHead    = 12
	setupLimit   = 4096
	firstKeyAt   = 34 // in the server's first answer
	lastKeyAt    = 35
	messageSize  = 32
	sentByClient = 0x80
	isReply      = 1
	isMapping    = 34 // the event that the keyboard's mapping has changed
	isGeneric    = 35 // an event that may be longer
)

// screen serves X connections of one session.
type screen struct {
	path   string // of the server's socket
	cookie []byte
}

func (s screen) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			s.one(c)
		}()
	}
}

func (s screen) one(c net.Conn) error {
	c.SetReadDeadline(time.Now().Add(greetTime))
	if err := skipSetup(c); err != nil {
		return err
	}
	c.SetReadDeadline(time.Time{})
	x, err := net.Dial("unix", s.path)
	if err != nil {
		return err
	}
	defer x.Close()
	if _, err := x.Write(setup(s.cookie)); err != nil {
		return err
	}
	var both sync.WaitGroup
	both.Go(func() { io.Copy(x, c); c.Close(); x.Close() })
	both.Go(func() { back(c, x); c.Close(); x.Close() })
	both.Wait()
	return nil
}

// skipSetup reads the browser's own words about who it is.
func skipSetup(r io.Reader) error {
	var head [setupHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("read the first words: %w", err)
	}
	if head[0] != littleEndian {
		return errors.New("read the first words: the other order of bytes")
	}
	name, data := binary.LittleEndian.Uint16(head[6:]), binary.LittleEndian.Uint16(head[8:])
	rest := padded(int(name)) + padded(int(data))
	if rest > setupLimit {
		return errors.New("read the first words: too many")
	}
	_, err := io.CopyN(io.Discard, r, int64(rest))
	return err
}

// setup says who the browser is.
func setup(cookie []byte) []byte {
	b := []byte{littleEndian, 0, 11, 0, 0, 0}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(cookieName)))
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(cookie))), 0, 0)
	for _, field := range []string{cookieName, string(cookie)} {
		b = append(append(b, field...), make([]byte, padded(len(field))-len(field))...)
	}
	return b
}

func padded(n int) int { return (n + 3) &^ 3 }

// back carries what the server says, from its first answer on.
func back(to io.Writer, from io.Reader) error {
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
