package screen

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"yhteiskone/kiosk/session"
)

// TestBrowserAxe has axe-core look at every view in every language, in the
// real shell.
func TestBrowserAxe(t *testing.T) {
	d := room(t, "1366x768")
	axe, err := os.ReadFile("../../agent/dashboard/testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, d)
	if _, err := current(s).eval(t.Context(), string(axe)+"; true"); err != nil {
		t.Fatal(err)
	}
	looked := 0
	names := slices.Sorted(maps.Keys(views()))
	for i, l := range Languages() {
		for j, name := range names {
			v := views()[name]
			v.Lang, v.Comfort.Size = l.Code, session.Sizes()[(i+j)%len(session.Sizes())]
			// Both contrasts of every page, and every level of every page, over the languages.
			v.Comfort.Contrast = (i+j)%2 == 1
			show(t, s, v)
			levels := levelsOf(v)
			if _, err := current(s).eval(t.Context(), fmt.Sprintf(`for (const l of document.querySelectorAll('[data-level]')) l.hidden = l.dataset.level !== %q; true`,
				levels[i%len(levels)])); err != nil {
				t.Fatal(err)
			}
			got, err := current(s).eval(t.Context(), `axe.run(document.getElementById('view'), {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
				rules: {region: {enabled: false}, 'landmark-one-main': {enabled: false}}}).then(r => r.passes.length < 5 ? 'axe looked at nothing' : r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120) + ' ' + n.failureSummary).join(' | ')).join('\n'))`)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != `""` {
				t.Errorf("%s in %s: %s", name, l.Code, strings.ReplaceAll(string(got), `\n`, "\n"))
			}
			looked++
		}
	}
	t.Logf("%d pages looked at", looked)
}
