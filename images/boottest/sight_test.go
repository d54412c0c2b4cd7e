package boottest

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
)

// place is where something is on the screen, in parts of its width and height.
type place struct{ x, y float64 }

// Where our own pages have things, on QEMU's screen of 1280 by 800.
func tile() place      { return place{0.847, 0.69} } // on the welcome page: the browser
func endButton() place { return place{0.87, 0.956} }
func endYes() place    { return place{0.823, 0.88} }

// sign is a place and its colour, by which a page is known.
type sign struct {
	what    string
	at      place
	r, g, b int
}

func welcomed() sign { return sign{"the welcome page", place{0.75, 0.905}, 10, 79, 138} }     // the button for help
func stripped() sign { return sign{"the strip", place{0.47, 0.956}, 23, 32, 43} }             // its ground
func asked() sign    { return sign{"the question of the end", place{0.7, 0.9}, 161, 21, 33} } // yes

// screen is what is on it.
func (m *machine) screen() image.Image {
	m.t.Helper()
	path := filepath.Join(m.dir, "sight.png")
	m.ask("screendump", map[string]any{"filename": path, "format": "png"})
	f, err := os.Open(path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	seen, err := png.Decode(f)
	if err != nil {
		m.t.Fatal(err)
	}
	return seen
}

// is reports whether a colour is the sign's.
func (s sign) is(c color.Color) bool {
	r, g, b, _ := c.RGBA()
	near := func(a uint32, b int) bool { d := int(a>>8) - b; return d > -12 && d < 12 }
	return near(r, s.r) && near(g, s.g) && near(b, s.b)
}

// shows reports whether the screen shows it.
func (m *machine) shows(s sign) (bool, string) {
	m.t.Helper()
	seen := m.screen()
	size := seen.Bounds().Size()
	c := seen.At(int(s.at.x*float64(size.X)), int(s.at.y*float64(size.Y)))
	r, g, b, _ := c.RGBA()
	return s.is(c), fmt.Sprintf("the colour is %d %d %d of a screen of %v", r>>8, g>>8, b>>8, size)
}

// faulty reports whether the curtain tells of a fault: its sign and title are
// in a red that nothing else there has.
func (m *machine) faulty() (bool, string) {
	m.t.Helper()
	red, seen, n := sign{r: 163, g: 22, b: 33}, m.screen(), 0
	for y := range seen.Bounds().Dy() {
		for x := range seen.Bounds().Dx() {
			if red.is(seen.At(x, y)) {
				n++
			}
		}
	}
	return n > 1000, fmt.Sprintf("%d points are red", n)
}

// sees waits until the screen shows it.
func (m *machine) sees(s sign) {
	m.t.Helper()
	until(m.t, patienceOfEyes, s.what, func() (bool, string) { return m.shows(s) })
}
