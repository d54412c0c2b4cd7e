package label

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	if got := Page("https://agent.example.org:8443/", "kaaaaaaaaaaaa"); got != "https://agent.example.org:8443/kiosks/kaaaaaaaaaaaa" {
		t.Error(got)
	}
}

// What is drawn is read back by another program, where there is one.
func TestTheCodeCanBeRead(t *testing.T) {
	const address = "https://agent.example.org:8443/kiosks/kaaaaaaaaaaaa"
	svg, err := picture(address)
	if err != nil {
		t.Fatal(err)
	}
	var drawn struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &drawn); err != nil {
		t.Fatal(err)
	}
	var zero, size int
	if _, err := fmt.Sscan(drawn.ViewBox, &zero, &zero, &size); err != nil || size < 21+2*quiet {
		t.Fatalf("%s: %v", drawn.ViewBox, err)
	}
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Skip("no zbarimg to read it with")
	}
	const dot = 6
	black := make([]bool, size*size)
	for _, square := range strings.Split(strings.TrimPrefix(drawn.Path.D, "M"), "M") {
		var x, y int
		if _, err := fmt.Sscanf(square, "%d %dh1v1h-1z", &x, &y); err != nil {
			t.Fatalf("%q: %v", square, err)
		}
		black[y*size+x] = true
	}
	var b strings.Builder
	fmt.Fprintf(&b, "P1 %d %d\n", size*dot, size*dot)
	for y := range size * dot {
		for x := range size * dot {
			b.WriteString(map[bool]string{true: "1 ", false: "0 "}[black[y/dot*size+x/dot]])
		}
	}
	path := filepath.Join(t.TempDir(), "code.pbm")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("zbarimg", "-q", "--raw", path).Output()
	if err != nil || strings.TrimSpace(string(out)) != address {
		t.Errorf("it reads as %q, %v", out, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, s := range []Sheet{{Lang: "de", Labels: []Label{{}}}, {Lang: "fi"}} {
		if err := Write(&strings.Builder{}, s); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
