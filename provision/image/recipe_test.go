package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The recipe that ships is whole: every line has its why, and every unit of
// ours that it names is in the overlay.
func TestRecipe(t *testing.T) {
	r, err := ReadRecipe("../../images")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(r.Packages) || !slices.Contains(r.Packages, "chromium") || !slices.Contains(r.Packages, "linux-image-amd64") ||
		slices.Contains(r.Packages, "mmdebstrap") || slices.Contains(r.Packages, "gcc") {
		t.Errorf("the packages are %v", r.Packages)
	}
	for _, must := range []string{"init_on_free=1", "init_on_alloc=1", "panic=10", "lockdown=integrity"} {
		if !strings.Contains(" "+r.parameters()+" ", " "+must+" ") {
			t.Errorf("the kernel is not told %s: %s", must, r.parameters())
		}
	}
	for _, u := range r.Enable {
		for _, unit := range strings.Fields(u.Unit) {
			_, err := os.Stat(filepath.Join("../../images/overlay/usr/lib/systemd/system", unit))
			if strings.HasPrefix(unit, "yhteiskone") && err != nil {
				t.Error(err)
			}
		}
	}
	users, err := os.ReadFile("../../images/overlay/usr/lib/sysusers.d/yhteiskone.conf")
	if err != nil || !strings.Contains(string(users), "u kiosk  800:800") || kioskUser != 800 {
		t.Errorf("kiosk-data belongs to %d, the users are\n%s%v", kioskUser, users, err)
	}
	// No door is left: nothing that lets in, and no address of a mirror.
	for _, p := range r.Packages {
		if strings.Contains(p, "ssh") || p == "sudo" || p == "getty" || strings.Contains(p, "login") {
			t.Errorf("the image has %s", p)
		}
	}
	if !slices.ContainsFunc(r.Trim, func(t trim) bool { return strings.Contains(t.Path, "etc/apt/sources.list.d/*") && t.Keep == "" }) {
		t.Error("the list of sources stays in the image")
	}
}

func TestParseRecipeSaysWhatIsWrong(t *testing.T) {
	good := "suite = \"trixie\"\ncomponents = [\"main\"]\n[size]\nbios = 1\nesp = 64\nslot = 512\nconf = 96\ndata = 64\n"
	if _, err := parseRecipe([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for says, text := range map[string]string{
		"line 9: there is no setting \"size.colour\"": good + "colour = 1\n",
		"line 1:":                      "suite = trixie\n",
		"suite and components":         strings.Replace(good, `"trixie"`, `""`, 1),
		"size.slot is 0":               strings.Replace(good, "slot = 512", "slot = 0", 1),
		`the parameter "quiet" has no`: good + "[[parameter]]\ntext = \"quiet\"\n",
		"reads as its own":             good + "[[parameter]]\ntext = \"a; halt\"\nwhy = \"x\"\n",
		`units "a.service" have no`:    good + "[[mask]]\nunit = \"a.service\"\n",
		"trim of \"usr/x\" has no":     good + "[[trim]]\npath = \"usr/x\"\n",
		"not a path inside":            good + "[[trim]]\npath = \"usr/../../x\"\nwhy = \"x\"\n",
	} {
		if _, err := parseRecipe([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
	if _, err := ReadRecipe(t.TempDir()); !errors.Is(err, ErrInput) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestParsePackages(t *testing.T) {
	text := []byte("# all\n[a]\nzlib1g # why\nbash\n[b]\nbash\ng++\n[c]\nno\n")
	got, err := parsePackages(text, "a", "b")
	if err != nil || !slices.Equal(got, []string{"bash", "g++", "zlib1g"}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parsePackages(text, "d"); err == nil || !strings.Contains(err.Error(), "[d]") {
		t.Errorf("%v", err)
	}
	if _, err := parsePackages([]byte("[a]\n\nBad Name\n"), "a"); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("%v", err)
	}
}

// Everything that goes into the tree is in its key, and nothing else.
func TestCacheKey(t *testing.T) {
	key := cacheKey("trixie", "s", []string{"a", "b"}, []string{"o"})
	if key != cacheKey("trixie", "s", []string{"a", "b"}, []string{"o"}) || len(key) != 16 {
		t.Errorf("the key is %q", key)
	}
	for name, other := range map[string]string{
		"suite": cacheKey("sid", "s", []string{"a", "b"}, []string{"o"}), "sources": cacheKey("trixie", "t", []string{"a", "b"}, []string{"o"}),
		"packages": cacheKey("trixie", "s", []string{"a b"}, []string{"o"}), "options": cacheKey("trixie", "s", []string{"a", "b"}, nil),
	} {
		if key == other {
			t.Errorf("another %s gives the same key", name)
		}
	}
}

func TestTrim(t *testing.T) {
	root := t.TempDir()
	for _, f := range []string{"doc/a/copyright", "doc/a/README", "doc/b/README", "man/x/1", "stay/x"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(f)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../stay", filepath.Join(root, "doc/a/link")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []trim{{Path: "doc/* nothing/*", Keep: "copyright"}, {Path: "man"}} {
		if err := x.apply(root); err != nil {
			t.Fatal(err)
		}
	}
	var left []string
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		left = append(left, rel)
		return err
	})
	if want := []string{".", "doc", "doc/a", "doc/a/copyright", "stay", "stay/x"}; !slices.Equal(left, want) {
		t.Errorf("left are %v", left)
	}
}
