// Package release is what a release of the kiosk's image is: a folder with a
// manifest, its signature and the files of one slot, and the rules by which
// all three ends (provision, agent and kiosk) judge it.
//
// It never connects to anything and never decides who gets a release.
//
// The manifest says how large each file is and what its SHA-256 is; the
// signature, in minisign's format, is over the manifest alone. So whoever holds
// the public key can check a release with this package, or by hand:
//
//	minisign -Vm manifest -p release.pub && sha256sum root.squashfs
//
// Caveat: a signature says who made a release, not that it is new. Who must not
// go back compares versions as well.
package release

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The names in a release's folder.
const (
	ManifestName  = "manifest"
	SignatureName = "manifest.minisig"
	Root          = "root.squashfs" // with its verity tree behind it
	Kernel        = "vmlinuz"
	Initrd        = "initrd.img"
	SlotConfig    = "slot.cfg"
)

// ManifestLimit and SignatureLimit are how many bytes the two may have.
const (
	ManifestLimit  = 16 << 10
	SignatureLimit = 2 << 10
)

// Names lists the files that every release has, in the order in which a kiosk
// writes them.
func Names() []string { return []string{Root, Kernel, Initrd, SlotConfig} }

// most is how large each file may be: what has room on the machine.
func most() map[string]int64 {
	return map[string]int64{Root: 1 << 30, Kernel: 64 << 20, Initrd: 96 << 20, SlotConfig: 4 << 10}
}

// Manifest says what a release is.
type Manifest struct {
	Version    string `json:"version"`
	MinVersion string `json:"min_version"` // the oldest that may go to this one in one step; empty for any
	RootHash   string `json:"roothash"`    // of dm-verity
	Files      []File `json:"files"`
}

// File is one file of a release.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// File returns the file of that name.
func (m Manifest) File(name string) (File, bool) {
	for _, f := range m.Files {
		if f.Name == name {
			return f, true
		}
	}
	return File{}, false
}

// Size is how many bytes the files have together.
func (m Manifest) Size() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Encode writes the manifest. It refuses one that Decode would refuse.
func (m Manifest) Encode() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("write a manifest: %w", err)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write a manifest: %w", err)
	}
	return append(text, '\n'), nil
}

// Decode reads a manifest. A field that is not known, a file too few or too
// many and anything behind the manifest are errors.
func Decode(text []byte) (Manifest, error) {
	var m Manifest
	if len(text) > ManifestLimit {
		return m, fmt.Errorf("the manifest has %d bytes, more than %d", len(text), ManifestLimit)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, errors.New("the manifest goes on after its end")
	}
	if err := m.Check(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// Check says in one sentence what is wrong with a manifest, or returns nil.
func (m Manifest) Check() error {
	if err := CheckVersion(m.Version); err != nil {
		return fmt.Errorf("the manifest's version %w", err)
	}
	if m.MinVersion != "" {
		if err := CheckVersion(m.MinVersion); err != nil {
			return fmt.Errorf("the manifest's min_version %w", err)
		}
		if Compare(m.MinVersion, m.Version) > 0 {
			return fmt.Errorf("the manifest's min_version %s is newer than its version %s", m.MinVersion, m.Version)
		}
	}
	if !isHash(m.RootHash) {
		return errors.New("the manifest's roothash is not 64 hexadecimal digits")
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		limit, known := most()[f.Name]
		switch {
		case !known:
			return fmt.Errorf("the manifest names a file %q, which no release has", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("the manifest names %s twice", f.Name)
		case f.Size < 1 || f.Size > limit:
			return fmt.Errorf("the manifest says that %s has %d bytes, not 1 to %d", f.Name, f.Size, limit)
		case !isHash(f.SHA256):
			return fmt.Errorf("the manifest's sha256 of %s is not 64 hexadecimal digits", f.Name)
		}
		seen[f.Name] = true
	}
	for _, name := range Names() {
		if !seen[name] {
			return fmt.Errorf("the manifest does not name %s", name)
		}
	}
	return nil
}

// isHash wants small letters, so that a hash is written in one way only.
func isHash(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && s == strings.ToLower(s)
}
