package dashboard

import (
	"html/template"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

func TestEveryLanguageHasEveryText(t *testing.T) {
	all := loadTexts(nil)
	first := all[languages()[0]]
	holes := regexp.MustCompile(`\{[a-z]*\}`)
	for lang, other := range all {
		for _, pair := range [][2]*texts{{first, other}, {other, first}} {
			for _, key := range slices.Sorted(maps.Keys(pair[0].words)) {
				if !pair[1].has(key) {
					t.Errorf("%s is in %s and not in %s", key, pair[0].lang, pair[1].lang)
				}
			}
		}
		for key, text := range other.words {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s is empty in %s", key, lang)
			}
			a, b := holes.FindAllString(first.words[key], -1), holes.FindAllString(text, -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s has %v in %s and %v in %s", key, a, first.lang, b, lang)
			}
		}
	}
}

// TestTextsInUse finds keys that templates and code name, and keys that nobody
// names.
func TestTextsInUse(t *testing.T) {
	words := loadTexts(nil)["fi"].words
	named, starts := map[string]bool{}, []string{"number.", "when.", "health.decimal"}
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]*)+)"`).FindAllStringSubmatch(string(raw), -1) {
				if strings.HasSuffix(m[1], ".") {
					starts = append(starts, m[1])
				} else {
					named[m[1]] = true
				}
			}
			for _, m := range regexp.MustCompile(`either\("([a-z]+)", [^"]*"([a-z_]+)", "([a-z_]+)"|add\("([a-z]+)"`).FindAllStringSubmatch(string(raw), -1) {
				for _, k := range m[1:] {
					named["health."+k] = true
				}
			}
		}
	}
	for key := range words {
		stem := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		used := named[key] || named[stem]
		for _, s := range starts {
			used = used || strings.HasPrefix(key, s)
		}
		if !used {
			t.Errorf("nobody says %s", key)
		}
	}
	for _, p := range staff.Problems() {
		if words["problem."+string(p)] == "" {
			t.Errorf("there is no sentence for %s", string(p))
		}
	}
	for _, o := range orders() {
		if words["do."+string(o.command.Name)] == "" {
			t.Errorf("there is no word for %s", o.command.Name)
		}
	}
	for _, a := range []fleet.HelpAnswer{fleet.Coming, fleet.ComingSoon, fleet.CannotCome, fleet.Done} {
		if words["help.answer."+string(a)] == "" {
			t.Errorf("there is no word for %s", a)
		}
	}
	for _, r := range staff.Roles() {
		if words["role."+string(r)] == "" {
			t.Errorf("there is no word for %s", r)
		}
	}
}

// TestPagesInEveryLanguage draws every page in every language; the house fails
// on a missing text.
func TestPagesInEveryLanguage(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	h.call(kioskID(1), 75)
	h.shelve()
	h.paper(kioskID(3), "x", map[string]fleet.Mark{"sound": fleet.Failed, "way_30": fleet.Unknown})
	h.paper(kioskID(4), "x", nil)
	c := h.person("pomo", staff.Admin, "")
	for lang, title := range map[string]string{"fi": "Koneista 8 / 11 toimii", "sv": "8 / 11 datorer fungerar", "en": "8 / 11 computers work"} {
		_, html, _ := h.get(c, "/?lang="+lang)
		in(t, html, `<html lang="`+lang+`">`)
		in(t, plain(html), title)
		_, html, _ = h.get(c, "/") // it is remembered
		in(t, plain(html), title)
		paths := []string{"/sites/illusia", "/sites/mesta", "/help", "/audit", "/staff", "/agent", "/alerts", "/sites/illusia/settings", "/kiosks/" + string(kioskID(3)) + "/sign", "/kiosks/" + string(kioskID(3)) + "/sheet", "/kiosks/" + string(kioskID(4)) + "/sheet", "/kiosks/" + string(kioskID(5)) + "/sheet", "/nothing", "/reports", "/reports.csv", "/reports?month=x", "/tally", "/tally?site=illusia", "/walls", "/releases", h.hang("illusia") + "?lang=" + lang, "/wall/none"}
		for i := range 12 {
			paths = append(paths, "/kiosks/"+string(kioskID(i)))
		}
		for _, p := range paths {
			h.get(c, p)
		}
		h.get(h.client(), "/sign-in?lang="+lang)
	}
}

func TestPick(t *testing.T) {
	for _, c := range []struct{ query, cookie, accept, want string }{
		{"", "", "", "fi"}, {"", "", "sv-FI,sv;q=0.9,en;q=0.8", "sv"}, {"", "", "de,en-GB;q=0.7", "en"}, {"", "", "ar", "fi"},
		{"", "en", "sv", "en"}, {"sv", "en", "fi", "sv"}, {"xx", "yy", "zz;;;q=", "fi"},
	} {
		r := httptest.NewRequest("GET", "/?lang="+c.query, nil)
		r.Header.Set("Accept-Language", c.accept)
		r.Header.Set("Cookie", "lang="+c.cookie)
		if got, asked := pick(r); got != c.want || asked != (c.query == "sv") {
			t.Errorf("%+v: %s, %v", c, got, asked)
		}
	}
}

func TestTimesAsPeopleSayThem(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 43, 0, 0, helsinki())
	all := loadTexts(nil)
	said := func(h template.HTML) string { return plain(string(h)) }
	for _, c := range []struct {
		lang      string
		at        time.Time
		when, ago string
	}{
		{"fi", now.Add(-10 * time.Second), "klo 12.42", "juuri nyt"},
		{"fi", now.Add(-time.Minute), "klo 12.42", "1 minuutti sitten"},
		{"fi", now.Add(-2 * time.Minute), "klo 12.41", "2 minuuttia sitten"},
		{"fi", now.Add(-3 * time.Hour), "klo 9.43", "3 tuntia sitten"},
		{"fi", now.Add(-20 * time.Hour), "eilen klo 16.43", "20 tuntia sitten"},
		{"fi", now.AddDate(0, 0, -2), "19.11. klo 12.43", "19.11. klo 12.43"},
		{"fi", now.AddDate(-1, 0, 0), "21.11.2025 klo 12.43", "21.11.2025 klo 12.43"},
		{"sv", now.Add(-20 * time.Hour), "i går kl. 16.43", "för 20 timmar sedan"},
		{"en", now.AddDate(0, 0, -2), "19 Nov 12:43", "19 Nov 12:43"},
		{"en", now.Add(-time.Hour), "11:43", "1 hour ago"},
	} {
		tell := teller{all[c.lang], func() time.Time { return now }, helsinki()}
		if got := said(tell.when(c.at)); got != c.when {
			t.Errorf("%s %v: when %q, want %q", c.lang, c.at, got, c.when)
		}
		if got := said(tell.ago(c.at)); got != c.ago {
			t.Errorf("%s %v: ago %q, want %q", c.lang, c.at, got, c.ago)
		}
	}
}
