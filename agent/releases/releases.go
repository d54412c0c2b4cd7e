// Package releases keeps the releases of the kiosks' image as files in a folder,
// and gives them to kiosks that have a ticket.
//
// It takes a release only if it is signed with the key that an admin has set,
// and shows it only once every file has come whole. It never decides which
// kiosk gets which release, and makes no signature itself.
//
// Caveat: what a ticket lets through is the release's bytes, which are no
// secret; kiosks check them against the key in their own image, whatever the
// agent says.
package releases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/release"
)

// Errors that are told apart by errors.Is.
var (
	ErrNoKey   = errors.New("no key is set that releases are signed with; an admin sets it with agent release key FILE")
	ErrUnknown = errors.New("there is no such release")
	ErrOther   = errors.New("there is another release of that version; a release that was made again has a new version")
	ErrRefused = errors.New("the release is refused")
	ErrPlace   = errors.New("this piece does not follow what has come")
)

// Names in the folder, beside one folder for each version.
const (
	keyFile  = "release.pub"
	ticketBy = "ticket.key"
	incoming = "incoming" // what has not come whole
)

// Keeper keeps releases in a folder. Its methods may be called from any
// goroutine.
type Keeper struct {
	dir string
	mu  sync.Mutex // one writes at a time

	sealing sync.Mutex // guards the key of tickets
}

// Open returns the keeper of a folder, which need not be there yet.
func Open(dir string) *Keeper { return &Keeper{dir: dir} }

// SetKey makes a key the one that releases must be signed with from now on.
func (k *Keeper) SetKey(text []byte) (release.PublicKey, error) {
	key, err := release.ParsePublicKey(text)
	if err != nil {
		return key, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return key, fmt.Errorf("keep the key: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(k.dir, keyFile), key.Encode(), 0o600, renameio.WithTempDir(k.dir)); err != nil {
		return key, fmt.Errorf("keep the key: %w", err)
	}
	return key, nil
}

// Key is the key that releases must be signed with.
func (k *Keeper) Key() (release.PublicKey, error) {
	text, err := os.ReadFile(filepath.Join(k.dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return release.PublicKey{}, ErrNoKey
	}
	if err != nil {
		return release.PublicKey{}, fmt.Errorf("read the key of releases: %w", err)
	}
	return release.ParsePublicKey(text)
}

// List returns the releases that have come whole, the newest first.
func (k *Keeper) List() (all []release.Signed, err error) {
	entries, err := os.ReadDir(k.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the releases: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || release.CheckVersion(e.Name()) != nil {
			continue
		}
		s, err := release.Read(filepath.Join(k.dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("list the releases: %w", err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b release.Signed) int { return release.Compare(b.Version, a.Version) })
	return all, nil
}

// Find returns a release that has come whole.
func (k *Keeper) Find(version string) (release.Signed, error) {
	if release.CheckVersion(version) != nil {
		return release.Signed{}, ErrUnknown
	}
	s, err := release.Read(filepath.Join(k.dir, version))
	if errors.Is(err, fs.ErrNotExist) {
		return s, ErrUnknown
	}
	return s, err
}

// Remove forgets a release.
func (k *Keeper) Remove(version string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.Find(version); err != nil {
		return err
	}
	// Its name goes first: what is half removed must not be listed.
	going := filepath.Join(k.dir, incoming, version)
	if err := errors.Join(os.RemoveAll(going), os.MkdirAll(filepath.Dir(going), 0o700), os.Rename(filepath.Join(k.dir, version), going)); err != nil {
		return fmt.Errorf("remove a release: %w", err)
	}
	return os.RemoveAll(going)
}

// Begin takes in a manifest and its signature, and says how much of each file
// has come before; kept says that the whole release is there already.
func (k *Keeper) Begin(manifest, signature []byte) (version string, have map[string]int64, kept bool, err error) {
	key, err := k.Key()
	if err != nil {
		return "", nil, false, err
	}
	if _, err := key.Verify(manifest, signature); err != nil {
		return "", nil, false, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	m, err := release.Decode(manifest)
	if err != nil {
		return "", nil, false, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch s, err := k.Find(m.Version); {
	case err == nil && !bytes.Equal(s.Text, manifest):
		return "", nil, false, ErrOther
	case err == nil:
		return m.Version, nil, true, nil
	case !errors.Is(err, ErrUnknown):
		return "", nil, false, err
	}
	dir := filepath.Join(k.dir, incoming, m.Version)
	if before, err := release.Read(dir); err != nil || !bytes.Equal(before.Text, manifest) {
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
			return "", nil, false, fmt.Errorf("keep a release: %w", err)
		}
	}
	for name, text := range map[string][]byte{release.ManifestName: manifest, release.SignatureName: signature} {
		if err := renameio.WriteFile(filepath.Join(dir, name), text, 0o600, renameio.WithTempDir(dir)); err != nil {
			return "", nil, false, fmt.Errorf("keep a release: %w", err)
		}
	}
	have = map[string]int64{}
	for _, f := range m.Files {
		have[f.Name] = 0
		if info, err := os.Stat(filepath.Join(dir, f.Name)); err == nil {
			have[f.Name] = info.Size()
		}
	}
	return m.Version, have, false, nil
}

// Write takes in the next piece of a file, and says how much of it has come. It
// keeps others from writing, so the piece is not read from a network.
func (k *Keeper) Write(version, name string, from int64, piece io.Reader) (have int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	dir, m, err := k.coming(version)
	if err != nil {
		return 0, err
	}
	want, ok := m.File(name)
	if !ok {
		return 0, ErrUnknown
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return 0, fmt.Errorf("keep a release: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if have, err = f.Seek(0, io.SeekEnd); err != nil {
		return 0, fmt.Errorf("keep a release: %w", err)
	}
	if from != have {
		return have, ErrPlace
	}
	n, err := io.Copy(f, io.LimitReader(piece, want.Size-have+1))
	if have += n; have > want.Size {
		return 0, errors.Join(fmt.Errorf("%w: %s is longer than its manifest says", ErrRefused, name), f.Truncate(0))
	}
	if err != nil {
		return have, fmt.Errorf("keep a release: %w", err)
	}
	return have, nil
}

func (k *Keeper) coming(version string) (dir string, m release.Manifest, err error) {
	if release.CheckVersion(version) != nil {
		return "", m, ErrUnknown
	}
	dir = filepath.Join(k.dir, incoming, version)
	s, err := release.Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrUnknown
	}
	return dir, s.Manifest, err
}

// Finish makes sure of every file and shows the release. What is not right is
// thrown away, so that it can come again.
func (k *Keeper) Finish(version string) (release.Signed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, err := k.Find(version); err == nil {
		return s, nil // its answer was lost
	}
	dir, m, err := k.coming(version)
	if err != nil {
		return release.Signed{}, err
	}
	for _, f := range m.Files {
		if info, err := os.Stat(filepath.Join(dir, f.Name)); err != nil || info.Size() != f.Size {
			return release.Signed{}, fmt.Errorf("%w: %s has not come whole", ErrRefused, f.Name)
		}
	}
	if err := release.CheckFiles(dir, m); err != nil {
		return release.Signed{}, errors.Join(fmt.Errorf("%w: %w", ErrRefused, err), os.RemoveAll(dir))
	}
	for _, name := range append(release.Names(), ".") {
		if err := syncPath(filepath.Join(dir, name)); err != nil {
			return release.Signed{}, fmt.Errorf("keep a release: %w", err)
		}
	}
	if err := errors.Join(os.Rename(dir, filepath.Join(k.dir, version)), syncPath(k.dir)); err != nil {
		return release.Signed{}, fmt.Errorf("keep a release: %w", err)
	}
	return k.Find(version)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Add takes in a release from a folder of this machine.
func (k *Keeper) Add(dir string) (release.Signed, error) {
	s, err := release.Read(dir)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	version, have, kept, err := k.Begin(s.Text, s.Signature)
	if err != nil || kept {
		return s, err
	}
	for _, name := range release.Names() {
		if err := k.addFile(filepath.Join(dir, name), version, name, have[name]); err != nil {
			return s, err
		}
	}
	return k.Finish(version)
}

func (k *Keeper) addFile(path, version, name string, from int64) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return err
	}
	_, err = k.Write(version, name, from, f)
	return err
}
