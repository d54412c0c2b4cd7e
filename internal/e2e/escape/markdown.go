package escape

import (
	"fmt"
	"strings"
)

// Markdown is the table for people: kiosk/ESCAPES.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# The ways out of a kiosk

Written from internal/e2e/escape by its test; do not edit.

Each row is one way in which somebody could try to get out of the kiosk, or to
meet the client before. ` + "`here`" + ` rows are tried in a session of a real kiosk by
mouse and keyboard: in ` + "`open`" + `, and in ` + "`errands`" + ` as well where the modes may differ, by
` + "`make test`" + `; all in both by ` + "`make escapes`" + `. ` + "`image`" + ` rows are tried by the image's boot test, ` + "`hand`" + ` rows by a technician with the acceptance sheet; how is
below.

| | attempt | what stops it | tried |
|---|---|---|---|
`)
	for _, r := range Table() {
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", r.N, cell(r.Attempt), cell(r.Stops), r.Where)
	}
	b.WriteString("\n## On the image, and by hand\n")
	for _, r := range Table() {
		if r.Where != TriedHere {
			fmt.Fprintf(&b, "\n**%d. %s** (%s). %s\nNot tried by `make test`: %s.\n", r.N, r.Attempt, r.Where, r.How, r.Why)
		}
	}
	return b.String()
}

// cell keeps a text in its column.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "*", "\\*").Replace(s) }
