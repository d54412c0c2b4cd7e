package door

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A browser that hangs is to be told from one that works, though its process
// runs. The kiosk asks its window in the way of window managers
// (_NET_WM_PING), which the X server carries to it; but the answer of a program
// that it does not trust, it gives to nobody. It passes the door, which tells
// the kiosk and keeps it.

// Answer is how an answer to the kiosk's question is known: the numbers of the
// X server for WM_PROTOCOLS and _NET_WM_PING, and what the kiosk writes where
// others have a time. The zero value is no answer.
type Answer struct{ Type, Protocol, Stamp uint32 }

func (a Answer) String() string { return fmt.Sprintf("%d,%d,%d", a.Type, a.Protocol, a.Stamp) }

func parseAnswer(text string) (Answer, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return Answer{}, errors.New("not three numbers")
	}
	var n [3]uint32
	for i, f := range fields {
		v, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return Answer{}, err
		}
		n[i] = uint32(v)
	}
	return Answer{n[0], n[1], n[2]}, nil
}

// Where the fields of a client message are.
const (
	isClientMessage = 33
	formatAt        = 1
	typeAt          = 8
	protocolAt      = 12
	stampAt         = 16
	windowAt        = 20
)

// of reports whether the event is such an answer, and of which window.
func (a Answer) of(event []byte) (window uint32, ok bool) {
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(event[at:]) }
	ok = a != Answer{} && event[0]&^sentByClient == isClientMessage && event[formatAt] == 32 &&
		word(typeAt) == a.Type && word(protocolAt) == a.Protocol && word(stampAt) == a.Stamp
	return word(windowAt), ok
}

// lifeEvery is how often the kiosk is told at most: it asks less often.
const lifeEvery = 100 * time.Millisecond

// life tells the kiosk which window has answered, four bytes for each.
type life struct {
	answer Answer
	to     int // handle of a pipe

	mu   sync.Mutex
	last time.Time
}

// openLife takes the pipe. A kiosk that does not read does not hold anybody up.
func openLife(answer Answer, to int) (*life, error) {
	if err := unix.SetNonblock(to, true); err != nil {
		return nil, fmt.Errorf("open the way to the kiosk: %w", err)
	}
	return &life{answer: answer, to: to}, nil
}

// shown reports whether the event that a program sends is an answer, and tells
// the kiosk if it is.
func (l *life) shown(event []byte) bool {
	if l == nil {
		return false
	}
	window, ok := l.answer.of(event)
	if !ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.last) >= lifeEvery {
		l.last = now
		unix.Write(l.to, binary.LittleEndian.AppendUint32(nil, window)) // who does not read, does not want to know
	}
	return true
}
