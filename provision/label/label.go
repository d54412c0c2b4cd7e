// Package label makes sheets of labels for kiosks: one HTML file that holds
// everything, for A4 paper, eight labels a page, so that any browser of any
// system prints it.
//
// A label has the machine's name, where it stands, the number to call for help,
// and a QR code that opens the machine's page on the agent's dashboard. It
// never holds a code, a key or anything that lets somebody in.
package label

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"

	"rsc.io/qr"
)

// Label is one machine's.
type Label struct {
	Name, Place, Site string
	URL               string // of its page on the dashboard
}

// Sheet is what is printed.
type Sheet struct {
	Lang   string // fi, sv or en
	Phone  string // to call for help; empty for none
	Labels []Label
}

//go:embed sheet.html
var files embed.FS

// text is what a label says in one language.
type text struct{ Title, Help, Page string }

func texts(lang string) (text, bool) {
	t, ok := map[string]text{
		"fi": {"Koneiden tarrat", "Jos kone ei toimi, soita", "Henkilökunta: koneen sivu"},
		"sv": {"Etiketter för datorerna", "Om datorn inte fungerar, ring", "Personalen: datorns sida"},
		"en": {"Labels for the machines", "If this computer does not work, call", "Staff: this computer's page"},
	}[lang]
	return t, ok
}

// Page is the address of a kiosk's page at an agent.
func Page(agent, kiosk string) string {
	return strings.TrimSuffix(agent, "/") + "/kiosks/" + url.PathEscape(kiosk)
}

// Write writes the sheet.
func Write(w io.Writer, s Sheet) error {
	t, ok := texts(s.Lang)
	switch {
	case !ok:
		return fmt.Errorf("the language %q is not fi, sv or en", s.Lang)
	case len(s.Labels) == 0:
		return errors.New("there is no machine to make a label for")
	}
	page, err := template.New("sheet.html").Funcs(template.FuncMap{"qr": picture}).ParseFS(files, "sheet.html")
	if err != nil {
		return fmt.Errorf("read the sheet's template: %w", err)
	}
	if err := page.Execute(w, struct {
		Sheet
		Text text
	}{s, t}); err != nil {
		return fmt.Errorf("write the labels: %w", err)
	}
	return nil
}

// quiet is the white border without which phones do not find a code.
const quiet = 4

// picture is a QR code as SVG: sharp at any size, and no file of its own.
func picture(address string) (template.HTML, error) {
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return "", fmt.Errorf("make a QR code: %w", err)
	}
	var b strings.Builder
	size := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" shape-rendering="crispEdges" aria-hidden="true"><path d="`, size, size)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil
}

// Letters is a QR code for a text terminal that writes bright on dark: each
// letter is two squares, one above the other.
func Letters(address string) ([]string, error) {
	code, err := qr.Encode(address, qr.L) // the screen is clean, and small
	if err != nil {
		return nil, fmt.Errorf("make a QR code: %w", err)
	}
	const border = 2 // the terminal is dark: phones want some of the light border
	light := func(x, y int) bool {
		in := x >= 0 && y >= 0 && x < code.Size && y < code.Size
		return !(in && code.Black(x, y)) && y < code.Size+border
	}
	var all []string
	for y := -border; y < code.Size+border; y += 2 {
		var row strings.Builder
		for x := -border; x < code.Size+border; x++ {
			switch up, down := light(x, y), light(x, y+1); {
			case up && down:
				row.WriteRune('█')
			case up:
				row.WriteRune('▀')
			case down:
				row.WriteRune('▄')
			default:
				row.WriteRune(' ')
			}
		}
		all = append(all, row.String())
	}
	return all, nil
}
