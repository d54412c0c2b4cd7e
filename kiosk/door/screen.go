package door

import (
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
// the browser apart from all others. On the way back it mends what is said of
// the keyboard: see whole and third. On the way there it hears whether the
// browser lives: see life.

// The few words of the X protocol that matter here.
const (
	littleEndian = 'l'
	cookieName   = "MIT-MAGIC-COOKIE-1"
	setupHead    = 12
	setupLimit   = 4096
)

// screen serves X connections of one session.
type screen struct {
	path   string // of the server's socket
	cookie []byte
	life   *life // nil when nobody asks
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
	both.Go(func() { there(x, c, &requests{asked: asked, life: s.life}); c.Close(); x.Close() })
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
