package hand

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Window is one window as the window manager and the X server know it.
type Window struct {
	ID    string
	Class string // the second part of WM_CLASS
	Role  string
	Type  string // the last part of its first type: "NORMAL", "DIALOG"
	Free  bool   // no window manager's: a menu, a tooltip, a curtain
	Shown bool
	Box
}

func (w Window) String() string {
	return fmt.Sprintf("%s/%s/%s %dx%d+%d+%d shown=%v free=%v", w.Class, w.Role, w.Type, w.W, w.H, w.X, w.Y, w.Shown, w.Free)
}

var (
	idShape    = regexp.MustCompile(`0x[0-9a-f]+`)
	quoted     = regexp.MustCompile(`"([^"]*)"`)
	childShape = regexp.MustCompile(`(?m)^\s+(0x[0-9a-f]+) .*?: \((?:"[^"]*" "([^"]*)")?.*\)\s+(\d+)x(\d+)`)
)

// All are the windows of the screen: those that the window manager manages, in
// the order in which they came, and those of nobody that are shown and larger
// than a few pixels. Names of windows are left out: they name pages.
func (h Hand) All(ctx context.Context) ([]Window, error) {
	out, err := h.run(ctx, "xprop", "-root", "_NET_CLIENT_LIST")
	if err != nil {
		return nil, err
	}
	var all []Window
	for _, id := range idShape.FindAllString(out, -1) {
		if w, ok := h.window(ctx, id); ok {
			all = append(all, w)
		}
	}
	out, err = h.run(ctx, "xwininfo", "-root", "-children")
	if err != nil {
		return nil, err
	}
	for _, m := range childShape.FindAllStringSubmatch(out, -1) {
		width, _ := strconv.Atoi(m[3])
		height, _ := strconv.Atoi(m[4])
		if width < 16 || height < 16 {
			continue
		}
		info, err := h.run(ctx, "xwininfo", "-id", m[1])
		if err != nil || !strings.Contains(info, "IsViewable") || !strings.Contains(info, "Override Redirect State: yes") {
			continue
		}
		w := Window{ID: m[1], Class: m[2], Free: true, Shown: true}
		w.Box = box(info)
		all = append(all, w)
	}
	return all, nil
}

// window looks at one managed window; false if it vanished.
func (h Hand) window(ctx context.Context, id string) (Window, bool) {
	info, err := h.run(ctx, "xwininfo", "-id", id)
	if err != nil {
		return Window{}, false
	}
	out, err := h.run(ctx, "xprop", "-id", id, "WM_CLASS", "WM_WINDOW_ROLE", "_NET_WM_WINDOW_TYPE")
	if err != nil {
		return Window{}, false
	}
	w := Window{ID: id, Shown: strings.Contains(info, "IsViewable"), Box: box(info)}
	for line := range strings.Lines(out) {
		all := quoted.FindAllStringSubmatch(line, -1)
		switch name, value, _ := strings.Cut(line, " = "); {
		case strings.HasPrefix(name, "WM_CLASS") && len(all) == 2:
			w.Class = all[1][1]
		case strings.HasPrefix(name, "WM_WINDOW_ROLE") && len(all) == 1:
			w.Role = all[0][1]
		case strings.HasPrefix(name, "_NET_WM_WINDOW_TYPE"):
			first, _, _ := strings.Cut(strings.TrimSpace(value), ",")
			w.Type = strings.TrimPrefix(first, "_NET_WM_WINDOW_TYPE_")
		}
	}
	return w, true
}

// box reads a place from what xwininfo says.
func box(info string) (b Box) {
	for _, f := range []struct {
		name string
		to   *int
	}{{"Absolute upper-left X:", &b.X}, {"Absolute upper-left Y:", &b.Y}, {"Width:", &b.W}, {"Height:", &b.H}} {
		if _, rest, ok := strings.Cut(info, f.name); ok {
			line, _, _ := strings.Cut(rest, "\n")
			*f.to, _ = strconv.Atoi(strings.TrimSpace(line))
		}
	}
	return b
}

// Title is the name of the window that has the keyboard.
func (h Hand) Title(ctx context.Context) string {
	out, _ := h.run(ctx, "xdotool", "getactivewindow", "getwindowname") // none is an empty title
	return out
}

// Pixels is what a part of the screen shows, three bytes a pixel.
func (h Hand) Pixels(ctx context.Context, b Box) ([]byte, error) {
	c := exec.CommandContext(ctx, "import", "-window", "root", "-crop", fmt.Sprintf("%dx%d+%d+%d", b.W, b.H, b.X, b.Y), "+repage", "-depth", "8", "rgb:-")
	c.Env = append(os.Environ(), "DISPLAY="+h.Display, "XAUTHORITY="+h.Xauthority)
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("look at the screen: %w", err)
	}
	return out, nil
}
