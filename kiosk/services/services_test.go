package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// town is services that answer or not, and remembers what it was asked.
type town struct {
	mu     sync.Mutex
	dead   map[string]bool
	noHead map[string]bool
	gone   bool // nobody is reached
	asked  []question
	inside int
	most   int // questions at the same time
}

type question struct {
	method, address string
	at              time.Time
}

func (w *town) ask(ctx context.Context, method, address string) error {
	w.mu.Lock()
	w.asked = append(w.asked, question{method, address, time.Now()})
	w.inside++
	w.most = max(w.most, w.inside)
	dead := w.gone || w.dead[address] || w.noHead[address] && method == "HEAD"
	w.mu.Unlock()
	time.Sleep(100 * time.Millisecond) // the bubble's time: an answer takes a while
	w.mu.Lock()
	w.inside--
	w.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if dead {
		return errors.New("nobody answers")
	}
	return nil
}

func (w *town) set(address string, dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead == nil {
		w.dead = map[string]bool{}
	}
	w.dead[address] = dead
}

func (w *town) cut(gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = gone
}

func (w *town) of(address string) (all []question) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range w.asked {
		if q.address == address {
			all = append(all, q)
		}
	}
	return all
}

// start runs a prober of so many services in the bubble.
func start(t *testing.T, w *town, services int) (p *Prober, changes func() int) {
	var all []Target
	for i := range services {
		all = append(all, Target{fmt.Sprintf("tile-%d", i), fmt.Sprintf("https://s%d.example/", i)})
	}
	p = New(Config{Targets: all, Every: 10 * time.Minute, Log: slog.New(slog.DiscardHandler), Ask: w.ask})
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	n := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx, func() { mu.Lock(); defer mu.Unlock(); n++ })
	}()
	t.Cleanup(func() { stop(); <-done })
	return p, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// pass lets time go by and everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRhythm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{}
		p, changes := start(t, w, 20)
		pass(2 * time.Minute)
		if p.Probed() != 20 || len(p.Down()) != 0 {
			t.Errorf("after two minutes %d of 20 are known, down %v", p.Probed(), p.Down())
		}
		pass(58 * time.Minute)
		for i := range 20 {
			q := w.of(fmt.Sprintf("https://s%d.example/", i))
			if len(q) < 5 || len(q) > 7 {
				t.Errorf("service %d was asked %d times in an hour", i, len(q))
			}
			for j := range q[1:] {
				if d := q[j+1].at.Sub(q[j].at); d < 9*time.Minute {
					t.Errorf("service %d was asked again after %v", i, d)
				}
				if q[j].method != "HEAD" {
					t.Errorf("service %d was asked by %s", i, q[j].method)
				}
			}
		}
		if w.most != 1 {
			t.Errorf("%d were asked at the same time", w.most)
		}
		for i := range w.asked[1:] {
			if d := w.asked[i+1].at.Sub(w.asked[i].at); d < time.Second {
				t.Errorf("two questions within %v", d)
			}
		}
		if changes() != 0 {
			t.Errorf("%d changes of nothing", changes())
		}
	})
}

func TestDownAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{}
		p, changes := start(t, w, 5)
		pass(time.Minute)
		w.set("https://s3.example/", true)
		pass(12 * time.Minute)
		if got := p.Down(); !slices.Equal(got, []string{"tile-3"}) || changes() != 1 {
			t.Fatalf("down is %v after %d changes", got, changes())
		}
		q := w.of("https://s3.example/")
		q = q[1:] // the first time it answered
		if len(q) < 2 {
			t.Fatalf("asked %d times since", len(q))
		}
		if d := q[1].at.Sub(q[0].at); d < 27*time.Second || d > 40*time.Second || q[1].method != "GET" {
			t.Errorf("asked again after %v by %s", d, q[1].method)
		}
		w.set("https://s3.example/", false)
		pass(3 * time.Minute)
		if got := p.Down(); len(got) != 0 || changes() != 2 {
			t.Errorf("when it is back: down is %v after %d changes", got, changes())
		}
	})
}

// One failure is none, and HEAD that is not understood is a habit, not a fault.
func TestBlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{noHead: map[string]bool{"https://s1.example/": true}}
		_, changes := start(t, w, 5)
		for range 40 {
			w.set("https://s2.example/", true)
			for n := len(w.of("https://s2.example/")); len(w.of("https://s2.example/")) == n; {
				pass(time.Second)
			}
			w.set("https://s2.example/", false)
			pass(20 * time.Minute)
		}
		if changes() != 0 {
			t.Errorf("%d changes", changes())
		}
		q := w.of("https://s1.example/")
		if q[0].method != "HEAD" || q[1].method != "GET" || q[2].method != "GET" || q[2].at.Sub(q[1].at) < 9*time.Minute {
			t.Errorf("asked %+v", q[:3])
		}
	})
}

// When nobody is reached it is our network, and nothing is said of anybody;
// what was down before is remembered.
func TestNoNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{}
		w.set("https://s0.example/", true) // before it is asked
		p, changes := start(t, w, 8)
		pass(5 * time.Minute)
		if got := p.Down(); !slices.Equal(got, []string{"tile-0"}) {
			t.Fatalf("down is %v", got)
		}
		w.cut(true)
		for range 120 {
			pass(30 * time.Second)
			if got := p.Down(); len(got) > 1 || len(got) == 1 && got[0] != "tile-0" {
				t.Fatalf("without a network %v is called down", got)
			}
		}
		if p.Probed() != 0 || len(p.Down()) != 0 {
			t.Errorf("without a network it claims to know %d, %v", p.Probed(), p.Down())
		}
		w.cut(false)
		pass(11 * time.Minute)
		if got := p.Down(); !slices.Equal(got, []string{"tile-0"}) || p.Probed() != 8 {
			t.Errorf("back: %v of %d", got, p.Probed())
		}
		if changes() != 3 {
			t.Errorf("%d changes, not 3", changes())
		}
	})
}

func TestNeverAnyNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{gone: true}
		p, changes := start(t, w, 8)
		pass(time.Hour)
		if len(p.Down()) != 0 || p.Probed() != 0 || changes() != 0 {
			t.Errorf("%v of %d after %d changes", p.Down(), p.Probed(), changes())
		}
	})
}

// Many at once are down together as long as one answers.
func TestMostAreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{}
		p, _ := start(t, w, 10)
		pass(time.Minute)
		for i := range 9 {
			w.set(fmt.Sprintf("https://s%d.example/", i), true)
		}
		pass(40 * time.Minute)
		if len(p.Down()) != 9 || p.Probed() != 10 {
			t.Errorf("down is %v of %d", p.Down(), p.Probed())
		}
	})
}

func TestOff(t *testing.T) {
	p := New(Config{Targets: []Target{{"a", "https://a.example/"}}, Ask: func(context.Context, string, string) error {
		t.Error("asked")
		return nil
	}})
	p.Run(t.Context(), func() { t.Error("changed") }) // returns
	if p.Probed() != 0 || len(p.Down()) != 0 {
		t.Error("it knows something")
	}
}
