package image

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSourcesFor(t *testing.T) {
	got, err := sourcesFor("Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\nURIs: x\nSuites: bookworm-security\nSigned-By: k\n",
		"trixie", []string{"main", "non-free-firmware"})
	want := "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\nComponents: main non-free-firmware\n\nURIs: x\nSuites: trixie-security\nSigned-By: k\n"
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := sourcesFor("deb http://mirror.example/debian bookworm main\n", "trixie", nil); err == nil {
		t.Error("a list of the old form was taken")
	}
}

// Lists of packages are found wherever apt has them, in both forms; those of
// others stay out.
func TestMachineSources(t *testing.T) {
	const ours = "Types: deb\n# why\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg"
	const security = "Types: deb\nURIs: http://mirror.example/debian-security/\nSuites: bookworm-security\nComponents: main\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"as the installer writes it", map[string]string{"sources.list.d/debian.sources": ours + "\n\n" + security}, ours + "\n\n" + security},
		{"under another name, with others beside it", map[string]string{
			"sources.list.d/0000main.sources": ours + "\n",
			"sources.list.d/node.sources":     "Types: deb\nURIs: http://node.example/node_22.x\nSuites: nodistro\nComponents: main\n",
			"sources.list.d/shop.sources":     "Types: deb\nURIs: http://shop.example/linux/debian\nSuites: bookworm\nComponents: stable\n",
			"sources.list.d/ms.list":          "deb [arch=amd64] http://ms.example/debian/12/prod bookworm main\n",
			"sources.list.d/off.sources":      "Enabled: no\n" + security,
			"sources.list.d/old.sources.save": security,
		}, ours + "\n"},
		{"in lines", map[string]string{"sources.list": "# deb http://x/debian bookworm main\ndeb-src http://x/debian bookworm main\n" +
			"deb [ arch=amd64 signed-by=/k.gpg ] http://x/debian bookworm main contrib # why\ndeb http://x/debian-security bookworm-security main\ndeb http://x/debian\n"},
			"Types: deb\nURIs: http://x/debian\nSuites: bookworm\nComponents: main contrib\nSigned-By: /k.gpg\n\n\nTypes: deb\nURIs: http://x/debian-security\nSuites: bookworm-security\nComponents: main\n"},
		{"none", map[string]string{"sources.list": "deb cdrom:[Debian]/ bookworm main\n"}, ""},
		{"of another release", map[string]string{"sources.list": "deb http://x/debian sid main\n"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			apt := t.TempDir()
			for name, text := range c.files {
				path := filepath.Join(apt, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := machineSources(apt, codename("ID=debian\nVERSION_CODENAME=\"bookworm\"\n"))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if (c.want == "") != errors.Is(err, ErrInput) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := machineSources(t.TempDir(), codename("ID=arch\n")); !errors.Is(err, ErrInput) {
		t.Errorf("a machine that is no Debian: %v", err)
	}
}
