package image

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A tree in which a program misses its library is no image; the error names
// both. With it the tree is whole, and text is no program.
func TestWhole(t *testing.T) {
	program := "/bin/sh"
	libraries, err := imported(program)
	if err != nil || len(libraries) == 0 {
		t.Skipf("%s needs no library here: %v", program, err)
	}
	root := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, "usr", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	put("bin/sh", string(text))
	put("share/text", "libnothing.so.1")
	put("share/cut", "\x7fELF")
	if err := whole(root); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), libraries[0]+", which /usr/bin/sh needs") {
		t.Errorf("without %s: %v", libraries[0], err)
	}
	for _, l := range libraries {
		put("lib/"+l, "")
	}
	if err := whole(root); err != nil {
		t.Errorf("with all of it: %v", err)
	}
}
