package image

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// errNoSources says that this machine has no list to start from.
var errNoSources = fmt.Errorf("%w: this machine has no list of Debian's packages in /etc/apt; name one with --sources", ErrInput)

// Sources is the list that the recipe's packages are installed from, in deb822
// form: the file's, or if that is empty what this machine installs Debian's own
// packages from, for the recipe's release.
func (r *Recipe) Sources(file string) (string, error) {
	var text string
	if file == "" {
		release, err := os.ReadFile("/etc/os-release")
		if err != nil {
			return "", fmt.Errorf("find the name of this release: %w", err)
		}
		if text, err = machineSources("/etc/apt", codename(string(release))); err != nil {
			return "", err
		}
	} else {
		read, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("%w: --sources: %w", ErrInput, err)
		}
		text = string(read)
	}
	sources, err := sourcesFor(text, r.Suite, r.Components)
	if err != nil {
		return "", fmt.Errorf("%w: --sources: %w", ErrInput, err)
	}
	return sources, nil
}

// codename is the release's name in the text of os-release.
func codename(text string) string {
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return ""
}

// machineSources gathers Debian's own sources from apt's folder, in deb822
// form. Those of others stay out: they need not have the image's suite. The
// lists are read in the order of apt, see sources.list(5).
func machineSources(apt, codename string) (string, error) {
	if codename == "" {
		return "", errNoSources
	}
	var all []string
	list := filepath.Join(apt, "sources.list")
	more, err := filepath.Glob(filepath.Join(apt, "sources.list.d", "*"))
	if err != nil {
		return "", err
	}
	for _, file := range append([]string{list}, more...) {
		form := path.Ext(file)
		if form != ".list" && form != ".sources" {
			continue
		}
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read this machine's list of packages: %w", err)
		}
		var found []string
		if form == ".list" {
			found = fromLines(string(text))
		} else {
			found = strings.Split(string(text), "\n\n")
		}
		for _, stanza := range found {
			if debians(stanza, codename) && !slices.Contains(all, stanza) {
				all = append(all, stanza)
			}
		}
	}
	if len(all) == 0 {
		return "", errNoSources
	}
	return strings.Join(all, "\n\n"), nil
}

// fromLines turns a list of the old form, a line for each source, into stanzas.
func fromLines(text string) (all []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "deb" {
			continue
		}
		var signed string
		if f = f[1:]; len(f) > 0 && strings.HasPrefix(f[0], "[") {
			for more := true; more && len(f) > 0; f = f[1:] {
				option := strings.Trim(f[0], "[]")
				if key, ok := strings.CutPrefix(option, "signed-by="); ok {
					signed = "Signed-By: " + key + "\n"
				}
				more = !strings.HasSuffix(f[0], "]")
			}
		}
		if len(f) < 3 {
			continue
		}
		all = append(all, fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n%s", f[0], f[1], strings.Join(f[2:], " "), signed))
	}
	return all
}

// debians reports whether the stanza is of Debian's own archive, for this release.
func debians(stanza, codename string) bool {
	has := map[string][]string{}
	for line := range strings.Lines(stanza) {
		if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			has[strings.ToLower(name)] = strings.Fields(value)
		}
	}
	suite := func(s string) bool { return s == codename || strings.HasPrefix(s, codename+"-") }
	archive := func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && slices.Contains([]string{"debian", "debian-security"}, path.Base(u.Path))
	}
	return slices.ContainsFunc(has["suites"], suite) && slices.ContainsFunc(has["uris"], archive) && slices.Contains(has["components"], "main") &&
		slices.Contains(has["types"], "deb") && !slices.Equal(has["enabled"], []string{"no"})
}

// sourcesFor makes the machine's own list of sources one for the image's
// suite: bookworm-security becomes trixie-security.
func sourcesFor(text, suite string, components []string) (string, error) {
	var out strings.Builder
	seen := false
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch {
		case ok && name == "Suites":
			seen = true
			var suites []string
			for _, s := range strings.Fields(value) {
				_, kind, _ := strings.Cut(s, "-")
				if kind != "" {
					kind = "-" + kind
				}
				suites = append(suites, suite+kind)
			}
			fmt.Fprintf(&out, "Suites: %s\n", strings.Join(suites, " "))
		case ok && name == "Components":
			fmt.Fprintf(&out, "Components: %s\n", strings.Join(components, " "))
		default:
			out.WriteString(line)
		}
	}
	if !seen {
		return "", errors.New("no line says Suites; it must be a list of sources in deb822 form")
	}
	return out.String(), nil
}
