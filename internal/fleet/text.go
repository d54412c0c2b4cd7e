package fleet

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is one plain text in the languages in which people of a site write.
type Text struct{ FI, SV, EN string }

// In returns the text in a language; English for another one than the three.
func (t Text) In(lang string) string {
	switch lang {
	case "fi":
		return t.FI
	case "sv":
		return t.SV
	}
	return t.EN
}

// Each goes through the languages in a fixed order.
func (t Text) Each() iter.Seq2[string, string] {
	return func(yield func(lang, text string) bool) {
		_ = yield("fi", t.FI) && yield("sv", t.SV) && yield("en", t.EN)
	}
}

// Check says which language of a text is wrong, and what is, or returns nil.
// Every language has least to most characters.
func (t Text) Check(least, most int) (lang string, err error) {
	for l, text := range t.Each() {
		if err := CheckText(text, least, most); err != nil {
			return l, err
		}
	}
	return "", nil
}

// CheckText says, after a name, what is wrong with a text that is shown to
// clients, or returns nil: it is one line that can be printed, of least to most
// characters.
func CheckText(s string, least, most int) error {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least:
		return errors.New("is missing")
	case n > most:
		return fmt.Errorf("is longer than %d characters", most)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\u00a0' || r == unicode.ReplacementChar }):
		return errors.New("holds a character that cannot be shown")
	}
	return nil
}
