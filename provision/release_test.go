package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yhteiskone/internal/release"
)

// build makes what the builder leaves: the files of a slot, unsigned, and the
// list of packages beside the folder.
func build(t *testing.T, version string) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "release")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{release.Root: strings.Repeat("root", 1000), release.Kernel: "a kernel", release.Initrd: "an initrd",
		release.SlotConfig: "set version=" + version + "\nset roothash=" + strings.Repeat("ab", 32) + "\n", "../x.packages": "adduser\t3.1\nbash\t5.2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	said, code, err := provision(t, args...)
	if code != 0 {
		t.Fatalf("provision %q: exit %d: %v", args, code, err)
	}
	return said
}

// fails wants the exit code and a word in the error.
func fails(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	_, got, err := provision(t, args...)
	if got != code || err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("provision %q: exit %d: %v; want %d and %q", args, got, err, code, says)
	}
}

func newKeyFile(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "release.key")
	must(t, "key", "new", key)
	return key
}

func TestKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "release.key")
	said := must(t, "key", "new", key)
	for name, mode := range map[string]os.FileMode{key: 0o600, key + ".pub": 0o644} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&^0o022 != mode {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	for _, file := range []string{key, key + ".pub"} {
		shown := must(t, "key", "show", file)
		if !strings.HasSuffix(said, shown) || strings.Contains(shown, "RW") {
			t.Errorf("%s is shown as %q, made as %q", file, shown, said)
		}
	}
	was, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	fails(t, 2, "never replaced", "key", "new", key)
	if now, err := os.ReadFile(key); err != nil || string(now) != string(was) {
		t.Error("a key was replaced")
	}
	fails(t, 2, "no such file", "key", "show", key+".not")
	fails(t, 2, "key new FILE", "key")
	if err := os.WriteFile(key+".bad", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, 2, "not one of minisign", "key", "show", key+".bad")
}

func TestSignVerifyShow(t *testing.T) {
	dir, key := build(t, "1.4.0"), newKeyFile(t)
	fails(t, 2, "manifest", "image", "verify", dir, "--pub", key+".pub") // the build left none
	said := must(t, "image", "sign", dir, "--key", key, "--min-version", "1.2")
	if !strings.Contains(said, "version 1.4.0") {
		t.Errorf("sign said %q", said)
	}
	if said := must(t, "image", "verify", "--pub", key+".pub", dir); !strings.Contains(said, "every file is as it was signed") {
		t.Errorf("verify said %q", said)
	}
	var all shown
	if err := json.Unmarshal([]byte(must(t, "image", "show", "--json", dir)), &all); err != nil {
		t.Fatal(err)
	}
	if all.Version != "1.4.0" || all.MinVersion != "1.2" || !all.Signed || len(all.Packages) != 2 || !strings.Contains(said, all.Words) {
		t.Errorf("shown: %+v", all)
	}
	if text := must(t, "image", "show", "--packages", dir); !strings.Contains(text, "adduser 3.1\nbash 5.2\n") || !strings.Contains(text, "packages   2") {
		t.Errorf("shown:\n%s", text)
	}
	// Another's key, a changed file, a changed manifest: each is told.
	other := newKeyFile(t)
	fails(t, 1, "another key", "image", "verify", dir, "--pub", other+".pub")
	kernel := filepath.Join(dir, release.Kernel)
	if err := os.WriteFile(kernel, []byte("a kornel"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, 1, "vmlinuz was changed", "image", "verify", dir, "--pub", key+".pub")
	fails(t, 2, "vmlinuz was changed", "image", "sign", dir, "--key", key) // the manifest is not made anew behind one's back
	if err := os.WriteFile(kernel, []byte("a kernel"), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, release.ManifestName)
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, []byte(strings.Replace(string(text), "1.4.0", "1.5.0", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, 1, "signature is not right", "image", "verify", dir, "--pub", key+".pub")
	fails(t, 2, "another version", "image", "sign", dir, "--key", key)
}

func TestReleaseWrongInput(t *testing.T) {
	dir, key := build(t, "1.4.0"), newKeyFile(t)
	fails(t, 2, "--key is missing", "image", "sign", dir)
	fails(t, 2, "say which folder", "image", "sign", "--key", key)
	fails(t, 2, "one name too many", "image", "show", dir, dir)
	fails(t, 2, "there is no \"bild\"", "image", "bild")
	fails(t, 2, "newer than its version", "image", "sign", dir, "--key", key, "--min-version", "2")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, 2, "chmod 600", "image", "sign", dir, "--key", key)
	if _, err := os.Stat(filepath.Join(dir, release.ManifestName)); err == nil {
		t.Error("wrong input left a manifest")
	}
}
