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
// widened.

// The few words of the X protocol that matter here.
const (
	littleEndian       = 'l'
	cookieName         = "MIT-MAGIC-COOKIE-1"
	getKeyboardMapping = 101
	setupHead          = 12
	setupLimit         = 4096
	messageSize        = 32
	isReply            = 1
	isGeneric          = 35 // an event that may be longer
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
	asked := &questions{}
	var both sync.WaitGroup
	both.Go(func() { there(x, c, asked); c.Close(); x.Close() })
	both.Go(func() { back(c, x, asked); c.Close(); x.Close() })
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

// questions are the requests for the keyboard's mapping that are not answered.
type questions struct {
	mu   sync.Mutex
	open []question
}

type question struct {
	number uint16
	first  byte // the key code that it begins with
}

func (q *questions) ask(number uint16, first byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = append(q.open, question{number, first})
}

// answered returns the question with that number, and whether there was one.
func (q *questions) answered(number uint16) (first byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, one := range q.open {
		if one.number == number {
			q.open = append(q.open[:i], q.open[i+1:]...)
			return one.first, true
		}
	}
	return 0, false
}

// there carries requests to the server and notes which ask for the mapping.
func there(to io.Writer, from io.Reader, asked *questions) error {
	reader := requests{asked: asked}
	buf := make([]byte, 256<<10)
	for {
		n, err := from.Read(buf)
		reader.read(buf[:n])
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// requests counts the requests of a stream that comes in pieces.
type requests struct {
	asked *questions
	count uint16
	head  []byte // the begin of a request, until all that matters is there
	skip  uint64 // bytes of the present request that are still to come
}

// requestHead is how much of a request has to be seen: with the long form of
// its length, 8 bytes; a short one may have 4.
const requestHead = 8

func (r *requests) read(b []byte) {
	for len(b) > 0 {
		if r.skip > 0 {
			n := min(r.skip, uint64(len(b)))
			r.skip -= n
			b = b[n:]
			continue
		}
		r.head = append(r.head, b[0])
		b = b[1:]
		if len(r.head) < 4 {
			continue
		}
		size := uint64(binary.LittleEndian.Uint16(r.head[2:])) * 4
		if size != 4 && len(r.head) < requestHead {
			continue
		}
		if size == 0 {
			size = uint64(binary.LittleEndian.Uint32(r.head[4:])) * 4
		}
		r.count++
		if r.head[0] == getKeyboardMapping && len(r.head) == requestHead {
			r.asked.ask(r.count, r.head[4])
		}
		if read := uint64(len(r.head)); size > read {
			r.skip = size - read
		}
		r.head = r.head[:0]
	}
}

// back carries what the server says.
func back(to io.Writer, from io.Reader, asked *questions) error {
	in, out := bufio.NewReaderSize(from, 64<<10), bufio.NewWriterSize(to, 64<<10)
	head := make([]byte, messageSize)
	if _, err := io.ReadFull(in, head[:8]); err != nil {
		return err
	}
	out.Write(head[:8])
	if _, err := io.CopyN(out, in, 4*int64(binary.LittleEndian.Uint16(head[6:]))); err != nil {
		return err
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
		if head[0] == isReply || head[0]&0x7f == isGeneric {
			more = 4 * int64(binary.LittleEndian.Uint32(head[4:]))
		}
		if head[0] == isReply {
			if first, ok := asked.answered(binary.LittleEndian.Uint16(head[2:])); ok {
				widened(out, head, first)
				if _, err := io.CopyN(out, in, more); err != nil {
					return err
				}
				continue
			}
		}
		if _, err := out.Write(head); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, more); err != nil {
			return err
		}
	}
}

// widened writes the head of an answer with the keyboard's mapping so that it
// begins with key code 0. A Chromium that finds no XKB extension, which is only
// for those whom the server trusts, counts from there, whatever it asked for:
// without this an "a" would be an "l", and Tab an "i".
func widened(out io.Writer, head []byte, first byte) {
	per := uint32(head[1])
	extra := uint32(first) * per
	binary.LittleEndian.PutUint32(head[4:], binary.LittleEndian.Uint32(head[4:])+extra)
	out.Write(head)
	out.Write(make([]byte, 4*extra))
}
