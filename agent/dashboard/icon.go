package dashboard

import (
	"embed"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

// The icons are Lucide's, as they came; icons/LICENSE is theirs.
//
//go:embed icons/*.svg
var iconFiles embed.FS

var svgHead = regexp.MustCompile(`(?s)^.*?<svg\s.*?>`)

// loadIcons reads the icons. They stand beside a word everywhere, so they are
// hidden from whoever has the page read aloud.
func loadIcons() map[string]template.HTML {
	all := map[string]template.HTML{}
	files, err := iconFiles.ReadDir("icons")
	if err != nil {
		panic(fmt.Sprintf("read the embedded icons: %v", err))
	}
	for _, f := range files {
		raw, err := iconFiles.ReadFile("icons/" + f.Name())
		if err != nil {
			panic(fmt.Sprintf("read the embedded icons: %v", err))
		}
		name := strings.TrimSuffix(f.Name(), ".svg")
		body := svgHead.ReplaceAllString(string(raw), "")
		body = strings.Join(strings.Fields(body), " ")
		all[name] = template.HTML(`<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ` +
			`stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">` + body)
	}
	return all
}
