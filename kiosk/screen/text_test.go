package screen

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// counted are the keys whose words stand with a number that bends them.
func counted() []string {
	return []string{"left", "left_short", "erase_in", "erase_in_minutes", "limit_in", "limit_in_minutes", "notice", "hide_left",
		"help_soon", "help_soon_who", "help_soon_short"}
}

// split takes a plural form off a key.
func split(key string) (plain, form string) {
	for _, k := range counted() {
		if rest, ok := strings.CutPrefix(key, k+"_"); ok && slices.Contains([]string{"zero", "one", "two", "few", "many"}, rest) {
			return k, rest
		}
	}
	return key, ""
}

// usedKeys are the keys that pages and code name.
func usedKeys(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	quoted := regexp.MustCompile(`"([a-z]+(?:_[a-z0-9]+)*)"`)
	inPages := regexp.MustCompile(`\.T "([a-z_0-9]+)"`)
	for pattern, find := range map[string]*regexp.Regexp{"pages/*.html": inPages, "words.go": quoted, "render.go": quoted, "spoken.go": quoted} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range find.FindAllStringSubmatch(string(data), -1) {
				used[m[1]] = true
			}
		}
	}
	for _, k := range pictures() {
		used["pic_"+k] = true
	}
	for day := range 7 {
		used["wd_"+string(rune('0'+day))] = true
	}
	for _, k := range []string{"erase_in", "limit_in"} { // the code adds the end
		used[k], used[k+"_minutes"] = true, true
	}
	return used
}

// Every language has the same keys with the same holes, and every key is used.
func TestTextKeys(t *testing.T) {
	texts, err := LoadTexts()
	if err != nil {
		t.Fatal(err)
	}
	used := usedKeys(t)
	hole := regexp.MustCompile(`\{[a-z]+\}`)
	holes := func(s string) []string {
		all := hole.FindAllString(s, -1)
		slices.Sort(all)
		return all
	}
	for lang, words := range texts {
		for key := range texts["fi"] {
			if plain, _ := split(key); words[plain] == "" {
				t.Errorf("%s: no words for %q", lang, plain)
			}
		}
		for key, w := range words {
			plain, form := split(key)
			if !used[plain] {
				t.Errorf("%s: %q is used nowhere", lang, key)
			}
			if w != strings.TrimSpace(w) || w == "" {
				t.Errorf("%s: %q is %q", lang, key, w)
			}
			got, want := holes(w), holes(texts["fi"][plain])
			if form == "one" { // may write the number out
				got = slices.DeleteFunc(got, func(s string) bool { return s == "{n}" })
				want = slices.DeleteFunc(want, func(s string) bool { return s == "{n}" })
			}
			if key == "time_hour" {
				continue // may leave the minutes out or write them
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q has the holes %v, in Finnish %v", lang, key, got, want)
			}
		}
	}
	for _, k := range counted() {
		if texts["fi"][k] == "" {
			t.Errorf("%q is counted and has no words", k)
		}
	}
}

// What bends after a number bends in every form that the language has, and in
// none that it has not.
func TestTextForms(t *testing.T) {
	texts, err := LoadTexts()
	if err != nil {
		t.Fatal(err)
	}
	for lang, words := range texts {
		forms := map[string]bool{}
		for n := range 1000 {
			forms[pluralForm(lang, n)] = true
		}
		delete(forms, "other") // the key itself
		for _, key := range counted() {
			has := map[string]bool{}
			for k := range words {
				if plain, form := split(k); plain == key && form != "" {
					has[form] = true
				}
			}
			if len(has) > 0 && !maps.Equal(has, forms) {
				t.Errorf("%s: %q has the forms %v, the language has %v", lang, key, has, forms)
			}
		}
	}
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{{"fi", 1, "1 minuutti jäljellä"}, {"fi", 2, "2\u00a0minuuttia jäljellä"}, {"ru", 21, "Осталось минут: 21"}, {"fa", 14, "۱۴\u00a0دقیقه مانده"},
		{"en", 0, "0\u00a0minutes left"}} {
		got, err := texts.count(c.lang, "left", c.n)
		if strings.ReplaceAll(got, "\u00a0", " ") != strings.ReplaceAll(c.want, "\u00a0", " ") || err != nil {
			t.Errorf("%s %d: %q, %v", c.lang, c.n, got, err)
		}
	}
}

// Nobody left English words in a file of another language.
func TestTextTranslated(t *testing.T) {
	texts, err := LoadTexts()
	if err != nil {
		t.Fatal(err)
	}
	// alike by chance or because people write it so
	same := []string{"time", "time_hour", "clock", "clock_span", "day", "left_short", "support_at"}
	for lang, words := range texts {
		for key, w := range words {
			if lang != "en" && w == texts["en"][key] && !slices.Contains(same, key) {
				t.Errorf("%s: %q is as in English: %q", lang, key, w)
			}
		}
	}
}

// A draft says so in its file, and a language that says it is one.
func TestTextDrafts(t *testing.T) {
	files, err := filepath.Glob("text/*.toml")
	if err != nil || len(files) != len(Languages()) {
		t.Errorf("%d files for %d languages, %v", len(files), len(Languages()), err)
	}
	for _, l := range Languages() {
		w, err := readWords(l.Code)
		if err != nil {
			t.Error(err)
		}
		data, err := os.ReadFile("text/" + l.Code + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(data), "\ngreeting")
		if w.draft != l.Draft || strings.Contains(head, "UNREVIEWED DRAFT") != l.Draft {
			t.Errorf("%s: draft in the file %v, in the list %v, in its comment %v", l.Code, w.draft, l.Draft, strings.Contains(head, "DRAFT"))
		}
	}
}

func TestParseWords(t *testing.T) {
	for _, bad := range []string{"a = 1", "other = true", "a = [\"x\"]", "a = ", "[t]\na = \"x\""} {
		if _, err := parseWords([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestOffered(t *testing.T) {
	codes := func(all []Language) string {
		var c []string
		for _, l := range all {
			c = append(c, l.Code)
		}
		return strings.Join(c, ",")
	}
	for in, want := range map[string]string{"": "fi,sv,en,ru,ar,so,et,uk,fa", "ar,fi": "ar,fi", "xx": "fi,sv,en,ru,ar,so,et,uk,fa", "fi,xx,fa": "fi,fa"} {
		if got := codes(offered(in)); got != want {
			t.Errorf("%q offers %s, want %s", in, got, want)
		}
	}
	for _, c := range []struct{ all, now, want string }{{"", "fi", "fi,sv,en"}, {"", "fa", "fi,sv,fa"}, {"ar,fi", "fi", "ar,fi"}, {"ru,ar,so,fi", "en", "ru,ar,so"}} {
		if got := codes(quick(offered(c.all), c.now)); got != c.want {
			t.Errorf("of %q in %s: %s, want %s", c.all, c.now, got, c.want)
		}
	}
}
