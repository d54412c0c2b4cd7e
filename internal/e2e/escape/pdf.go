package escape

import (
	"bytes"
	"fmt"
	"net/http"
)

// paper is a PDF of one page: its upper half is a link to the site, its lower
// half a link to a file of the machine.
func (s *Site) paper(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/pdf")
	w.Write(paper(s.Address(Here, "/hit/paper"), "file:///etc/passwd"))
}

func paper(upper, lower string) []byte {
	link := func(box, to string) string {
		return fmt.Sprintf("<</Type/Annot/Subtype/Link/Rect[%s]/Border[0 0 2]/A<</S/URI/URI(%s)>>>>", box, to)
	}
	const text = "BT /F1 24 Tf 100 700 Td (PAPER of the test site) Tj ET"
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[6 0 R 7 0 R]>>",
		fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(text), text),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
		link("0 720 595 842", upper),
		link("0 0 595 700", lower),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}
