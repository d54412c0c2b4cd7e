package dashboard

import (
	"html/template"
	"strings"
	"sync"

	"yhteiskone/internal/fleet"
)

// drawingsLimit is how many drawings of cards are kept: some hundred bytes
// each.
const drawingsLimit = 30_000

// drawings keeps the newest drawing of every machine's card, as somebody sees
// it: a card is drawn anew when it says something else, not with every page and
// every stream.
type drawings struct {
	mu  sync.Mutex
	had map[drawingKey]drawing
}

// drawingKey tells apart what people see of one machine at the same time.
type drawingKey struct {
	lang  string
	kiosk fleet.KioskID
	press fleet.CommandName
}

type drawing struct {
	of   card
	html template.HTML
}

func newDrawings() *drawings { return &drawings{had: map[drawingKey]drawing{}} }

// card returns a card as HTML: draw makes it, if there is no drawing of it.
func (d *drawings) card(lang string, c card, draw func() (string, error)) (template.HTML, error) {
	key := drawingKey{lang, c.ID, c.Press}
	d.mu.Lock()
	have, ok := d.had[key]
	d.mu.Unlock()
	if ok && have.of == c {
		return have.html, nil
	}
	html, err := draw()
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.had) >= drawingsLimit {
		clear(d.had)
	}
	d.had[key] = drawing{c, template.HTML(html)}
	return template.HTML(html), nil
}

// drawn is a machine's card as HTML, in a language.
func (b *board) drawn(lang string, c card) (template.HTML, error) {
	return b.drawings.card(lang, c, func() (string, error) {
		var out strings.Builder
		err := b.pages.get(lang, "kiosk").ExecuteTemplate(&out, "card", c)
		return out.String(), err
	})
}
