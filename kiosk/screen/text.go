package screen

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

//go:embed text/*.toml
var textFiles embed.FS

// language is one language of the shell.
type language struct {
	Code string
	Name string // as its speakers call it
	Dir  string // "ltr" or "rtl"
}

// languages are those that we have words for, in the order of the buttons.
func languages() []language {
	return []language{{"fi", "Suomi", "ltr"}, {"sv", "Svenska", "ltr"}, {"en", "English", "ltr"}}
}

// languageOf finds a language; the first one when we do not have it.
func languageOf(code string) language {
	for _, l := range languages() {
		if l.Code == code {
			return l
		}
	}
	return languages()[0]
}

// Texts are the shell's own words: by language, then by key.
type Texts map[string]map[string]string

// LoadTexts reads the built-in words of every language.
func LoadTexts() (Texts, error) {
	all := Texts{}
	for _, l := range languages() {
		data, err := textFiles.ReadFile("text/" + l.Code + ".toml")
		if err != nil {
			return nil, fmt.Errorf("read the words: %w", err)
		}
		words := map[string]string{}
		if err := toml.Unmarshal(data, &words); err != nil {
			return nil, fmt.Errorf("read the words of %s: %w", l.Code, err)
		}
		all[l.Code] = words
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

// count picks the words for one or for many. The number stays on the line of
// the word after it.
func (t Texts) count(lang, key string, n int) (string, error) {
	form := key + "_many"
	if n == 1 {
		form = key + "_one"
	}
	s, err := t.say(lang, form, "n", strconv.Itoa(n))
	return strings.Replace(s, strconv.Itoa(n)+" ", strconv.Itoa(n)+"\u00a0", 1), err
}
