package screen

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"yhteiskone/internal/acceptance"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/session"
)

//go:embed pages/*.html
var pageFiles embed.FS

// page is what the templates draw from.
type page struct {
	session.View
	Kind       kind
	Languages  []Language // those offered
	Quick      []Language // the few that stand on the welcome page itself
	First      []tile
	Groups     []group
	ChosenOne  string // what opens
	texts      Texts
	snags      snagWords
	technician technicianWords
	sheet      acceptance.Texts
	zone       *time.Location
}

// tile is an entry, and what to say when its service does not answer.
type tile struct {
	catalogue.Entry
	Down string
}

// group is an entry with what it opens.
type group struct {
	catalogue.Entry
	Inside []tile
}

// Many reports that a second level has more than two rows of tiles.
func (g group) Many() bool { return len(g.Inside) > 7 }

// Renderer draws views. It does not change and holds no view.
type Renderer struct {
	pages      *template.Template
	texts      Texts
	snags      snagWords
	technician technicianWords
	sheet      acceptance.Texts
	tiles      Tiles
	zone       *time.Location
}

// NewRenderer reads the pages; times are told in the zone.
func NewRenderer(tiles Tiles, texts Texts, zone *time.Location) (*Renderer, error) {
	// The words depend on the page's language, so its methods say them.
	pages, err := template.New("").Funcs(template.FuncMap{"icon": icon}).ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	for _, name := range catalogue.Icons() {
		if _, err := icon(name); err != nil {
			return nil, err
		}
	}
	snags, err := readTechnical[map[string]map[string]string](snagFiles, "snag")
	if err != nil {
		return nil, err
	}
	technician, err := readTechnical[map[string]string](technicianFiles, "technician")
	if err != nil {
		return nil, err
	}
	return &Renderer{pages, texts, snags, technician, acceptance.New(), tiles, zone}, nil
}

// Render draws a view as a piece of HTML. The same view gives the same piece.
func (r *Renderer) Render(v session.View) (string, error) {
	p, err := r.page(v)
	if err != nil {
		return "", err
	}
	name := "curtain"
	if !p.Kind.covers() {
		name = "strip"
	}
	var out bytes.Buffer
	if err := r.pages.ExecuteTemplate(&out, name, p); err != nil {
		return "", fmt.Errorf("draw the page %s: %w", p.Kind, err)
	}
	return out.String(), nil
}

func (r *Renderer) page(v session.View) (page, error) {
	v.Lang = languageOf(v.Lang).Code
	if v.Comfort.Size == 0 {
		v.Comfort = session.Plain()
	}
	p := page{View: v, Kind: kindOf(v), Languages: offered(v.Languages), texts: r.texts, snags: r.snags, technician: r.technician, sheet: r.sheet, zone: r.zone}
	p.Quick = quick(p.Languages, v.Lang)
	switch p.Kind {
	case welcome:
		words, err := p.T("down")
		if err != nil {
			return p, err
		}
		down := strings.Split(v.Down, ",")
		marked := func(all []catalogue.Entry) []tile {
			var out []tile
			for _, e := range all {
				t := tile{Entry: e}
				if slices.Contains(down, e.ID) {
					t.Down = words
				}
				out = append(out, t)
			}
			return out
		}
		p.First = marked(r.tiles.First(v.Lang))
		for _, g := range r.tiles.Groups(v.Lang) {
			p.Groups = append(p.Groups, group{g, marked(r.tiles.Inside(g.ID, v.Lang))})
		}
	case opening:
		p.ChosenOne = r.name(v.Chosen, v.Lang)
	}
	return p, nil
}

// Borrowed reports that what people of the site wrote is there in English
// only, for the page's language.
func (p page) Borrowed() bool { return p.Lang != "fi" && p.Lang != "sv" && p.Lang != "en" }

// name is what a tile is called; empty for one that there is not.
func (r *Renderer) name(id, lang string) string {
	all := r.tiles.First(lang)
	for _, g := range r.tiles.Groups(lang) {
		all = append(all, r.tiles.Inside(g.ID, lang)...)
	}
	for _, e := range all {
		if e.ID == id {
			return e.Name
		}
	}
	return ""
}

// quick are three languages at most, the one in use among them.
func quick(all []Language, now string) []Language {
	if len(all) <= 3 {
		return all
	}
	at := slices.IndexFunc(all, func(l Language) bool { return l.Code == now })
	if at < 3 {
		return all[:3]
	}
	return []Language{all[0], all[1], all[at]}
}

// pictures are what hides and uncovers the screen, in their one order. Each is
// an icon, and its word is the text "pic_" and its name.
func pictures() []string {
	return []string{"cat", "tree", "key", "cup", "sun", "fish", "house", "star", "bike"}
}

// Picture is one of them, drawn.
type Picture struct{ Name, Icon, Word string }

// Pictures are the pictures that hide and uncover the screen.
func (p page) Pictures() ([]Picture, error) {
	icons := map[string]string{"tree": "tree-deciduous", "cup": "coffee"} // the others are called as they are
	var all []Picture
	for _, name := range pictures() {
		word, err := p.T("pic_" + name)
		if err != nil {
			return nil, err
		}
		icon := name
		if other := icons[name]; other != "" {
			icon = other
		}
		all = append(all, Picture{name, icon, word})
	}
	return all, nil
}

// Dots are the pictures still to press: true for one that was pressed.
func (p page) Dots() []bool {
	dots := make([]bool, session.PicturesToHide)
	for i := range min(max(p.Picked, 0), len(dots)) {
		dots[i] = true
	}
	return dots
}

// Smaller is the next smaller size of text, 0 for none.
func (p page) Smaller() int {
	all := session.Sizes()
	if i := slices.Index(all, p.Comfort.Size); i > 0 {
		return all[i-1]
	}
	return 0
}

// Larger is the next larger one, 0 for none.
func (p page) Larger() int {
	all := session.Sizes()
	if i := slices.Index(all, p.Comfort.Size); i >= 0 && i+1 < len(all) {
		return all[i+1]
	}
	return 0
}
