// Package acceptance says in plain words what stands on the acceptance sheet of
// a machine: what each row is, what to do about one that is not as it should
// be, and what the whole comes to.
//
// It is words only: it decides nothing (fleet.Sheet does), and knows no page.
// Its languages are Finnish, Swedish and English; another one is Finnish.
package acceptance

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"yhteiskone/internal/fleet"
)

//go:embed text/*.toml
var textFiles embed.FS

// Languages are those that there are words in.
func Languages() []string { return []string{"fi", "sv", "en"} }

// words are those of one language.
type words struct {
	Result map[string]string
	Mark   map[fleet.Mark]string
	Part   map[string]string
	Todo   map[string]string // of kinds of rows
	Row    map[string]row
}

type row struct {
	Name    string
	Todo    string // failed
	Unknown string // could not be read; as Todo if empty
	Try     string // for a person to try
}

// Texts are the words. Make it with New.
type Texts struct {
	mu  *sync.Mutex
	had map[string]words
}

// New returns the words. Those of a language are read when somebody first asks.
func New() Texts { return Texts{new(sync.Mutex), map[string]words{}} }

// in returns the words of a language. They are part of the program: a broken
// file is a bug.
func (t Texts) in(lang string) words {
	if !slices.Contains(Languages(), lang) {
		lang = Languages()[0]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w, ok := t.had[lang]; ok {
		return w
	}
	var w words
	text, err := textFiles.ReadFile("text/" + lang + ".toml")
	if err == nil {
		err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&w)
	}
	if err != nil {
		panic(fmt.Sprintf("read the words of the acceptance sheet in %s: %v", lang, err))
	}
	t.had[lang] = w
	return w
}

// Row is a row's name, and what to do about it; empty if nothing.
func (t Texts) Row(lang string, r fleet.SheetRow) (name, todo string) {
	w := t.in(lang)
	words, ok := w.Row[r.Code]
	if !ok {
		return r.Code, ""
	}
	of := func(kind string) {
		if words.Todo == "" && words.Unknown == "" {
			words.Todo, words.Unknown = w.Todo[kind], w.Todo[kind+"_unknown"]
		}
	}
	way := 0
	switch _, err := fmt.Sscanf(r.Code, "way_%d", &way); {
	case err == nil && slices.Contains(fleet.WaysOfImage(), way):
		of("image")
	case err == nil:
		of("program")
	}
	switch r.Mark {
	case fleet.ByHand:
		return words.Name, words.Try
	case fleet.Failed:
		return words.Name, words.Todo
	case fleet.Unknown:
		if words.Unknown != "" {
			return words.Name, words.Unknown
		}
		return words.Name, words.Todo
	}
	return words.Name, ""
}

// HeldByHand is, for Mark, a way out that a person tried and that held.
const HeldByHand fleet.Mark = "tried"

// Mark says what a row came to.
func (t Texts) Mark(lang string, m fleet.Mark) string { return t.in(lang).Mark[m] }

// Part is the heading of a part of the sheet.
func (t Texts) Part(lang, name string) string { return t.in(lang).Part[name] }

// Result says what a sheet comes to: the whole in one sentence, then how that
// was found out. It says "47 of 47" of nothing that is not so.
func (t Texts) Result(lang string, s fleet.Sheet, r fleet.SheetResult) (headline string, more []string) {
	w := t.in(lang).Result
	say := func(key string) string {
		return strings.NewReplacer("{good}", fmt.Sprint(r.Ways.Good()+r.Tried), "{all}", fmt.Sprint(r.Ways.All),
			"{open}", fmt.Sprint(r.Ways.Open()+r.Rest.Open()), "{hand}", fmt.Sprint(r.Ways.Hand), "{here}", fmt.Sprint(r.Ways.Here),
			"{build}", fmt.Sprint(r.Ways.Build), "{tried}", fmt.Sprint(r.Tried), "{version}", s.Build,
			"{rest}", fmt.Sprint(r.Rest.Good()), "{restall}", fmt.Sprint(r.Rest.All)).Replace(w[key])
	}
	proved := "proved"
	if !r.WipeProved {
		proved = "unproved"
	}
	switch {
	case r.Whole():
		headline = say("whole")
	case r.Accepted():
		headline = say("accepted")
	default:
		headline = say("open") + " " + say(proved)
	}
	more = append(more, say("ways"))
	if r.Ways.Build > 0 {
		more = append(more, say("build"))
	}
	if r.Tried > 0 {
		more = append(more, say("tried"))
	}
	if r.Ways.Hand > 0 {
		more = append(more, say("hand"))
	}
	return headline, append(more, say("rest"))
}
