package staff

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttleSize bounds how many names or addresses are remembered.
const throttleSize = 4096

// throttle counts tries for each of many keys. When there are too many keys
// the one that was used longest ago is forgotten.
type throttle struct {
	burst int
	every time.Duration

	mu    sync.Mutex
	known map[string]*list.Element
	order *list.List // of *tries, newest first
}

type tries struct {
	key     string
	limiter *rate.Limiter
}

// newThrottle lets burst tries pass in a row and then one in every.
func newThrottle(burst int, every time.Duration) *throttle {
	return &throttle{burst: burst, every: every, known: map[string]*list.Element{}, order: list.New()}
}

// allow counts one try and reports whether it may be made.
func (t *throttle) allow(key string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.known[key]
	if ok {
		t.order.MoveToFront(e)
	} else {
		if t.order.Len() >= throttleSize {
			last := t.order.Back()
			delete(t.known, last.Value.(*tries).key)
			t.order.Remove(last)
		}
		e = t.order.PushFront(&tries{key, rate.NewLimiter(rate.Every(t.every), t.burst)})
		t.known[key] = e
	}
	return e.Value.(*tries).limiter.AllowN(now, 1)
}

// forget clears a key: somebody proved who they are.
func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.known[key]; ok {
		t.order.Remove(e)
		delete(t.known, key)
	}
}
