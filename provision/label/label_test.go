package label

import (
	"bytes"
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

// The letters on a terminal are the same code: a picture made of them is read by
// what reads codes.
func TestLetters(t *testing.T) {
	const address = "https://agent.example.org:8443/kiosks/k-0123456789abcdef"
	rows, err := Letters(address)
	if err != nil {
		t.Fatal(err)
	}
	const side = 8 // points of a square
	width := len([]rune(rows[0]))
	var b bytes.Buffer
	fmt.Fprintf(&b, "P5 %d %d 255\n", (width+8)*side, (len(rows)*2+8)*side)
	for y := -4 * side; y < (len(rows)*2+4)*side; y++ {
		for x := -4 * side; x < (width+4)*side; x++ {
			light := byte(0)
			if row, column := y/side/2, x/side; y >= 0 && x >= 0 && row < len(rows) && column < width {
				switch r := []rune(rows[row])[column]; {
				case r == '█', r == '▀' && y/side%2 == 0, r == '▄' && y/side%2 == 1:
					light = 255
				}
			}
			b.WriteByte(light)
		}
	}
	program, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("no zbarimg")
	}
	path := filepath.Join(t.TempDir(), "code.pgm")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-q", "--raw", path).Output()
	if err != nil || strings.TrimSpace(string(out)) != address {
		t.Errorf("it is read as %q, %v", out, err)
	}
}
