package hand

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Press presses a mouse button (1 left, 2 middle, 3 right) at a place while
// keys such as "shift" are down.
func (h Hand) Press(ctx context.Context, button, x, y int, with ...string) error {
	args := []string{"mousemove", strconv.Itoa(x), strconv.Itoa(y)}
	for _, k := range with {
		args = append(args, "keydown", k)
	}
	args = append(args, "click", strconv.Itoa(button))
	for _, k := range with {
		args = append(args, "keyup", k)
	}
	_, err := h.run(ctx, "xdotool", args...)
	return err
}

// Drag takes what is at one place to another, slowly enough for two programs
// to agree on it.
func (h Hand) Drag(ctx context.Context, from, to Box) error {
	args := []string{"mousemove", strconv.Itoa(from.X), strconv.Itoa(from.Y), "mousedown", "1"}
	const steps = 12
	for i := 1; i <= steps; i++ {
		args = append(args, "mousemove", strconv.Itoa(from.X+(to.X-from.X)*i/steps), strconv.Itoa(from.Y+(to.Y-from.Y)*i/steps), "sleep", "0.04")
	}
	args = append(args, "mousemove", strconv.Itoa(to.X+2), strconv.Itoa(to.Y), "sleep", "0.3", "mouseup", "1")
	_, err := h.run(ctx, "xdotool", args...)
	return err
}

// Hold presses a key and keeps it down; Release lets it go.
func (h Hand) Hold(ctx context.Context, key string) error {
	_, err := h.run(ctx, "xdotool", "keydown", key)
	return err
}

// Release lets a held key go.
func (h Hand) Release(ctx context.Context, key string) error {
	_, err := h.run(ctx, "xdotool", "keyup", key)
	return err
}

// Put makes the clipboard hold a text until somebody else copies something or
// stop is called.
func (h Hand) Put(ctx context.Context, text string) (stop func(), err error) {
	c := exec.CommandContext(ctx, "xclip", "-quiet", "-i", "-selection", "clipboard")
	c.Env = append(os.Environ(), "DISPLAY="+h.Display, "XAUTHORITY="+h.Xauthority)
	c.Stdin = strings.NewReader(text)
	if err := c.Start(); err != nil {
		return nil, err
	}
	return func() { c.Process.Kill(); c.Wait() }, nil
}
