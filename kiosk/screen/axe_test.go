package screen

import (
	"os"
	"strings"
	"testing"
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
	for name, v := range views() {
		for _, l := range Languages() {
			v.Lang = l.Code
			show(t, s, v)
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
