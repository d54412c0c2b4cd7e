package serve

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"yhteiskone/provision/lan"
)

//go:embed text/*.toml page.html
var files embed.FS

// words are what the page says in one language.
type words map[string]string

func (w words) say(key string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(w[key])
}

// languages are those that there are; the first is the default.
func languages() []string { return []string{"fi", "sv", "en"} }

// pages draw the one page.
type pages struct {
	page  *template.Template
	words map[string]words
}

func newPages() (*pages, error) {
	p := &pages{words: map[string]words{}}
	for _, lang := range languages() {
		text, err := files.ReadFile("text/" + lang + ".toml")
		if err != nil {
			return nil, fmt.Errorf("read the page's words: %w", err)
		}
		w := words{}
		if err := toml.Unmarshal(text, &w); err != nil {
			return nil, fmt.Errorf("read the page's words in %s: %w", lang, err)
		}
		p.words[lang] = w
	}
	var err error
	if p.page, err = template.ParseFS(files, "page.html"); err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	return p, nil
}

// silent is how long nothing is heard of a machine before the page says so.
const silent = 5 * time.Minute

// row is one machine as the page shows it.
type row struct {
	Name, Card, About, Disk string
	Sign, Step, Why, Heard  string
	Percent                 int
	Bar                     bool
}

// view is the page.
type view struct {
	Lang  string
	W     words
	Langs []string
	Sums  string
	Rows  []row
	At    string
}

// draw is the page in the language that is asked for, or that the browser wishes.
func (p *pages) draw(lang, wishes string, all []machine, seats int, now time.Time) ([]byte, error) {
	if !slices.Contains(languages(), lang) {
		lang = languages()[0]
		for _, wish := range strings.Split(wishes, ",") {
			if l := strings.ToLower(strings.TrimSpace(wish)); len(l) >= 2 && slices.Contains(languages(), l[:2]) {
				lang = l[:2]
				break
			}
		}
	}
	w := p.words[lang]
	v := view{Lang: lang, W: w, Langs: languages(), At: now.Format("15:04:05")}
	done, failed := 0, 0
	for _, k := range all {
		r := row{Name: k.Name, Card: k.MAC, About: k.About, Disk: k.Disk, Step: w.say("step_" + k.Step), Why: k.Why, Percent: k.Percent, Sign: "▶"}
		switch {
		case k.seat == 0:
			r.Step, r.Sign = w.say("not_wanted"), "–"
		case k.Step == lan.Done:
			done++
			r.Sign, r.Percent = "✓", 100
		case k.Step == lan.Failed:
			failed++
			r.Sign = "✗"
		case now.Sub(k.last) > silent:
			r.Heard = w.say("silent", "n", fmt.Sprint(int(now.Sub(k.last).Minutes())))
		}
		r.Bar = slices.Contains([]string{lan.Fetching, lan.Writing, lan.Reading, lan.Done}, k.Step)
		v.Rows = append(v.Rows, r)
	}
	v.Sums = w.say("sums", "done", fmt.Sprint(done), "seats", fmt.Sprint(seats), "failed", fmt.Sprint(failed))
	var out bytes.Buffer
	if err := p.page.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("draw the page: %w", err)
	}
	return out.Bytes(), nil
}
