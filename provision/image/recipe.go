package image

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ErrInput is wrong input: a recipe, a list or a flag. Nothing was built.
var ErrInput = errors.New("wrong input")

// Recipe is images/recipe.toml.
type Recipe struct {
	Suite      string
	Components []string
	Size       struct{ Bios, ESP, Slot, Conf, Data int64 } // MiB
	Parameter  []struct{ Text, Why string }
	Enable     []units
	Mask       []units
	Trim       []trim

	Packages []string `toml:"-"` // of the image, from packages.list, sorted
	dir      string
}

type units struct{ Unit, Why string }

// trim takes away what path matches, but for what is named keep.
type trim struct{ Path, Keep, Why string }

// ReadRecipe reads the folder of the recipe. An error names file and line.
func ReadRecipe(dir string) (*Recipe, error) {
	path := filepath.Join(dir, "recipe.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: read the recipe: %w", ErrInput, err)
	}
	r, err := parseRecipe(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInput, path, err)
	}
	r.dir = dir
	path = filepath.Join(dir, "packages.list")
	if text, err = os.ReadFile(path); err != nil {
		return nil, fmt.Errorf("%w: read the recipe: %w", ErrInput, err)
	}
	if r.Packages, err = parsePackages(text, "kiosk", "image"); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInput, path, err)
	}
	return r, nil
}

func parseRecipe(text []byte) (*Recipe, error) {
	r := &Recipe{}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(r); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) && len(strict.Errors) > 0 {
			row, _ := strict.Errors[0].Position()
			return nil, fmt.Errorf("line %d: there is no setting %q", row, strings.Join(strict.Errors[0].Key(), "."))
		}
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			row, _ := decode.Position()
			return nil, fmt.Errorf("line %d: %s", row, strings.TrimPrefix(decode.Error(), "toml: "))
		}
		return nil, err
	}
	return r, r.check()
}

func (r *Recipe) check() error {
	if r.Suite == "" || len(r.Components) == 0 {
		return errors.New("suite and components must be named")
	}
	for name, size := range map[string]int64{"bios": r.Size.Bios, "esp": r.Size.ESP, "slot": r.Size.Slot, "conf": r.Size.Conf, "data": r.Size.Data} {
		if size < 1 || size > 64<<10 {
			return fmt.Errorf("size.%s is %d MiB; it must be between 1 and 65536", name, size)
		}
	}
	for _, p := range r.Parameter {
		if p.Why == "" {
			return fmt.Errorf("the parameter %q has no why", p.Text)
		}
		if strings.ContainsAny(p.Text, "'\"\\$;\n") {
			return fmt.Errorf("the parameter %q holds a character that GRUB reads as its own", p.Text)
		}
	}
	for _, u := range slices.Concat(r.Enable, r.Mask) {
		if u.Why == "" {
			return fmt.Errorf("the units %q have no why", u.Unit)
		}
	}
	for _, t := range r.Trim {
		if t.Why == "" {
			return fmt.Errorf("the trim of %q has no why", t.Path)
		}
		for _, p := range strings.Fields(t.Path) {
			if !filepath.IsLocal(p) || p == "." {
				return fmt.Errorf("the trim %q is not a path inside the root", p)
			}
		}
	}
	return nil
}

// parameters are the kernel's, as one line.
func (r *Recipe) parameters() string {
	var all []string
	for _, p := range r.Parameter {
		all = append(all, strings.Fields(p.Text)...)
	}
	return strings.Join(all, " ")
}

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

// parsePackages returns the packages of those sections, sorted, each once.
func parsePackages(text []byte, sections ...string) ([]string, error) {
	var all []string
	section, known := "", map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
			known[section] = true
		case !packageName.MatchString(line):
			return nil, fmt.Errorf("line %d: %q is not the name of a package", n, line)
		case slices.Contains(sections, section):
			all = append(all, line)
		}
	}
	for _, s := range sections {
		if !known[s] {
			return nil, fmt.Errorf("there is no section [%s]", s)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
