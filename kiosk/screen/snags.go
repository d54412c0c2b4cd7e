package screen

import (
	"embed"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"yhteiskone/internal/acceptance"
)

// What a technician reads before the machine is in a fleet: in the three
// languages that a machine can be told to start in.
//
//go:embed snag/*.toml
var snagFiles embed.FS

// snagWords are a title and what to do for each Snag, by language.
type snagWords map[string]map[string]map[string]string

// readTechnical reads words for the technician, a file for each of the three
// languages.
func readTechnical[T any](files embed.FS, folder string) (map[string]T, error) {
	all := map[string]T{}
	for _, lang := range acceptance.Languages() {
		var words T
		text, err := files.ReadFile(folder + "/" + lang + ".toml")
		if err == nil {
			err = toml.Unmarshal(text, &words)
		}
		if err != nil {
			return nil, fmt.Errorf("read the words for the technician in %s: %w", lang, err)
		}
		all[lang] = words
	}
	return all, nil
}

// technicianLang is the page's language for a technician: another one than the
// three is English there.
func (p page) technicianLang() string {
	if p.Borrowed() {
		return "en"
	}
	return p.Lang
}

// Snagged says a part of what is wrong: its title, what to do, that it is tried
// again. Another language than the three is said in English.
func (p page) Snagged(part string) (string, error) {
	words := p.snags[p.technicianLang()]
	said := words[string(p.Snag)][part]
	if part == "again" {
		said = words["all"][part]
	}
	if said == "" {
		return "", fmt.Errorf("no words for %q of %q", part, p.Snag)
	}
	return strings.ReplaceAll(said, "{agent}", p.SnagAt), nil
}
