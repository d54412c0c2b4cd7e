package dashboard

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed text/*.toml
var textFiles embed.FS

// languages lists the catalogues; the first is for whoever asks for none of
// them.
func languages() []string { return []string{"fi", "sv", "en"} }

// languageNames says each language in itself, as it stands in the switch.
func languageNames() map[string]string {
	return map[string]string{"fi": "Suomi", "sv": "Svenska", "en": "English"}
}

// texts is one language's catalogue, by dotted key.
type texts struct {
	lang    string
	words   map[string]string
	missing func(lang, key string) // told of a key that is not there; tests fail on it
}

// loadTexts reads the embedded catalogues. They are part of the program, so a
// broken one is a bug and no error that somebody could act on.
func loadTexts(missing func(lang, key string)) map[string]*texts {
	all := map[string]*texts{}
	for _, lang := range languages() {
		t := &texts{lang: lang, words: map[string]string{}, missing: missing}
		files, err := fs.Glob(textFiles, "text/"+lang+"*.toml") // fi.toml, fi.reports.toml
		for _, f := range files {
			raw, wrong := textFiles.ReadFile(f)
			var tree map[string]any
			if wrong == nil {
				wrong = toml.Unmarshal(raw, &tree)
			}
			if err = cmp.Or(err, wrong); err == nil {
				t.flatten("", tree)
			}
		}
		if err != nil {
			panic(fmt.Sprintf("read the embedded texts %s: %v", lang, err))
		}
		all[lang] = t
	}
	return all
}

func (t *texts) flatten(prefix string, tree map[string]any) {
	for k, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			t.flatten(prefix+k+".", v)
		default:
			t.words[prefix+k] = fmt.Sprint(v)
		}
	}
}

func (t *texts) has(key string) bool { _, ok := t.words[key]; return ok }

// say returns the text of a key, with {name} replaced by the arguments, which
// come as name, value, name, value. Everything is escaped but what is HTML by
// its type.
func (t *texts) say(key string, args ...any) template.HTML {
	text, ok := t.words[key]
	if !ok {
		if t.missing != nil {
			t.missing(t.lang, key)
		}
		text = key
	}
	text = template.HTMLEscapeString(text)
	if len(args) == 0 || !strings.Contains(text, "{") {
		return template.HTML(text)
	}
	var out strings.Builder
	for {
		before, rest, open := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		value, given := argument(name, args)
		if !open || !closed || !given { // what nobody gave stands as it is
			out.WriteString(before)
			if !open {
				return template.HTML(out.String())
			}
			out.WriteByte('{')
			text = rest
			continue
		}
		out.WriteString(before)
		out.WriteString(value)
		text = after
	}
}

// argument finds the value of a name among a text's arguments, as HTML.
func argument(name string, args []any) (value string, given bool) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != name {
			continue
		}
		if safe, ok := args[i+1].(template.HTML); ok {
			return string(safe), true
		}
		return template.HTMLEscapeString(fmt.Sprint(args[i+1])), true
	}
	return "", false
}

// count returns the text of a key that has "one" and "other" below it. The
// number is {n}, and {number} is the same as a word where there is one.
func (t *texts) count(key string, n int, args ...any) template.HTML {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	var word any = n
	if w := fmt.Sprintf("number.%d", n); t.has(w) {
		word = t.say(w)
	}
	return t.say(key+form, append([]any{"n", n, "number", word}, args...)...)
}

// pick chooses a language for a request: what the address asks for, what was
// asked for earlier, what the browser prefers.
func pick(r *http.Request) (lang string, asked bool) {
	if l := r.URL.Query().Get("lang"); slices.Contains(languages(), l) {
		return l, true
	}
	if c, err := r.Cookie("lang"); err == nil && slices.Contains(languages(), c.Value) {
		return c.Value, false
	}
	var tags []language.Tag
	for _, l := range languages() {
		tags = append(tags, language.Make(l))
	}
	_, i := language.MatchStrings(language.NewMatcher(tags), r.Header.Get("Accept-Language"))
	return languages()[i], false
}
