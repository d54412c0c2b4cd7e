package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// Keeper makes backups of one data folder.
type Keeper struct {
	Data     string // the folder that is kept
	Dir      string // where backups on the schedule go
	Most     int    // how many of them stay
	Agent    string // the build that makes them
	Snapshot Snapshot
	Check    Check
	Now      func() time.Time
}

// Snapshot writes the store, as it is now, to a new file, and says what is in
// it (Schema and the numbers of About).
type Snapshot func(path string) (About, error)

// Check says what is wrong with the files that were unpacked to a folder.
type Check func(folder string) error

// Make writes a backup to a file, whole or not at all. A file that is there
// already is replaced only if it is a backup itself.
func (k Keeper) Make(path string) (About, error) {
	if info, err := os.Stat(path); err == nil && (info.IsDir() || info.Size() > 0 && !Is(path)) {
		return About{}, fmt.Errorf("make a backup: %s is there already, and is no backup: %w", path, fs.ErrExist)
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return About{}, fmt.Errorf("make a backup: %w", err)
	}
	defer f.Cleanup()
	a, err := k.Write(f)
	if err != nil {
		return a, err
	}
	if err := f.Sync(); err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	// What cannot be read back is no backup.
	if _, err := Read(f.Name(), ""); err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	if err := errors.Join(f.CloseAtomicallyReplace(), syncDir(filepath.Dir(path))); err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	return a, nil
}

// Write writes a backup.
func (k Keeper) Write(w io.Writer) (About, error) {
	dir, err := os.MkdirTemp(k.Data, ".backup-")
	if err != nil {
		return About{}, fmt.Errorf("make a backup: %w", err)
	}
	defer os.RemoveAll(dir)
	a, err := k.Snapshot(filepath.Join(dir, StoreFile))
	if err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	a.Made, a.Agent = k.Now().UTC().Truncate(time.Second), k.Agent
	paths := []string{filepath.Join(k.Data, IdentityFile), filepath.Join(dir, StoreFile)}
	if authority := filepath.Join(k.Data, AuthorityFile); exists(authority) {
		paths = append(paths, authority)
	}
	if err := write(w, a, paths...); err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	return a, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// stamp is a time in the names of files, in an order that sorts.
const stamp = "20060102T150405Z"

const (
	prefix = "agent-"
	suffix = ".backup"
)

// Turn makes a backup in Dir, and lets the oldest ones go when there are more
// than Most.
func (k Keeper) Turn() (path string, a About, err error) {
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return "", a, fmt.Errorf("make a backup: %w", err)
	}
	path = filepath.Join(k.Dir, prefix+k.Now().UTC().Format(stamp)+suffix)
	if a, err = k.Make(path); err != nil {
		return "", a, err
	}
	all, err := k.List()
	if err != nil {
		return path, a, err
	}
	for _, old := range all[min(len(all), max(k.Most, 1)):] {
		if old == path { // the clock went back: the newest is not the last by name
			continue
		}
		if err := os.Remove(old); err != nil {
			return path, a, fmt.Errorf("let an old backup go: %w", err)
		}
	}
	return path, a, nil
}

// List returns the backups in Dir, newest first.
func (k Keeper) List() (all []string, err error) {
	entries, err := os.ReadDir(k.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the backups: %w", err)
	}
	for _, e := range entries {
		if _, ok := MadeAt(e.Name()); ok {
			all = append(all, filepath.Join(k.Dir, e.Name()))
		}
	}
	slices.Reverse(all)
	return all, nil
}

// MadeAt reads the time in the name of a backup that Turn made.
func MadeAt(path string) (time.Time, bool) {
	name, ok := strings.CutPrefix(filepath.Base(path), prefix)
	name, ok2 := strings.CutSuffix(name, suffix)
	at, err := time.Parse(stamp, name)
	return at, ok && ok2 && err == nil
}

// ErrNoneGood says that there is no good backup to fall back to.
var ErrNoneGood = errors.New("there is no good backup")

// FallBack prepares the newest good backup to take the place of what is
// damaged: the named parts of it. Finish then does it.
func (k Keeper) FallBack(parts ...string) (path string, a About, err error) {
	all, err := k.List()
	if err != nil {
		return "", a, err
	}
	why := []error{fmt.Errorf("%w in %s", ErrNoneGood, k.Dir)}
	for _, path := range all {
		a, err := Stage(k.Data, path, "damaged-"+k.Now().UTC().Format(stamp), k.Check, parts...)
		if err == nil {
			return path, a, nil
		}
		why = append(why, err)
	}
	return "", a, errors.Join(why...)
}
