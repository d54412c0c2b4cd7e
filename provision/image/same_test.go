package image

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"yhteiskone/provision/gpt"
)

// Two builds of the same commit are the same bytes. Where they are not, it says
// which partition, and which files of the root, differ: make image-twice.
func TestSame(t *testing.T) {
	pair := strings.Split(os.Getenv("YHTEISKONE_SAME"), ":")
	if len(pair) != 2 {
		t.Skip("YHTEISKONE_SAME names no two images; say: make image-twice")
	}
	one, two := pieces(t, pair[0]), pieces(t, pair[1])
	for _, name := range slices.Sorted(maps.Keys(one)) {
		switch {
		case one[name] == two[name]:
			t.Logf("%s is the same in both", name)
		case name == "kiosk-A":
			t.Errorf("the root differs:\n%s", differing(t, pair))
		default:
			t.Errorf("%s differs", name)
		}
	}
	if len(one) != len(two) {
		t.Error("they have other partitions")
	}
	for _, more := range []string{".packages", ".spdx.json"} {
		a, err := os.ReadFile(strings.TrimSuffix(pair[0], ".img") + more)
		b, err2 := os.ReadFile(strings.TrimSuffix(pair[1], ".img") + more)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", more)
		}
	}
}

// opened is an image and its table.
func opened(t *testing.T, path string) (*os.File, *gpt.Table) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	head := make([]byte, gpt.Head)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	table, err := gpt.Read(head)
	if err != nil {
		t.Fatal(path, err)
	}
	return f, table
}

// pieces are the sums of an image's partitions, and of all of it.
func pieces(t *testing.T, path string) map[string]string {
	t.Helper()
	f, table := opened(t, path)
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"all of it": sum(t, f, 0, info.Size())}
	for _, p := range table.Partitions {
		all[p.Name] = sum(t, f, p.Start(), p.Size)
	}
	return all
}

func sum(t *testing.T, f io.ReaderAt, from, size int64) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, from, size)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// differing lists the files of two roots that are not alike, at most forty.
func differing(t *testing.T, images []string) string {
	t.Helper()
	var roots []map[string]string
	for i, image := range images {
		root := filepath.Join(t.TempDir(), fmt.Sprint(i))
		_, table := opened(t, image)
		slot, err := table.Find(partA)
		if err != nil {
			t.Fatal(err)
		}
		at := fmt.Sprint(slot.Start())
		if out, err := exec.Command("unsquashfs", "-no-progress", "-o", at, "-d", root, image).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		list, err := exec.Command("unsquashfs", "-o", at, "-lln", image).Output()
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, filesOf(t, root, list))
	}
	var all []string
	names := maps.Clone(roots[0])
	maps.Copy(names, roots[1])
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if roots[0][name] != roots[1][name] {
			all = append(all, fmt.Sprintf("%s: %s, %s", name, roots[0][name], roots[1][name]))
		}
	}
	return strings.Join(all[:min(len(all), 40)], "\n")
}

// filesOf says of each file its line in the list and the sum of what is in it.
func filesOf(t *testing.T, root string, list []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range bytes.Lines(list) {
		if about, name, ok := strings.Cut(strings.TrimSpace(string(line)), " squashfs-root"); ok {
			all[name] = about
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, root)] += fmt.Sprintf(" %x", sha256.Sum256(text))[:13]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
