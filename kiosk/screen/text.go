package screen

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/feature/plural"
	xlanguage "golang.org/x/text/language"
)

//go:embed text/*.toml
var textFiles embed.FS

// Language is one language of the shell.
type Language struct {
	Code  string
	Name  string // as its speakers call it
	Dir   string // "ltr" or "rtl"
	Draft bool   // nobody who speaks it has reviewed the words yet
}

// Languages are those that we have words for, in the order of the buttons.
func Languages() []Language {
	return []Language{
		{"fi", "Suomi", "ltr", false}, {"sv", "Svenska", "ltr", false}, {"en", "English", "ltr", false},
		{"ru", "Русский", "ltr", true}, {"ar", "العربية", "rtl", true}, {"so", "Soomaali", "ltr", true},
		{"et", "Eesti", "ltr", true}, {"uk", "Українська", "ltr", true}, {"fa", "فارسی", "rtl", true},
	}
}

// languageOf finds a language; the first one when we do not have it.
func languageOf(code string) Language {
	for _, l := range Languages() {
		if l.Code == code {
			return l
		}
	}
	return Languages()[0]
}

// offered are the languages named in a list with commas between, in its order;
// all of them when it names none of ours.
func offered(list string) []Language {
	var some []Language
	for code := range strings.SplitSeq(list, ",") {
		if l := languageOf(code); l.Code == code {
			some = append(some, l)
		}
	}
	if some == nil {
		return Languages()
	}
	return some
}

// Texts are the shell's own words: by language, then by key.
type Texts map[string]map[string]string

// words is a file of words: the key draft, and one text for each other key.
type words struct {
	draft bool
	text  map[string]string
}

func parseWords(data []byte) (words, error) {
	all := map[string]any{}
	if err := toml.Unmarshal(data, &all); err != nil {
		return words{}, err
	}
	w := words{text: map[string]string{}}
	for key, value := range all {
		switch v := value.(type) {
		case string:
			w.text[key] = v
		case bool:
			if key != "draft" {
				return words{}, fmt.Errorf("%q is not a text", key)
			}
			w.draft = v
		default:
			return words{}, fmt.Errorf("%q is not a text", key)
		}
	}
	return w, nil
}

func readWords(lang string) (words, error) {
	data, err := textFiles.ReadFile("text/" + lang + ".toml")
	if err != nil {
		return words{}, fmt.Errorf("read the words: %w", err)
	}
	w, err := parseWords(data)
	if err != nil {
		return words{}, fmt.Errorf("read the words of %s: %w", lang, err)
	}
	return w, nil
}

// LoadTexts reads the built-in words of every language.
func LoadTexts() (Texts, error) {
	all := Texts{}
	for _, l := range Languages() {
		w, err := readWords(l.Code)
		if err != nil {
			return nil, err
		}
		all[l.Code] = w.text
	}
	return all, nil
}

// say returns the words for a key with its {names} replaced by what follows in
// pairs. A key without words is an error, so that no page shows a hole.
func (t Texts) say(lang, key string, pairs ...string) (string, error) {
	s := t[lang][key]
	if s == "" {
		return "", fmt.Errorf("no words for %q in %q", key, lang)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+pairs[i]+"}", pairs[i+1])
	}
	return s, nil
}

// count says a number of things. A language that bends its words after numbers
// has a key for each of its forms, named as the Unicode plural rules name them
// (left_one, left_few); the key itself is the form "other". The number stays on
// the line of the word after it.
func (t Texts) count(lang, key string, n int, pairs ...string) (string, error) {
	if form := key + "_" + pluralForm(lang, n); t[lang][form] != "" {
		key = form
	}
	number := digits(lang, strconv.Itoa(n))
	s, err := t.say(lang, key, append(pairs, "n", number)...)
	return strings.Replace(s, number+" ", number+"\u00a0", 1), err
}

// pluralForm names the form that a language uses after a whole number.
func pluralForm(lang string, n int) string {
	switch plural.Cardinal.MatchPlural(xlanguage.Make(lang), n, 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

// digits writes a number as the language does. Persian has digits of its own;
// the others use ours, Arabic too, as people meet them in Finland.
func digits(lang, number string) string {
	if lang != "fa" {
		return number
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '۰' + (r - '0')
		}
		return r
	}, number)
}
