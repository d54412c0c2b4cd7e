package screen

import (
	"embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed icons/*.svg
var iconFiles embed.FS

// icon returns a picture to stand in a page. Its colour is that of the text
// around it, its size is the style sheet's; readers of screens pass it over,
// because a word always stands beside it.
func icon(name string) (template.HTML, error) {
	data, err := iconFiles.ReadFile("icons/" + name + ".svg")
	if err != nil {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	svg := string(data)
	_, rest, ok := strings.Cut(svg, "<svg")
	_, inner, ok2 := strings.Cut(rest, ">")
	inner, _, ok3 := strings.Cut(inner, "</svg>")
	if !ok || !ok2 || !ok3 {
		return "", fmt.Errorf("the icon %q cannot be read", name)
	}
	// Only files built into this program get here.
	return template.HTML(`<svg class="icon icon-` + name + `" viewBox="0 0 24 24" fill="none" stroke="currentColor" ` +
		`stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">` +
		strings.Join(strings.Fields(inner), " ") + `</svg>`), nil
}
