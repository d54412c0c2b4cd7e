package keyboard

import (
	"image"
	"testing"

	"yhteiskone/kiosk/display"
)

func languages() []string { return []string{"fi", "sv", "en", "so", "et", "ru", "uk", "ar", "fa"} }

// faces are all that a client can come to in a language.
func faces(lang string) []face {
	all := []face{{lang: lang}, {lang: lang, shift: true}, {lang: lang, numbers: true}, {lang: lang, numbers: true, shift: true}}
	if _, ok := all[0].other(); ok {
		for _, f := range all[:4:4] {
			f.latin = true
			all = append(all, f)
		}
	}
	return all
}

func TestKeysAreLargeAndCoverThePanel(t *testing.T) {
	for _, lang := range languages() {
		for _, size := range []image.Point{{1024, 768}, {1280, 720}, {1366, 768}, {1920, 1080}} {
			scale := display.Scale(size.X, size.Y)
			h := int(rowCount*rowHeight*scale + 0.5)
			for _, f := range faces(lang) {
				area := 0
				keys := lay(f, size.X, h)
				for i, k := range keys {
					area += k.place.Dx() * k.place.Dy()
					if least := int(64 * scale); k.place.Dx() < least || k.place.Dy() < least {
						t.Errorf("%s %v on %v: key %q is %v, less than %d", lang, f, size, f.text(k.cap), k.place, least)
					}
					for _, other := range keys[:i] {
						if k.place.Overlaps(other.place) {
							t.Errorf("%s %v: %q and %q overlap", lang, f, f.text(k.cap), f.text(other.cap))
						}
					}
				}
				if area != size.X*h {
					t.Errorf("%s %v on %v: the keys cover %d of %d", lang, f, size, area, size.X*h)
				}
			}
		}
	}
}

// What a person must be able to write, whatever their language: addresses, a
// password, their own alphabet.
func TestEverythingCanBeWritten(t *testing.T) {
	latin := "abcdefghijklmnopqrstuvwxyzåäöABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ0123456789 €§"
	for r := '!'; r <= '~'; r++ {
		latin += string(r)
	}
	own := map[string]string{
		"ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
		"uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ'",
		"et": "õäöüšžÕÄÖÜŠŽ", "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءأإآؤئ", "fa": "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءآئ",
	}
	for _, lang := range languages() {
		can := map[rune]bool{}
		for _, f := range faces(lang) {
			for _, row := range f.rows() {
				for _, c := range row {
					switch {
					case c.what == space:
						can[' '] = true
					case c.what == char && f.shift && !f.numbers:
						can[c.upper()] = true
					case c.what == char:
						can[c.char] = true
					}
				}
			}
		}
		for _, r := range latin + own[lang] {
			if !can[r] {
				t.Errorf("%s: there is no way to write %q", lang, r)
			}
		}
	}
}

func TestEveryFaceHasItsWays(t *testing.T) {
	for _, lang := range languages() {
		for _, f := range faces(lang) {
			count := map[what]int{}
			keys := map[display.Key]int{}
			for _, row := range f.rows() {
				for _, c := range row {
					count[c.what]++
					keys[c.key]++
				}
			}
			_, other := f.other()
			for _, c := range []struct {
				of   what
				want bool
			}{{hide, true}, {space, true}, {layer, true}, {script, other}, {shift, f.numbers || f.alphabet().cased}} {
				if got := count[c.of] == 1; got != c.want {
					t.Errorf("%s %v: key %d: %d times", lang, f, c.of, count[c.of])
				}
			}
			for _, k := range []display.Key{display.KeyBackspace, display.KeyEnter, display.KeyTab, display.KeyLeft, display.KeyRight, display.KeyUp, display.KeyDown} {
				if keys[k] != 1 {
					t.Errorf("%s %v: key %#x: %d times", lang, f, uint32(k), keys[k])
				}
			}
		}
	}
}

func TestEveryKeyCanBeDrawn(t *testing.T) {
	f, err := loadFonts(fontFiles())
	if err != nil {
		t.Fatal(err)
	}
	own, err := loadFonts(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range languages() {
		arabic := lang == "ar" || lang == "fa"
		if len(f.all) > 1 && !f.can(lang) {
			t.Errorf("%s cannot be drawn with the machine's fonts", lang)
		}
		if own.can(lang) == arabic {
			t.Errorf("%s with the built-in font alone: %v", lang, !arabic)
		}
		if !f.can(lang) {
			continue
		}
		for _, v := range faces(lang) {
			for _, k := range lay(v, 1024, 280) {
				for _, pressed := range []bool{false, true} {
					img, err := f.sketch(v, k, 1, pressed)
					if err != nil {
						t.Fatal(err)
					}
					if k.what != space && lonely(img) {
						t.Errorf("%s %v: nothing stands on key %v", lang, v, k)
					}
				}
			}
		}
	}
}

// lonely reports whether the middle of the picture has one colour only.
func lonely(img *image.RGBA) bool {
	middle := img.Rect.Inset(14)
	first := img.RGBAAt(middle.Min.X, middle.Min.Y)
	for y := middle.Min.Y; y < middle.Max.Y; y++ {
		for x := middle.Min.X; x < middle.Max.X; x++ {
			if img.RGBAAt(x, y) != first {
				return false
			}
		}
	}
	return true
}

func TestTremble(t *testing.T) {
	key := finger{key: 3, place: image.Rect(0, 0, 80, 70), at: 1000}
	for _, c := range []struct {
		touch display.Touch
		want  bool
	}{
		{display.Touch{X: 10, Y: 10, At: 1050}, true},
		{display.Touch{X: 79, Y: 69, At: 1119}, true},
		{display.Touch{X: 10, Y: 10, At: 1120}, false},
		{display.Touch{X: 80, Y: 10, At: 1050}, false}, // the neighbour
	} {
		if got := key.trembles(c.touch); got != c.want {
			t.Errorf("%v: %v", c.touch, got)
		}
	}
	if (finger{key: -1}).trembles(display.Touch{At: 5}) {
		t.Error("the first press of all trembles")
	}
}
