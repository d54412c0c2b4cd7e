package keyboard

import (
	"slices"
	"strings"
	"unicode"

	"yhteiskone/kiosk/display"
)

// what a key does.
type what int

const (
	char what = iota
	shift
	layer  // to the other layer: letters or numbers
	script // to the other alphabet: the client's or Latin
	space
	press // a key that writes nothing: cap.key
	hide
)

// repeats reports whether the key goes on while it is held. One only: what is
// written twice by a trembling hand is worse than what is wiped twice.
func (c cap) repeats() bool { return c.what == press && c.key == display.KeyBackspace }

// cap is one key of the on-screen keyboard.
type cap struct {
	what  what
	char  rune        // char: without Shift
	key   display.Key // press
	label string      // of layer, script and space
	width float64     // in widths of a letter
}

// upper is what the key writes with Shift.
func (c cap) upper() rune {
	if c.char == 'ß' {
		return c.char
	}
	return unicode.ToUpper(c.char)
}

// alphabet is the letters of some languages.
type alphabet struct {
	langs string    // codes, with spaces between
	name  string    // on the space bar, so that the client sees what they write with
	sign  string    // on the keys that lead to this alphabet
	rows  [3]string // three rows of letters, from left to right
	cased bool      // it has capitals
	latin bool      // addresses can be written with it
}

// alphabets are those that we have; the first is the one for every language
// without its own, and for addresses.
func alphabets() []alphabet {
	return []alphabet{
		{"fi sv", "Suomi · Svenska", "ÅÄÖ", [3]string{"qwertyuiopå", "asdfghjklöä", "zxcvbnm,.-@"}, true, true},
		{"en so", "English", "ABC", [3]string{"qwertyuiop", "asdfghjkl'", "zxcvbnm,.-@"}, true, true},
		{"et", "Eesti", "ÜÕ", [3]string{"qwertyuiopüõ", "asdfghjklöä", "šzžxcvbnm,.-@"}, true, true},
		{"ru", "Русский", "АБВ", [3]string{"йцукенгшщзхъ", "фывапролджэ", "ёячсмитьбю.,-"}, true, false},
		{"uk", "Українська", "АБВ", [3]string{"йцукенгшщзхї", "фівапролджєґ", "ячсмитьбю'.,-"}, true, false},
		{"ar", "", "ع", [3]string{"ضصثقفغعهخحجد", "شسيبلاتنمكطذ", "ئءؤرىةوزظأإآ،."}, false, false},
		{"fa", "", "ف", [3]string{"ضصثقفغعهخحجچ", "شسیبلاتنمکگپ", "ظطزژرذدئوآء،."}, false, false},
	}
}

// The layer of numbers, and what Shift makes of it.
func numbers(shifted bool) [3]string {
	if shifted {
		return [3]string{"1234567890", "[]{}<>\\|^~`", "$£§°½"}
	}
	return [3]string{"1234567890", "@€/:.,-_!?'", "\"()&%+=*#;"}
}

// alphabetOf is the alphabet of the language.
func alphabetOf(lang string) alphabet {
	all := alphabets()
	for _, a := range all {
		if slices.Contains(strings.Fields(a.langs), lang) {
			return a
		}
	}
	return all[0]
}

// face is which keys are to be seen.
type face struct {
	lang    string
	latin   bool // the first alphabet in place of the language's own
	numbers bool
	shift   bool
}

// alphabet is the one that the face writes with.
func (f face) alphabet() alphabet {
	if f.latin {
		return alphabets()[0]
	}
	return alphabetOf(f.lang)
}

// other is the alphabet that the client can switch to; false if there is none.
func (f face) other() (alphabet, bool) {
	own, first := alphabetOf(f.lang), alphabets()[0]
	if own.sign == first.sign {
		return alphabet{}, false
	}
	if f.latin {
		return own, true
	}
	return first, true
}

// rows are the keys of the face, from above.
func (f face) rows() [][]cap {
	a := f.alphabet()
	letters, cased := a.rows, a.cased
	if f.numbers {
		letters, cased = numbers(f.shift), true
	}
	var rows [][]cap
	for _, row := range letters {
		var keys []cap
		for _, r := range row {
			keys = append(keys, cap{what: char, char: r, width: 1})
		}
		rows = append(rows, keys)
	}
	rows[0] = append(rows[0], cap{what: press, key: display.KeyBackspace, width: 1.5})
	rows[1] = append(rows[1], cap{what: press, key: display.KeyEnter, width: 1.5})
	if cased {
		rows[2] = append([]cap{{what: shift, width: 1.5}}, rows[2]...)
	}
	toLayer := "123"
	if f.numbers {
		toLayer = a.sign
		if a.latin {
			toLayer = "ABC"
		}
	}
	last := []cap{{what: layer, label: toLayer, width: 1.5}}
	if other, ok := f.other(); ok {
		last = append(last, cap{what: script, label: other.sign, width: 1.5})
	}
	last = append(last, cap{what: press, key: display.KeyTab, width: 1.25}, cap{what: space, label: a.name, width: 4})
	for _, k := range []display.Key{display.KeyLeft, display.KeyUp, display.KeyDown, display.KeyRight} {
		last = append(last, cap{what: press, key: k, width: 1})
	}
	return append(rows, append(last, cap{what: hide, width: 1.5}))
}

// characters are all that the face can write on its two layers.
func (f face) characters() []rune {
	all := []rune{' '}
	for _, rows := range [][3]string{f.alphabet().rows, numbers(false), numbers(true)} {
		all = append(all, []rune(strings.Join(rows[:], ""))...)
	}
	return all
}
