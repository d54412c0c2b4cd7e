package boottest

import (
	"strings"
	"time"
)

// between is how far apart two strokes are: a USB keyboard keeps sixteen events,
// and the machine comes for them when it can.
const between = 60 * time.Millisecond

// breath is that time; there is nothing to look at: a person presses no faster.
func breath() { <-time.After(between) }

// event is one of QMP's input events.
func event(kind string, data map[string]any) map[string]any {
	return map[string]any{"type": kind, "data": data}
}

func key(code string, down bool) map[string]any {
	return event("key", map[string]any{"down": down, "key": map[string]any{"type": "qcode", "data": code}})
}

// press presses keys together, named as QEMU names them, and lets them go.
func (m *machine) press(codes ...string) {
	m.t.Helper()
	var down, up []map[string]any
	for i := range codes {
		down = append(down, key(codes[i], true))
		up = append(up, key(codes[len(codes)-1-i], false))
	}
	for _, events := range [][]map[string]any{down, up} {
		m.ask("input-send-event", map[string]any{"events": events})
		breath()
	}
}

// write types letters, digits and a few signs on the Finnish keyboard.
func (m *machine) write(text string) {
	m.t.Helper()
	for _, r := range text {
		c := string(r)
		switch {
		case strings.Contains("abcdefghijklmnopqrstuvwxyz0123456789", c):
			m.press(c)
		case c == ".":
			m.press("dot")
		case c == "/":
			m.press("shift", "7")
		case c == " ":
			m.press("spc")
		default:
			m.t.Fatalf("no key is known for %q", c)
		}
	}
}

// point moves the mouse.
func (m *machine) point(to place) {
	m.t.Helper()
	axis := func(name string, at float64) map[string]any {
		return event("abs", map[string]any{"axis": name, "value": int(at * 32767)})
	}
	m.ask("input-send-event", map[string]any{"events": []map[string]any{axis("x", to.x), axis("y", to.y)}})
	breath()
}

// click presses the left button there.
func (m *machine) click(at place) {
	m.t.Helper()
	m.point(at)
	for _, down := range []bool{true, false} {
		m.ask("input-send-event", map[string]any{"events": []map[string]any{event("btn", map[string]any{"down": down, "button": "left"})}})
		breath()
	}
}
