package browser

import (
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"time"

	"yhteiskone/kiosk/procs"
)

// What a browser does from some second on, and when that is called frozen.
func TestVigil(t *testing.T) {
	const from = 60 // seconds after which it begins
	owes := func(s int) time.Duration { return time.Duration(max(s-from, 0)) * time.Second }
	pulse := func(s int, then byte) procs.Pulse {
		if s <= from {
			return procs.Pulse{State: 'S', Turns: uint64(s)}
		}
		return procs.Pulse{State: then, Turns: from}
	}
	cases := map[string]struct {
		silent func(s int) time.Duration
		pulse  func(s int) procs.Pulse
		frozen int // seconds later; 0 for never
	}{
		"works":                        {func(int) time.Duration { return 0 }, func(s int) procs.Pulse { return procs.Pulse{State: 'R', Turns: uint64(s)} }, 0},
		"works, nobody asks it":        {func(int) time.Duration { return 0 }, func(s int) procs.Pulse { return pulse(s, 'S') }, 0},
		"answers late":                 {func(s int) time.Duration { return owes(s) % (9 * time.Second) }, func(s int) procs.Pulse { return procs.Pulse{State: 'R', Turns: uint64(s)} }, 0},
		"stopped by a signal":          {owes, func(s int) procs.Pulse { return pulse(s, 'T') }, 5},
		"stopped, nobody asks it":      {func(int) time.Duration { return 0 }, func(s int) procs.Pulse { return pulse(s, 't') }, 5},
		"waits for what never comes":   {owes, func(s int) procs.Pulse { return pulse(s, 'S') }, 10},
		"runs in a circle":             {owes, func(s int) procs.Pulse { return pulse(s, 'R') }, 30},
		"waits for a dead disk":        {owes, func(s int) procs.Pulse { return pulse(s, 'D') }, 30},
		"wakes and sleeps in a circle": {owes, func(s int) procs.Pulse { return procs.Pulse{State: 'S', Turns: uint64(s)} }, 30},
		"nothing is known of it":       {owes, func(int) procs.Pulse { return procs.Pulse{} }, 30},
		"thaws in time": {func(s int) time.Duration {
			if s > from+9 {
				return 0
			}
			return owes(s)
		}, func(s int) procs.Pulse {
			if s > from+9 {
				return procs.Pulse{State: 'S', Turns: uint64(s)}
			}
			return pulse(s, 'S')
		}, 0},
		"a slow machine": {func(s int) time.Duration { return owes(s) % (29 * time.Second) }, func(s int) procs.Pulse { return pulse(s, 'D') }, 0},
	}
	for name, c := range cases {
		var v vigil
		begin, frozen := time.Now(), 0
		for s := 1; s <= 200 && frozen == 0; s++ {
			if !v.answers(c.silent(s), c.pulse(s), begin.Add(time.Duration(s)*time.Second)) {
				frozen = s - from
			}
		}
		// A look a second is when a change is seen; one more is for its begin.
		if (c.frozen == 0) != (frozen == 0) || frozen < c.frozen || frozen > c.frozen+1 {
			t.Errorf("%s: frozen after %d s, want %d", name, frozen, c.frozen)
		}
	}
}

// hears is a screen that notes who answered.
type hears struct {
	fixed
	windows []uint32
}

func (h *hears) Answered(window uint32) { h.windows = append(h.windows, window) }

// What the door says comes to the screen; what it should not say does no harm.
func TestListen(t *testing.T) {
	word := func(w uint32) []byte { return binary.LittleEndian.AppendUint32(nil, w) }
	h := &hears{}
	r := &running{o: Options{Windows: h}}
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() { r.listen(from); close(done) }()
	for _, b := range [][]byte{word(7), {1, 2}, slices.Concat(word(8), word(9)), make([]byte, 64)} {
		if _, err := to.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	to.Close()
	<-done
	if !slices.Equal(h.windows, []uint32{7, 9, 0}) {
		t.Errorf("it heard %v", h.windows)
	}
}
