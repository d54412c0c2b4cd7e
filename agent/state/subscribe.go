package state

import (
	"context"
	"strings"
)

// readerRoom is how many changes a subscriber may lag behind.
const readerRoom = 256

type reader struct{ changes chan Change }

// Subscribe returns changes until the context ends, and then closes. A
// subscriber that does not keep up misses changes, and then receives one with
// an empty kiosk: look at everything anew.
func (b *Board) Subscribe(ctx context.Context) <-chan Change {
	r := &reader{make(chan Change, readerRoom)}
	b.mu.Lock()
	b.readers[r] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.readers, r)
		close(r.changes)
	})
	return r.changes
}

// tell never waits: whoever is full loses what waits for them and is told so.
// The lock is held, so nobody else fills the room that was made.
func (b *Board) tell(c Change) {
	for r := range b.readers {
		select {
		case r.changes <- c:
			continue
		default:
		}
		for drained := false; !drained; {
			select {
			case <-r.changes:
			default:
				drained = true
			}
		}
		r.changes <- Change{}
	}
}

// naturally compares names as people order them: without regard to case, and
// "Kone 2" before "Kone 10".
func naturally(x, y string) int {
	x, y = strings.ToLower(x), strings.ToLower(y)
	for x != "" && y != "" {
		nx, ny := digits(x), digits(y)
		if nx > 0 && ny > 0 {
			a, b := strings.TrimLeft(x[:nx], "0"), strings.TrimLeft(y[:ny], "0")
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			if c := strings.Compare(a, b); c != 0 {
				return c
			}
			x, y = x[nx:], y[ny:]
			continue
		}
		if x[0] != y[0] {
			return int(x[0]) - int(y[0])
		}
		x, y = x[1:], y[1:]
	}
	return len(x) - len(y)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
