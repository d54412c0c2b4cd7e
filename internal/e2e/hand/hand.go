// Package hand is a client's hands in a scenario: it moves the mouse, presses
// keys and types, all through the X server, as a person would.
//
// It knows windows only by their class, to see whether something is on the
// screen. It never talks to a browser and never sleeps: whoever uses it waits
// for what the press should do.
//
// It needs the programs xdotool and, for pictures of failed tests, import of
// ImageMagick.
package hand

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Hand acts on one display.
type Hand struct {
	Display    string // for example ":61"
	Xauthority string // file with the display's cookie
}

// Box is a place on the screen.
type Box struct{ X, Y, W, H int }

func (h Hand) run(ctx context.Context, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), "DISPLAY="+h.Display, "XAUTHORITY="+h.Xauthority)
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// Click presses the left button at a place.
func (h Hand) Click(ctx context.Context, x, y int) error {
	_, err := h.run(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "1")
	return err
}

// ClickIn presses the left button at a place in a window.
func (h Hand) ClickIn(ctx context.Context, window string, x, y int) error {
	_, err := h.run(ctx, "xdotool", "mousemove", "--window", window, strconv.Itoa(x), strconv.Itoa(y), "click", "1")
	return err
}

// Move moves the mouse.
func (h Hand) Move(ctx context.Context, x, y int) error {
	_, err := h.run(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y))
	return err
}

// Key presses keys one after the other, named as xdotool names them: "Tab",
// "Return", "ctrl+v".
func (h Hand) Key(ctx context.Context, keys ...string) error {
	_, err := h.run(ctx, "xdotool", append([]string{"key", "--clearmodifiers"}, keys...)...)
	return err
}

// Type types text.
func (h Hand) Type(ctx context.Context, text string) error {
	_, err := h.run(ctx, "xdotool", "type", "--delay", "8", text)
	return err
}

// Windows are the visible windows of a class.
func (h Hand) Windows(ctx context.Context, class string) []string {
	out, err := h.run(ctx, "xdotool", "search", "--onlyvisible", "--class", "^"+class+"$")
	if err != nil { // xdotool fails when it finds none
		return nil
	}
	return strings.Fields(out)
}

// Size is the size of a window; X and Y are zero, because xdotool counts the
// frame of a decorated window twice.
func (h Hand) Size(ctx context.Context, window string) (Box, error) {
	out, err := h.run(ctx, "xdotool", "getwindowgeometry", "--shell", window)
	if err != nil {
		return Box{}, err
	}
	var b Box
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			continue
		}
		switch name {
		case "WIDTH":
			b.W = n
		case "HEIGHT":
			b.H = n
		}
	}
	return b, nil
}

// Look is a hash of what a part of the screen shows, to see that it changed.
func (h Hand) Look(ctx context.Context, b Box) (string, error) {
	c := exec.CommandContext(ctx, "import", "-window", "root", "-crop", fmt.Sprintf("%dx%d+%d+%d", b.W, b.H, b.X, b.Y), "+repage", "rgb:-")
	c.Env = append(os.Environ(), "DISPLAY="+h.Display, "XAUTHORITY="+h.Xauthority)
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("look at the screen: %w", err)
	}
	sum := sha256.Sum256(out)
	return hex.EncodeToString(sum[:]), nil
}

// Picture saves what the whole screen shows. It is for failed tests only.
func (h Hand) Picture(ctx context.Context, file string) error {
	_, err := h.run(ctx, "import", "-window", "root", file)
	return err
}

// Up reports whether the display answers.
func (h Hand) Up(ctx context.Context) bool {
	_, err := h.run(ctx, "xdotool", "getmouselocation")
	return err == nil
}

// Selection is what a clipboard selection ("clipboard", "primary") holds; owned
// is false if nobody holds it. It needs the program xclip.
func (h Hand) Selection(ctx context.Context, name string) (text string, owned bool) {
	out, err := h.run(ctx, "xclip", "-o", "-selection", name)
	return out, err == nil
}
