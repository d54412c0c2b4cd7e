package keyboard

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// fontFiles are where Debian puts fonts that have our scripts, the best first.
func fontFiles() []string {
	const noto, dejavu = "/usr/share/fonts/truetype/noto/", "/usr/share/fonts/truetype/dejavu/"
	return []string{noto + "NotoSans-Bold.ttf", noto + "NotoSansArabicUI-Bold.ttf", noto + "NotoSansArabic-Bold.ttf", dejavu + "DejaVuSans-Bold.ttf"}
}

// errNoFont says that a language cannot be drawn.
var errNoFont = errors.New("no font has the letters; install the package fonts-noto-core")

// fonts are what the labels are drawn with. They are read when the keyboard is
// shown and let go when it is hidden.
type fonts struct {
	all   []*sfnt.Font
	faces map[faceKey]font.Face
}

type faceKey struct {
	font int
	size float64
}

// loadFonts reads the fonts of the machine; the last one is our own.
func loadFonts(files []string) (*fonts, error) {
	f := &fonts{faces: map[faceKey]font.Face{}}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // not every machine has every font
		}
		if one, err := opentype.Parse(data); err == nil {
			f.all = append(f.all, one)
		}
	}
	own, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the built-in font: %w", err)
	}
	f.all = append(f.all, own)
	return f, nil
}

// face finds a font that has the whole text.
func (f *fonts) face(text string, size float64) (font.Face, error) {
	var buffer sfnt.Buffer
next:
	for i, one := range f.all {
		for _, r := range text {
			if g, err := one.GlyphIndex(&buffer, r); err != nil || g == 0 {
				continue next
			}
		}
		key := faceKey{i, size}
		if face, ok := f.faces[key]; ok {
			return face, nil
		}
		face, err := opentype.NewFace(one, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return nil, fmt.Errorf("prepare a font: %w", err)
		}
		f.faces[key] = face
		return face, nil
	}
	return nil, fmt.Errorf("draw %q: %w", text, errNoFont)
}

// can reports whether every key of the language can be drawn.
func (f *fonts) can(lang string) bool {
	for _, v := range []face{{lang: lang}, {lang: lang, shift: true}, {lang: lang, numbers: true}, {lang: lang, numbers: true, shift: true}} {
		for _, row := range v.rows() {
			for _, c := range row {
				if _, err := f.face(v.text(c), 20); err != nil {
					return false
				}
			}
		}
	}
	return true
}
