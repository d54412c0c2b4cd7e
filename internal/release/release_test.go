package release_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"yhteiskone/internal/release"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// folder makes a release without a manifest.
func folder(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{release.Root: "the root and its tree", release.Kernel: "a kernel",
		release.Initrd: "an initrd", release.SlotConfig: "set version=" + version + "\nset roothash=" + strings.Repeat("ab", 32) + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func described(t *testing.T, dir string) release.Manifest {
	t.Helper()
	m, err := release.Describe(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The real minisign made what is in testdata: its key without a passphrase, and
// a signature of each of its two kinds.
func TestRealMinisign(t *testing.T) {
	pub, err := release.ParsePublicKey(read(t, "test.pub"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := release.ParseSecretKey(read(t, "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	if got := secret.Public(); got.ID() != pub.ID() || !bytes.Equal(got.Encode(), pub.Encode()) {
		t.Errorf("the secret key belongs to %s, not %s", got.ID(), pub.ID())
	}
	if !bytes.Equal(pub.Encode(), read(t, "test.pub")) {
		t.Errorf("the public key is written otherwise than minisign does:\n%s", pub.Encode())
	}
	text := read(t, "manifest")
	for name, note := range map[string]string{"manifest.minisig": "yhteiskone 2026.11.29", "manifest.legacy.minisig": "older kind"} {
		got, err := pub.Verify(text, read(t, name))
		if err != nil || got != note {
			t.Errorf("%s: note %q, %v", name, got, err)
		}
		// Read bit by bit only the newer kind can be checked.
		got, err = pub.VerifyFrom(bytes.NewReader(text), read(t, name))
		if old := name == "manifest.legacy.minisig"; old != (err != nil) || !old && got != note {
			t.Errorf("%s, read: note %q, %v", name, got, err)
		}
		if _, err := pub.VerifyFrom(bytes.NewReader(text[1:]), read(t, name)); err == nil {
			t.Errorf("%s: another text is taken", name)
		}
	}
	if _, err := release.Decode(text); err != nil {
		t.Error(err)
	}
	// Ed25519 is deterministic: ours is the very signature of minisign.
	ours, err := secret.Sign(text, "yhteiskone 2026.11.29")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := strings.Split(string(ours), "\n"), strings.Split(string(read(t, "manifest.minisig")), "\n"); a[1] != b[1] || a[3] != b[3] {
		t.Errorf("our signature:\n%s\nminisign's:\n%s", ours, read(t, "manifest.minisig"))
	}
}

// What provision makes, the real tool takes.
func TestMinisignTakesOurs(t *testing.T) {
	tool, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("minisign is not installed (apt-get install minisign); TestRealMinisign compares with what it made before")
	}
	dir, secret := t.TempDir(), release.NewKey()
	at := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := []byte("a manifest\n")
	signature, err := secret.Sign(text, "yhteiskone 1.2")
	if err != nil {
		t.Fatal(err)
	}
	pub, key, file := at("k.pub", secret.Public().Encode()), at("k.key", secret.Encode()), at("manifest", text)
	at("manifest.minisig", signature)
	if out, err := exec.Command(tool, "-Vm", file, "-p", pub).CombinedOutput(); err != nil || !strings.Contains(string(out), "yhteiskone 1.2") {
		t.Errorf("minisign does not take our signature: %v\n%s", err, out)
	}
	if out, err := exec.Command(tool, "-Sm", file, "-s", key, "-x", file+".theirs").CombinedOutput(); err != nil {
		t.Fatalf("minisign does not take our secret key: %v\n%s", err, out)
	}
	theirs, err := os.ReadFile(file + ".theirs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Public().Verify(text, theirs); err != nil {
		t.Error(err)
	}
	at("manifest", []byte("another manifest\n"))
	if out, err := exec.Command(tool, "-Vm", file, "-p", pub).CombinedOutput(); err == nil {
		t.Errorf("minisign took a changed file: %s", out)
	}
}

// One bit anywhere in text, signature or note, and it does not count.
func TestEveryBitCounts(t *testing.T) {
	secret := release.NewKey()
	text := []byte("0123456789")
	signature, err := secret.Sign(text, "note")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Public().Verify(text, signature); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		bad := bytes.Clone(text)
		bad[i] ^= 1
		if _, err := secret.Public().Verify(bad, signature); !errors.Is(err, release.ErrSignature) {
			t.Errorf("text changed at %d: %v", i, err)
		}
	}
	line := bytes.IndexByte(signature, '\n') + 1 // what is before is not signed, and says so
	for i := line; i < len(signature)-1; i++ {
		bad := bytes.Clone(signature)
		bad[i] ^= 1
		if _, err := secret.Public().Verify(text, bad); err == nil {
			t.Errorf("signature changed at %d of %d (%q) still counts", i, len(signature), signature[i])
		}
	}
	if _, err := release.NewKey().Public().Verify(text, signature); !errors.Is(err, release.ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
}

// No key checks nothing, whatever the signature says of who made it.
func TestNoKey(t *testing.T) {
	raw := append([]byte("ED"), make([]byte, 8+64)...)
	forged := "untrusted comment: x\n" + base64.StdEncoding.EncodeToString(raw) + "\ntrusted comment: x\n" + base64.StdEncoding.EncodeToString(raw[10:]) + "\n"
	if _, err := (release.PublicKey{}).Verify([]byte("text"), []byte(forged)); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Error(err)
	}
}

func TestDescribeAndCheck(t *testing.T) {
	dir := folder(t, "1.2.0")
	m := described(t, dir)
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := release.Decode(text); err != nil || again.Version != "1.2.0" || len(again.Files) != 4 {
		t.Errorf("%+v, %v", again, err)
	}
	if err := release.CheckFiles(dir, m); err != nil {
		t.Error(err)
	}
	for _, name := range release.Names() {
		path := filepath.Join(dir, name)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for want, bad := range map[string][]byte{"changed": append(bytes.Clone(was[:len(was)-1]), was[len(was)-1]^1), "bytes": was[:len(was)-1]} {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := release.CheckFiles(dir, m); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s damaged: %v", name, err)
			}
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.RootHash = strings.Repeat("cd", 32)
	if err := release.CheckFiles(dir, m); err == nil || !strings.Contains(err.Error(), "roothash") {
		t.Errorf("another root hash: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := described(t, folder(t, "1.2.0")).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for why, change := range map[string][2]string{
		"unknown field":  {`"version"`, `"url": "x", "version"`},
		"version":        {`"1.2.0"`, `"../../etc"`},
		"digit":          {`"1.2.0"`, `"v1"`},
		"newer than":     {`"min_version": ""`, `"min_version": "1.3"`},
		"roothash":       {strings.Repeat("ab", 32), strings.Repeat("AB", 32)},
		"no release has": {`"vmlinuz"`, `"../vmlinuz"`},
		"twice":          {`"vmlinuz"`, `"initrd.img"`},
		"bytes, not":     {`"size": 8`, `"size": 68719476736`},
		"sha256":         {`"sha256": "`, `"sha256": "x`},
		"after its end":  {"\n}\n", "\n}\n{}"},
		"cannot be read": {"{", "["},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			t.Errorf("%s: nothing was changed", why)
		}
		if why == "after its end" {
			why = "goes on after"
		}
		if _, err := release.Decode([]byte(bad)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if _, err := release.Decode(bytes.Repeat([]byte(" "), release.ManifestLimit+1)); err == nil {
		t.Error("a manifest without end was read")
	}
}

func TestCompare(t *testing.T) {
	order := []string{"0.9", "1.0-alpha", "1.0-rc1", "1.0", "1.0.1", "1.0.9", "1.0.10-rc1", "1.0.10", "1.0.10-3-g12ab", "1.1", "2", "10", "2026.11.29", "2026.12.1"}
	for i, a := range order {
		if err := release.CheckVersion(a); err != nil {
			t.Errorf("%s %v", a, err)
		}
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := release.Compare(a, b); got != want {
				t.Errorf("Compare(%s, %s) is %d, not %d", a, b, got, want)
			}
		}
	}
	if release.Compare("1.02", "1.2") != 0 {
		t.Error("1.02 is not 1.2")
	}
	for _, bad := range []string{"", "x", "1..2", "1.", "1/2", "1 2", "1.A", strings.Repeat("1", 41), "1_2"} {
		if release.CheckVersion(bad) == nil {
			t.Errorf("%q is taken for a version", bad)
		}
	}
}

func TestWords(t *testing.T) {
	// SHA-256 of "" begins e3b0 c442 98fc 1c14 9afb f4c8: 1110 00 1110 11 0000 is "vavub".
	if got := strings.Fields(release.Words(nil)); len(got) != 6 || got[0] != "vavub" {
		t.Error(got)
	}
	if release.Words([]byte("a")) == release.Words([]byte("b")) {
		t.Error("two texts have the same words")
	}
}

func TestSlotValue(t *testing.T) {
	text := []byte("# roothash=1\nset version=\"1.2\"\nset roothash='abc'\n  set hashoffset=12\nset roothash=def\nsetversion=9\n")
	for name, want := range map[string]string{"version": "1.2", "roothash": "def", "hashoffset": "12", "other": ""} {
		if got := release.SlotValue(text, name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	secret := release.NewKey().Encode()
	for why, text := range map[string][]byte{"one line": []byte("a\nb\nc"), "not one of": []byte("untrusted comment: x\nAAAA\n"), "too long": bytes.Repeat([]byte("x"), 5000)} {
		if _, err := release.ParsePublicKey(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("public, %s: %v", why, err)
		}
	}
	if _, err := release.ParsePublicKey(secret); err == nil {
		t.Error("a secret key was taken for a public one")
	}
	if _, err := release.ParseSecretKey(read(t, "locked.key")); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("a key with a passphrase: %v", err)
	}
}

// FuzzDecode: whatever a manifest holds, Decode gives an error or a manifest
// that is written and read back the same.
func FuzzDecode(f *testing.F) {
	text, err := os.ReadFile("testdata/manifest")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := release.Decode(text)
		if err != nil {
			return
		}
		out, err := m.Encode()
		if err != nil {
			t.Fatalf("read, and cannot be written: %v", err)
		}
		again, err := release.Decode(out)
		if err != nil {
			t.Fatalf("written, and cannot be read: %v", err)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(out, twice) {
			t.Errorf("%s\nis not\n%s (%v)", out, twice, err)
		}
	})
}

// FuzzVerify: no signature file and no key file panics, and none that was not
// made by the key counts.
func FuzzVerify(f *testing.F) {
	pub, err := os.ReadFile("testdata/test.pub")
	if err != nil {
		f.Fatal(err)
	}
	signature, err := os.ReadFile("testdata/manifest.minisig")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pub, signature)
	f.Fuzz(func(t *testing.T, pub, signature []byte) {
		k, err := release.ParsePublicKey(pub)
		release.ParseSecretKey(pub)
		if err != nil {
			return
		}
		if _, err := k.Verify([]byte("never signed"), signature); err == nil {
			t.Errorf("%q counts", signature)
		}
	})
}
