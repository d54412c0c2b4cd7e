package install

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

//go:embed text/*.toml
var texts embed.FS

// words are what the installer says in one language.
type words map[string]string

// languages are those that there are; the first is the default.
func languages() []string { return []string{"fi", "sv", "en"} }

// Speaks says whether the installer knows a language.
func Speaks(lang string) bool { return slices.Contains(languages(), lang) }

func speak(lang string) (words, error) {
	text, err := texts.ReadFile("text/" + lang + ".toml")
	if err != nil {
		return nil, fmt.Errorf("the installer does not speak %q", lang)
	}
	w := words{}
	if err := toml.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("read the installer's words in %s: %w", lang, err)
	}
	return w, nil
}

// say is a sentence, with what its {names} stand for.
func (w words) say(key string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(w[key])
}
