package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// whole holds that what is left of the tree needs no library that was left out:
// a program without one would say so only when it is started, on somebody's
// machine.
func whole(root string) error {
	has, needs := map[string]bool{}, map[string][]string{}
	err := filepath.WalkDir(filepath.Join(root, "usr"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.Contains(d.Name(), ".so") {
			if _, err := os.Lstat(path); err == nil {
				has[d.Name()] = true
			}
		}
		if !d.Type().IsRegular() {
			return nil
		}
		libraries, err := imported(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		for _, l := range libraries {
			needs[l] = append(needs[l], strings.TrimPrefix(path, root))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for libraries: %w", err)
	}
	var missing []error
	for library, by := range needs {
		if !has[library] {
			slices.Sort(by)
			missing = append(missing, fmt.Errorf("%w: the recipe leaves out %s, which %s needs", ErrInput, library, by[0]))
		}
	}
	slices.SortFunc(missing, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(missing...)
}

// imported are the libraries that a program or library names; nothing for what
// is neither.
func imported(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := f.ReadAt(magic, 0); err != nil || string(magic) != elf.ELFMAG {
		return nil, nil
	}
	e, err := elf.NewFile(f)
	if err != nil {
		return nil, nil // a kernel's or a firmware's own kind
	}
	libraries, err := e.ImportedLibraries()
	if err != nil {
		return nil, nil // without a dynamic part
	}
	return libraries, nil
}
