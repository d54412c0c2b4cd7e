package crowd

import "sync"

// crew does what is ready to be done. One goroutine does nearly all of it, one
// thing after the other: each takes some microseconds, and this one has the stack
// for it and what it needs at hand. Where a line keeps it waiting, another one
// takes over; where anything else does, at the next look.
type crew struct {
	mu    sync.Mutex
	wake  sync.Cond
	todo  []func()
	on    int // goroutines that do something
	held  int // of these, as far as is known, wait for a line
	idle  int // goroutines that wait for something to do
	taken int // things that were begun, ever
	seen  int // taken, at the last look
	over  bool
}

func newCrew() *crew {
	w := &crew{}
	w.wake.L = &w.mu
	return w
}

// add has something done, soon.
func (w *crew) add(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		go f()
		return
	}
	w.todo = append(w.todo, f)
	if w.on <= w.held {
		w.rouse()
	}
}

// hold says that the caller waits for a line, and returns what says that it does
// no more. The caller may be somebody else: then there is one too many for a while.
func (w *crew) hold() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held++
	if len(w.todo) > 0 && w.on <= w.held {
		w.rouse()
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held--
	}
}

// hands is how many do things at once at most, as far as none of them is kept
// waiting, and each how many things that wait bring one more of them. While
// thousands of strangers come in, one alone would get its turn too seldom.
const hands, each = 16, 32

// look finds out whether the crew is stuck or has too much to do, and reports
// whether there is anything to do still: then look again soon.
func (w *crew) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.todo) > 0 && w.taken == w.seen {
		w.rouse()
	}
	for w.on-w.held < min(hands, len(w.todo)/each) {
		w.rouse()
	}
	w.seen = w.taken
	return len(w.todo) > 0
}

// rouse sets one more to work. The caller holds the lock.
func (w *crew) rouse() {
	w.on++
	if w.idle > 0 {
		w.idle--
		w.wake.Signal()
		return
	}
	go w.work()
}

func (w *crew) work() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.todo) == 0 {
			w.on--
			if w.over || w.idle > 0 { // one that waits is enough
				return
			}
			w.idle++
			w.wake.Wait() // whoever wakes it has counted it already
		}
		f := w.todo[0]
		w.todo[0], w.todo = nil, w.todo[1:]
		w.taken++
		w.mu.Unlock()
		f()
		w.mu.Lock()
	}
}

// end lets the goroutines go once nothing is to be done; what comes later is done
// as well.
func (w *crew) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for w.idle > 0 || len(w.todo) > 0 && w.on == 0 {
		w.rouse()
	}
}
