package keyboard

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"yhteiskone/kiosk/display"
)

// The colours are those of our pages: ink on white for letters, 16:1.
var (
	ground  = color.RGBA{0x16, 0x20, 0x2c, 0xff}
	white   = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink     = color.RGBA{0x16, 0x20, 0x2c, 0xff}
	special = color.RGBA{0xd9, 0xd4, 0xc7, 0xff}
	accent  = color.RGBA{0x0b, 0x4f, 0x8a, 0xff}
	yellow  = color.RGBA{0xff, 0xc8, 0x61, 0xff}
)

// text is what stands on the key; empty for those with a picture.
func (f face) text(c cap) string {
	switch c.what {
	case char:
		if f.shift && !f.numbers {
			return string(c.upper())
		}
		return string(c.char)
	case layer, script, space:
		return c.label
	default:
		return ""
	}
}

// placed is a key at its place in the panel, with its part of the space
// between keys: the places cover the panel, so no press falls between them.
type placed struct {
	cap
	place image.Rectangle
}

// lay places the keys of the face on a panel of that size.
func lay(f face, w, h int) []placed {
	var all []placed
	rows := f.rows()
	for i, row := range rows {
		units := 0.0
		for _, c := range row {
			units += c.width
		}
		at := 0.0
		for _, c := range row {
			left, right := int(at/units*float64(w)+0.5), int((at+c.width)/units*float64(w)+0.5)
			all = append(all, placed{c, image.Rect(left, i*h/len(rows), right, (i+1)*h/len(rows))})
			at += c.width
		}
	}
	return all
}

// sketch draws one key with what is around it. pressed is how it looks under a
// finger.
func (f *fonts) sketch(v face, k placed, scale float64, pressed bool) (*image.RGBA, error) {
	img := image.NewRGBA(image.Rect(0, 0, k.place.Dx(), k.place.Dy()))
	draw.Draw(img, img.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	back, front := white, ink
	if k.what != char && k.what != space {
		back = special
	}
	if k.what == shift && v.shift {
		back, front = yellow, ink
	}
	if pressed {
		back, front = accent, white
	}
	gap := max(2, int(3*scale))
	box := img.Rect.Inset(gap)
	round(img, box, float32(9*scale), back)
	if k.what == shift && v.shift { // held is not said by colour alone
		bar := image.Rect(box.Min.X+box.Dx()/4, box.Max.Y-int(10*scale), box.Max.X-box.Dx()/4, box.Max.Y-int(5*scale))
		round(img, bar, float32(2*scale), front)
	}
	text := v.text(k.cap)
	if text == "" {
		if outline := icon(k.cap); outline != nil {
			outline.draw(img, box, front)
		}
		return img, nil
	}
	size := 32 * scale
	if k.what != char {
		size = 22 * scale
	}
	typeface, err := f.face(text, size)
	if err != nil {
		return nil, err
	}
	bounds, advance := font.BoundString(typeface, text)
	if advance.Ceil() > box.Dx()-gap*2 { // a label that is too wide gets smaller
		size *= float64(box.Dx()-gap*2) / float64(advance.Ceil())
		if typeface, err = f.face(text, size); err != nil {
			return nil, err
		}
		bounds, advance = font.BoundString(typeface, text)
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(front), Face: typeface}
	middle := fixed.I(box.Min.Y+box.Max.Y) / 2
	base := middle + typeface.Metrics().CapHeight/2
	if k.what == char && !plain(k.char) { // letters of very different heights
		base = middle - (bounds.Min.Y+bounds.Max.Y)/2
	}
	d.Dot = fixed.Point26_6{X: fixed.I(box.Min.X+box.Max.X)/2 - advance/2, Y: base}
	d.DrawString(text)
	return img, nil
}

// plain reports whether the character stands on a line, as Latin and Cyrillic
// do.
func plain(r rune) bool { return r < 0x600 || r > 0x6ff }

// round fills a rectangle with rounded corners.
func round(img *image.RGBA, r image.Rectangle, radius float32, c color.Color) {
	x0, y0, x1, y1 := float32(r.Min.X), float32(r.Min.Y), float32(r.Max.X), float32(r.Max.Y)
	s := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	s.MoveTo(x0+radius, y0)
	s.LineTo(x1-radius, y0)
	s.QuadTo(x1, y0, x1, y0+radius)
	s.LineTo(x1, y1-radius)
	s.QuadTo(x1, y1, x1-radius, y1)
	s.LineTo(x0+radius, y1)
	s.QuadTo(x0, y1, x0, y1-radius)
	s.LineTo(x0, y0+radius)
	s.QuadTo(x0, y0, x0+radius, y0)
	s.ClosePath()
	s.Draw(img, img.Rect, image.NewUniform(c), image.Point{})
}

// shape is a picture: closed lines in a square of 24 by 24, each filled; what
// lies in two of them is empty if they run in opposite directions.
type shape [][][2]float32

// draw draws the shape in the middle of the box.
func (s shape) draw(img *image.RGBA, box image.Rectangle, c color.Color) {
	size := float32(min(box.Dx(), box.Dy())) * 0.62
	unit := size / 24
	x := float32(box.Min.X+box.Max.X)/2 - size/2
	y := float32(box.Min.Y+box.Max.Y)/2 - size/2
	r := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	for _, line := range s {
		for i, p := range line {
			if i == 0 {
				r.MoveTo(x+p[0]*unit, y+p[1]*unit)
			} else {
				r.LineTo(x+p[0]*unit, y+p[1]*unit)
			}
		}
		r.ClosePath()
	}
	r.Draw(img, img.Rect, image.NewUniform(c), image.Point{})
}

// icon is the picture on a key without a text.
func icon(c cap) shape {
	left := shape{{{2, 12}, {11, 3}, {13.5, 5.5}, {8.8, 10.2}, {22, 10.2}, {22, 13.8}, {8.8, 13.8}, {13.5, 18.5}, {11, 21}}}
	switch c.what {
	case shift:
		return shape{{{12, 2}, {22, 12}, {16.5, 12}, {16.5, 18}, {7.5, 18}, {7.5, 12}, {2, 12}},
			{{12, 6}, {7.8, 10.2}, {9.5, 10.2}, {9.5, 16}, {14.5, 16}, {14.5, 10.2}, {16.2, 10.2}}}
	case hide: // a keyboard that goes down
		return shape{{{1, 2}, {23, 2}, {23, 14}, {1, 14}}, {{3, 4}, {3, 12}, {21, 12}, {21, 4}},
			{{5, 6}, {7.5, 6}, {7.5, 8}, {5, 8}}, {{9, 6}, {11.5, 6}, {11.5, 8}, {9, 8}}, {{13, 6}, {15.5, 6}, {15.5, 8}, {13, 8}},
			{{17, 6}, {19, 6}, {19, 8}, {17, 8}}, {{7, 9.2}, {17, 9.2}, {17, 11}, {7, 11}}, {{6.5, 17}, {17.5, 17}, {12, 22.5}}}
	case press:
	default:
		return nil
	}
	switch c.key {
	case display.KeyLeft:
		return left
	case display.KeyRight:
		return left.turned(func(x, y float32) (float32, float32) { return 24 - x, y })
	case display.KeyUp:
		return left.turned(func(x, y float32) (float32, float32) { return y, x })
	case display.KeyDown:
		return left.turned(func(x, y float32) (float32, float32) { return y, 24 - x })
	case display.KeyTab:
		right := left.turned(func(x, y float32) (float32, float32) { return 24 - x - 4, y })
		return append(right, [][2]float32{{20.5, 4}, {23.5, 4}, {23.5, 20}, {20.5, 20}})
	case display.KeyEnter:
		return shape{{{2, 14}, {10, 6}, {12.4, 8.4}, {8.6, 12.2}, {18.6, 12.2}, {18.6, 4}, {22, 4}, {22, 15.8}, {8.6, 15.8}, {12.4, 19.6}, {10, 22}}}
	case display.KeyBackspace:
		return shape{{{0, 12}, {7, 4}, {24, 4}, {24, 20}, {7, 20}}, {{2.8, 12}, {8, 18}, {22, 18}, {22, 6}, {8, 6}},
			{{11, 9.4}, {12.4, 8}, {15, 10.6}, {17.6, 8}, {19, 9.4}, {16.4, 12}, {19, 14.6}, {17.6, 16}, {15, 13.4}, {12.4, 16}, {11, 14.6}, {13.6, 12}}}
	default:
		return nil
	}
}

// turned is the shape with every point moved.
func (s shape) turned(move func(x, y float32) (float32, float32)) shape {
	var out shape
	for _, line := range s {
		var moved [][2]float32
		for _, p := range line {
			x, y := move(p[0], p[1])
			moved = append(moved, [2]float32{x, y})
		}
		out = append(out, moved)
	}
	return out
}
