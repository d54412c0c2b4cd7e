package browser

import (
	"embed"
	"fmt"
	"reflect"

	"github.com/pelletier/go-toml/v2"
)

//go:embed text/*.toml
var textFiles embed.FS

// words are what our own pages in the client's browser say.
type words struct {
	Draft          bool   // nobody who speaks the language has reviewed them yet
	Name           string // of the language, as its speakers call it
	Opening        string // while a page is on its way
	HomeTitle      string `toml:"home_title"`
	HomeChoose     string `toml:"home_choose"`  // when there are services to choose from
	HomeWeb        string `toml:"home_web"`     // how to reach any other page
	HomeErrands    string `toml:"home_errands"` // that there is no other page
	Forgets        string
	BlockedTitle   string `toml:"blocked_title"`
	BlockedHost    string `toml:"blocked_host"` // before the host's name
	BlockedCalm    string `toml:"blocked_calm"`
	BlockedErrands string `toml:"blocked_errands"`
	BlockedList    string `toml:"blocked_list"` // by the centre's own list
	BlockedHelp    string `toml:"blocked_help"`
	BlockedCalled  string `toml:"blocked_called"`
	BlockedNot     string `toml:"blocked_not_called"`
	BlockedBack    string `toml:"blocked_back"`
	OpenedTitle    string `toml:"opened_title"` // staff opened the web
	OpenedText     string `toml:"opened_text"`
	OpenedGo       string `toml:"opened_go"`
}

// language is one that our pages speak.
type language struct {
	Code, Name string
	Dir        string // "ltr" or "rtl"
	// locale is Chromium's own for its menus and dialogs, as Debian ships it.
	locale string
	// accept is what sites are asked for, best first.
	accept string
}

// languages are those of our pages, the default first. Whoever does not find
// their own at a site is offered English, then Finnish.
func languages() []language {
	return []language{
		{"fi", "Suomi", "ltr", "fi", "fi-FI,fi,en"}, {"sv", "Svenska", "ltr", "sv", "sv-FI,sv,fi,en"},
		{"en", "English", "ltr", "en-GB", "en-GB,en,fi"},
		{"ru", "Русский", "ltr", "ru", "ru,en,fi"}, {"ar", "العربية", "rtl", "ar", "ar,en,fi"},
		{"so", "Soomaali", "ltr", "en-GB", "so,en,fi"}, // Chromium has no Somali of its own
		{"et", "Eesti", "ltr", "et", "et,en,fi"}, {"uk", "Українська", "ltr", "uk", "uk,en,fi"},
		{"fa", "فارسی", "rtl", "fa", "fa,en,fi"},
	}
}

// speak returns the language, the default for one that we do not have.
func speak(code string) language {
	for _, l := range languages() {
		if l.Code == code {
			return l
		}
	}
	return languages()[0]
}

// texts reads every word in every language.
func texts() (map[string]words, error) {
	all := map[string]words{}
	for _, l := range languages() {
		data, err := textFiles.ReadFile("text/" + l.Code + ".toml")
		if err != nil {
			return nil, fmt.Errorf("read the words: %w", err)
		}
		w, err := parseWords(data)
		if err != nil {
			return nil, fmt.Errorf("read the words of %s: %w", l.Code, err)
		}
		all[l.Code] = w
	}
	return all, nil
}

// parseWords reads one file of words; one that is missing is an error.
func parseWords(data []byte) (words, error) {
	var w words
	if err := toml.Unmarshal(data, &w); err != nil {
		return w, err
	}
	v := reflect.ValueOf(w)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.String && v.Field(i).Len() == 0 {
			return w, fmt.Errorf("%s is missing", v.Type().Field(i).Name)
		}
	}
	return w, nil
}
