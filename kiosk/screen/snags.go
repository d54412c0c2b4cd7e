package screen

import (
	"embed"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// What a technician reads before the machine is in a fleet: in the three
// languages that a machine can be told to start in.
//
//go:embed snag/*.toml
var snagFiles embed.FS

// snagWords are a title and what to do for each Snag, by language.
type snagWords map[string]map[string]map[string]string

func readSnags() (snagWords, error) {
	all := snagWords{}
	for _, lang := range []string{"fi", "sv", "en"} {
		text, err := snagFiles.ReadFile("snag/" + lang + ".toml")
		if err != nil {
			return nil, fmt.Errorf("read the words for the technician: %w", err)
		}
		words := map[string]map[string]string{}
		if err := toml.Unmarshal(text, &words); err != nil {
			return nil, fmt.Errorf("read the words for the technician in %s: %w", lang, err)
		}
		all[lang] = words
	}
	return all, nil
}

// Snagged says a part of what is wrong: its title, what to do, that it is tried
// again. Another language than the three is said in English.
func (p page) Snagged(part string) (string, error) {
	words := p.snags[p.Lang]
	if words == nil {
		words = p.snags["en"]
	}
	said := words[string(p.Snag)][part]
	if part == "again" {
		said = words["all"][part]
	}
	if said == "" {
		return "", fmt.Errorf("no words for %q of %q", part, p.Snag)
	}
	return strings.ReplaceAll(said, "{agent}", p.SnagAt), nil
}
