package layers

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tree walks every file that belongs to the product.
func tree(t *testing.T, visit func(path string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch name {
			case ".git", "bin", "build", "run":
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		visit(name, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWords(t *testing.T) {
	tree(t, func(path string, text []byte) {
		if bytes.IndexByte(text, 0) >= 0 {
			return // a picture
		}
		for _, w := range words() {
			if n := bytes.Index(text, []byte(w.text)); n >= 0 {
				t.Errorf("%s, line %d, holds %q: %s", path, 1+bytes.Count(text[:n], []byte("\n")), w.text, w.why)
			}
		}
	})
}

// Nothing waits by sleeping: a wait has a condition and a deadline. Under
// synctest, sleeping is how a test lets its own time pass.
func TestSleeps(t *testing.T) {
	sleep := "time." + "Sleep("
	used := map[string]bool{}
	tree(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") || !bytes.Contains(text, []byte(sleep)) {
			return
		}
		if strings.HasSuffix(path, "_test.go") && bytes.Contains(text, []byte(`"testing/synctest"`)) {
			return
		}
		if _, ok := sleeps()[path]; ok {
			used[path] = true
			return
		}
		t.Errorf("%s sleeps: wait for a condition with a deadline, or use testing/synctest", path)
	})
	for path := range sleeps() {
		if !used[path] {
			t.Errorf("%s does not sleep any more: take it off the list", path)
		}
	}
}

func TestLengths(t *testing.T) {
	tree(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return
		}
		if n := bytes.Count(text, []byte("\n")); n > lineLimit {
			t.Errorf("%s has %d lines, more than %d: are there two rooms in one?", path, n, lineLimit)
		}
	})
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	makeTarget  = regexp.MustCompile("(?m)(?:^|[`$ ])make ([a-z][a-z-]*)")
	programCall = regexp.MustCompile("(?m)(?:^|[`$ /])(kiosk|agent|provision) ([a-z]+)((?: [a-z]+)?)")
	pathShape   = regexp.MustCompile("`([A-Za-z.][A-Za-z0-9_.-]*/[A-Za-z0-9_./-]*)`")
	linkShape   = regexp.MustCompile(`\]\(([^)#:]+)\)`)
)

// What our pages for people name is there: targets, commands, files.
func TestPages(t *testing.T) {
	targets := read(t, "Makefile")
	usage := map[string]string{}
	for _, p := range programs() {
		usage[p] = read(t, p+"/run.go")
	}
	pages := 0
	tree(t, func(path string, raw []byte) {
		if !strings.HasSuffix(path, ".md") {
			return
		}
		pages++
		text := string(raw)
		for _, m := range makeTarget.FindAllStringSubmatch(code(text), -1) {
			if !regexp.MustCompile(`(?m)^([a-z ]* )?` + m[1] + `( [a-z ]*)?:`).MatchString(targets) {
				t.Errorf("%s says `make %s`, which the Makefile does not have", path, m[1])
			}
		}
		for _, m := range programCall.FindAllStringSubmatch(code(text), -1) {
			if !strings.Contains(usage[m[1]], m[1]+" "+m[2]) {
				t.Errorf("%s says `%s %s`, which that program's usage does not have", path, m[1], m[2])
			}
		}
		if strings.HasPrefix(path, "CHANGELOG") {
			return // it names what was
		}
		for _, shape := range []*regexp.Regexp{pathShape, linkShape} {
			for _, m := range shape.FindAllStringSubmatch(text, -1) {
				name := strings.TrimSuffix(m[1], "/")
				first, _, _ := strings.Cut(name, "/")
				if _, err := os.Stat(filepath.Join(root, first)); err != nil || first == "bin" || first == "run" || first == "build" {
					continue // not of this tree, or made and not kept
				}
				_, here := os.Stat(filepath.Join(root, filepath.Dir(path), name))
				if _, top := os.Stat(filepath.Join(root, name)); here != nil && top != nil {
					t.Errorf("%s names %s, which is not there", path, name)
				}
			}
		}
	})
	if pages == 0 {
		t.Error("there is no page at all")
	}
}

// code is what stands in a page between backticks or in blocks; prose about an
// agent that rings is not a command.
func code(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			b.WriteString(part + "\n")
			continue
		}
		for j, inline := range strings.Split(part, "`") {
			if j%2 == 1 {
				b.WriteString(inline + "\n")
			}
		}
	}
	return b.String()
}
