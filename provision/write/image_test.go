package write

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yhteiskone/internal/release"
	"yhteiskone/provision/disk"
	"yhteiskone/provision/write/writetest"
)

func TestOnlyAKiosksImageIsOpened(t *testing.T) {
	good := writetest.Image(t, writetest.Small())
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func(b []byte) []byte) string {
		path := filepath.Join(t.TempDir(), "x.img")
		if err := os.WriteFile(path, change(append([]byte(nil), text...)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for says, path := range map[string]string{
		"cannot be opened": "/nowhere.img",
		"not a file":       t.TempDir(),
		"is empty":         changed(func([]byte) []byte { return nil }),
		"too short":        changed(func(b []byte) []byte { return b[:5000] }),
		"of the kind GPT":  changed(func(b []byte) []byte { copy(b[512:], "NO TABLE"); return b }),
		"table is damaged": changed(func(b []byte) []byte { b[1024+60] ^= 1; return b }),
		"header":           changed(func(b []byte) []byte { b[512+40] ^= 1; return b }),
		"should have":      changed(func(b []byte) []byte { return b[:len(b)-512] }),
		"no partition \"kiosk-B\"": writetest.Image(t, []writetest.Part{{Name: "kiosk-esp", MiB: 1}, {Name: "kiosk-A", MiB: 1},
			{Name: "kiosk-conf", MiB: 1}, {Name: "kiosk-data", MiB: 1}}),
		"not in order":   writetest.Image(t, append(writetest.Small(), writetest.Part{Name: "kiosk-A", MiB: 1})),
		"cannot be read": changed(func([]byte) []byte { return []byte{0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3} }),
	} {
		m, err := OpenImage(path)
		if err == nil {
			m.Close()
		}
		if says == "header" {
			says = "table is damaged"
		}
		if says == "cannot be read" {
			says = "too short or damaged"
		}
		var p *disk.Problem
		if !errors.As(err, &p) || p.Exit != disk.ExitInput || !strings.Contains(p.Text, says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestSignature(t *testing.T) {
	image := writetest.Image(t, writetest.Small())
	private, other := release.NewKey(), release.NewKey().Public()
	public := private.Public()
	put := func(name string, text []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := func(k release.PublicKey) string { return put("release.pub", k.Encode()) }
	verify := func(keyPath string) error {
		m, err := OpenImage(image)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return m.Verify(keyPath)
	}
	told := func(says string, err error) {
		t.Helper()
		var p *disk.Problem
		if !errors.As(err, &p) || p.Exit != disk.ExitInput || !strings.Contains(p.Text, says) || p.Todo == "" {
			t.Errorf("%s: %v", says, err)
		}
	}
	told("has no signature", verify(key(public)))
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := private.Sign(text, "yhteiskone")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(SignatureOf(image), signature, 0o600); err != nil {
		t.Fatal(err)
	}
	told("cannot be read", verify("/nowhere.pub"))
	told("another key", verify(key(other)))
	told("cannot be read", verify(put("bad.pub", []byte("nonsense"))))
	if err := verify(key(public)); err != nil {
		t.Errorf("a good one is refused: %v", err)
	}
	g, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.WriteAt([]byte{1}, 5<<20); err != nil {
		t.Fatal(err)
	}
	told("not the one that was signed", verify(key(public)))
	if err := os.WriteFile(SignatureOf(image), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	told("is not one of minisign", verify(key(public)))
}
