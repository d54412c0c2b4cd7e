package release

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// Signed is a manifest as it stands in a folder.
type Signed struct {
	Manifest
	Text      []byte // the manifest's own bytes
	Signature []byte // nil if there is none
}

// Sum is the SHA-256 of the manifest: it names the whole release.
func (s Signed) Sum() string { return SumOf(s.Text) }

// Words are what people compare.
func (s Signed) Words() string { return Words(s.Text) }

// SumOf is the SHA-256 of a text, as the manifest writes it.
func SumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return Hash(sum[:])
}

// Read reads the manifest of a folder, and its signature if there is one. It
// looks at neither the signature nor the files.
func Read(dir string) (Signed, error) {
	text, err := readSmall(filepath.Join(dir, ManifestName), ManifestLimit)
	if err != nil {
		return Signed{}, err
	}
	m, err := Decode(text)
	if err != nil {
		return Signed{}, fmt.Errorf("%s: %w", filepath.Join(dir, ManifestName), err)
	}
	signature, err := readSmall(filepath.Join(dir, SignatureName), SignatureLimit)
	if errors.Is(err, fs.ErrNotExist) {
		signature, err = nil, nil
	}
	return Signed{m, text, signature}, err
}

func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return text, err
}

// Describe makes the manifest of the files in a folder. Version and root hash
// are those in its slot.cfg.
func Describe(dir, minVersion string) (Manifest, error) {
	m := Manifest{MinVersion: minVersion}
	text, err := readSmall(filepath.Join(dir, SlotConfig), most()[SlotConfig])
	if err != nil {
		return m, err
	}
	m.Version, m.RootHash = SlotValue(text, "version"), SlotValue(text, "roothash")
	for _, name := range Names() {
		f, err := sumFile(filepath.Join(dir, name))
		if err != nil {
			return m, err
		}
		f.Name = name
		m.Files = append(m.Files, f)
	}
	return m, m.Check()
}

func sumFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", path, err)
	}
	return File{Size: n, SHA256: Hash(h.Sum(nil))}, nil
}

// CheckFiles says which file of a folder is not what the manifest says.
func CheckFiles(dir string, m Manifest) error {
	for _, want := range m.Files {
		path := filepath.Join(dir, want.Name)
		got, err := sumFile(path)
		switch {
		case err != nil:
			return err
		case got.Size != want.Size:
			return fmt.Errorf("%s has %d bytes; the manifest says %d", path, got.Size, want.Size)
		case got.SHA256 != want.SHA256:
			return fmt.Errorf("%s was changed: its SHA-256 is not the manifest's", path)
		}
	}
	text, err := readSmall(filepath.Join(dir, SlotConfig), most()[SlotConfig])
	if err != nil {
		return err
	}
	return CheckSlot(text, m)
}

// CheckSlot says whether a slot.cfg belongs to the manifest: GRUB hands its
// root hash to the kernel.
func CheckSlot(text []byte, m Manifest) error {
	if SlotValue(text, "roothash") != m.RootHash {
		return fmt.Errorf("%s has another roothash than the manifest", SlotConfig)
	}
	if SlotValue(text, "version") != m.Version {
		return fmt.Errorf("%s has another version than the manifest", SlotConfig)
	}
	return nil
}

var slotLine = regexp.MustCompile(`^\s*set\s+([a-z_]+)=["']?([0-9A-Za-z.+-]*)["']?\s*$`)

// SlotValue reads a variable of a slot.cfg, which is a piece of GRUB's
// configuration: lines of set NAME=VALUE. It is empty if it is not there.
func SlotValue(text []byte, name string) string {
	value := ""
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if m := slotLine.FindStringSubmatch(s.Text()); m != nil && m[1] == name {
			value = m[2] // as in GRUB, the last one counts
		}
	}
	return value
}
