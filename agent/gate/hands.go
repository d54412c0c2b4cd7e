package gate

import "sync/atomic"

// handsKept is how many goroutines wait for work at most; in a rush there are
// more.
const handsKept = 8

// hands are goroutines that take in what kiosks say. Reading, decoding and
// applying make a stack grow to 8 KiB, and growing it costs a tenth of all that
// a report does; a kiosk is silent nearly all the time, and is waited for with
// the least stack there is, 2 KiB. So whoever waited gives the message over to
// one whose stack has grown already. Nothing is queued: each message has one at
// once.
type hands struct {
	next   chan *session // nobody sends without somebody there to receive
	idle   atomic.Int32
	closed chan struct{}
}

func newHands() *hands { return &hands{next: make(chan *session), closed: make(chan struct{})} }

// give has one of them receive the next message of s.
func (h *hands) give(s *session) {
	select {
	case h.next <- s:
	default:
		go h.work(s)
	}
}

func (h *hands) work(s *session) {
	defer h.idle.Add(-1)
	for {
		s.receive()
		if h.idle.Add(1) > handsKept {
			return
		}
		select {
		case s = <-h.next:
			h.idle.Add(-1)
		case <-h.closed:
			return
		}
	}
}
