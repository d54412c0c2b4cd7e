package update_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
	"yhteiskone/kiosk/update"
)

const slotSize = 64 << 10

func kernelOf(version string) string { return strings.Repeat("kernel "+version+" ", 200) }
func initrdOf(version string) string { return strings.Repeat("initrd "+version+" ", 300) }

// made is a release in memory, and a Source of it.
type made struct {
	release.Signed
	files  map[string][]byte
	opened []string
	open   func(name string, from int64, body io.Reader) (io.Reader, error) // nil for the ordinary way
}

func rootOf(version string) []byte {
	root := make([]byte, 20_000)
	seed := sha256.Sum256([]byte(version))
	src := rand.NewChaCha8(seed)
	src.Read(root)
	return root
}

func slotOf(version string, root []byte) []byte {
	sum := sha256.Sum256(root)
	return fmt.Appendf(nil, "set version=%s\nset roothash=%s\nset hashoffset=%d\n", version, hex.EncodeToString(sum[:]), len(root))
}

func make1(t *testing.T, key release.SecretKey, version, least string) *made {
	t.Helper()
	root := rootOf(version)
	r := &made{files: map[string][]byte{release.Root: root, release.Kernel: []byte(kernelOf(version)),
		release.Initrd: []byte(initrdOf(version)), release.SlotConfig: slotOf(version, root)}}
	dir := t.TempDir()
	for name, text := range r.files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if r.Manifest, err = release.Describe(dir, least); err != nil {
		t.Fatal(err)
	}
	if r.Text, err = r.Manifest.Encode(); err != nil {
		t.Fatal(err)
	}
	if r.Signature, err = key.Sign(r.Text, "test"); err != nil {
		t.Fatal(err)
	}
	r.files[release.ManifestName], r.files[release.SignatureName] = r.Text, r.Signature
	return r
}

func (r *made) offer() fleet.ImageOffer {
	return fleet.ImageOffer{Version: r.Version, Manifest: r.Sum()}
}

func (r *made) Open(_ context.Context, name string, from int64) (io.ReadCloser, error) {
	r.opened = append(r.opened, fmt.Sprintf("%s from %d", name, from))
	text, ok := r.files[name]
	if !ok {
		return nil, update.ErrRefused
	}
	var body io.Reader = bytes.NewReader(text[from:])
	if r.open != nil {
		var err error
		if body, err = r.open(name, from, body); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(body), nil
}

// installed is a disk with version 1.0 in A, and nothing in B.
func installed() *disk {
	d := newDisk()
	root := rootOf("1.0")
	for name, text := range map[string][]byte{"slot/A": append(bytes.Clone(root), make([]byte, slotSize-len(root))...), "slot/B": make([]byte, slotSize),
		"A/vmlinuz": []byte(kernelOf("1.0")), "A/initrd.img": []byte(initrdOf("1.0")), "A/slot.cfg": slotOf("1.0", root),
		"grubenv": grubenv("active=A\ntrial=\ntrial_left=0\n")} {
		f := d.open(name, 0)
		f.kept, f.cached = text, bytes.Clone(text)
	}
	return d
}

func grubenv(vars string) []byte {
	head := "# GRUB Environment Block\n" + vars
	return []byte(head + strings.Repeat("#", 1024-len(head)))
}

// machine is an Updater on a disk, started as GRUB would.
func machine(d *disk, booted string, key release.SecretKey, source update.Source) *update.Updater {
	u := update.New(update.Config{Disk: d, Booted: booted, Key: key.Public(), Source: func(fleet.ImageOffer) update.Source { return source },
		Idle: func() bool { return true }, Good: func() bool { return true }, Reboot: func() error { return nil }, Log: slog.New(slog.DiscardHandler)})
	u.SetChunk(4 << 10)
	return u
}

func started(t *testing.T, d *disk, fails ...string) (slot, version string) {
	t.Helper()
	d.on()
	slot, version = grub(d, fails...)
	if slot == "" {
		t.Fatal("the machine does not start any more")
	}
	return slot, version
}
