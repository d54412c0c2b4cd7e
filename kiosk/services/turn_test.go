package services

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Others are asked at once, what stays keeps what is known of it, and what goes
// is asked and named no more.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{}
		p, _ := start(t, w, 3)
		w.set("https://s1.example/", true)
		w.set("https://own.example/", true)
		pass(5 * time.Minute)
		if !slices.Equal(p.Down(), []string{"tile-1"}) {
			t.Fatalf("down is %v", p.Down())
		}
		before := len(w.of("https://s0.example/"))
		p.Turn([]Target{{"own-1", "https://own.example/"}, {"tile-1", "https://s1.example/"}, {"tile-2", "https://s2.example/"}})
		if !slices.Equal(p.Down(), []string{"tile-1"}) || p.Probed() != 2 {
			t.Errorf("just turned: %v of %d", p.Down(), p.Probed())
		}
		pass(5 * time.Minute)
		if !slices.Equal(p.Down(), []string{"own-1", "tile-1"}) || p.Probed() != 3 {
			t.Errorf("down is %v of %d", p.Down(), p.Probed())
		}
		p.Turn(nil)
		asked := len(w.asked)
		pass(30 * time.Minute)
		if len(p.Down()) != 0 || p.Probed() != 0 || len(w.asked) > asked+1 {
			t.Errorf("with none to ask: %v of %d, %d questions", p.Down(), p.Probed(), len(w.asked)-asked)
		}
		p.Turn([]Target{{"tile-0", "https://s0.example/"}})
		pass(time.Minute)
		if got := len(w.of("https://s0.example/")) - before; p.Probed() != 1 || got != 1 {
			t.Errorf("back: %d known, asked %d times", p.Probed(), got)
		}
		if w.most != 1 {
			t.Errorf("%d were asked at the same time", w.most)
		}
	})
}
