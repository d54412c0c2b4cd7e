package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// A backup takes the place of a data folder in two moves, so that a power cut
// at any moment leaves either the old or the new, whole: Stage unpacks and
// checks it beside what is there, and gives it its name last; Finish, which
// only who holds the folder calls, puts the parts in place one by one, and goes
// on where an earlier Finish was cut off.

const readyDir = "restore-ready"

// plan is what Finish does.
type plan struct {
	Keep  string   `json:"keep"` // folder for what was there, within the data folder
	Parts []string `json:"parts"`
}

const planFile = "plan.json"

// Name is the folder in which what was there before a restore is kept.
func Name(now time.Time) string { return "before-restore-" + now.UTC().Format(stamp) }

// Stage unpacks a backup in the data folder, checks it, and prepares that the
// named parts of it (all, if none is named) take the place of those that are
// there, which are kept in the folder keep. Nothing that is there is changed.
func Stage(data, file, keep string, check Check, parts ...string) (a About, err error) {
	dir, err := os.MkdirTemp(data, ".restore-")
	if err != nil {
		return a, fmt.Errorf("restore the backup: %w", err)
	}
	defer os.RemoveAll(dir)
	if a, err = Read(file, dir); err != nil {
		return a, err
	}
	if a.Nothing() {
		return a, fmt.Errorf("restore the backup %s: %w", file, ErrNothing)
	}
	if err := check(dir); err != nil {
		return a, fmt.Errorf("restore the backup %s: %w", file, err)
	}
	p := plan{Keep: keep}
	for _, part := range a.Parts {
		if len(parts) == 0 || slices.Contains(parts, part.Name) {
			p.Parts = append(p.Parts, part.Name)
		}
	}
	text, err := json.Marshal(p)
	if err == nil {
		err = renameio.WriteFile(filepath.Join(dir, planFile), text, 0o600, renameio.WithTempDir(dir))
	}
	if err == nil {
		err = giveTo(data, dir)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err == nil { // one that nobody finished gives way
		err = os.RemoveAll(filepath.Join(data, readyDir))
	}
	if err == nil {
		err = os.Rename(dir, filepath.Join(data, readyDir))
	}
	if err == nil {
		err = syncDir(data)
	}
	if err != nil {
		return a, fmt.Errorf("restore the backup: %w", err)
	}
	return a, nil
}

// giveTo makes the files belong to whom the data folder belongs to: root may
// restore for the agent's own user.
func giveTo(data, dir string) error {
	info, err := os.Stat(data)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, int(owner.Uid), int(owner.Gid)))
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Waiting reports whether a backup waits for Finish.
func Waiting(data string) bool { return exists(filepath.Join(data, readyDir, planFile)) }

// Finish puts a staged backup in place, if there is one, and returns the folder
// in which what was there is kept. Only who holds the data folder may call it.
func Finish(data string) (kept string, err error) {
	if !Waiting(data) {
		return "", nil
	}
	if kept, err = finish(data); err != nil {
		return "", fmt.Errorf("put the backup in place: %w", err)
	}
	return kept, nil
}

func finish(data string) (kept string, err error) {
	ready := filepath.Join(data, readyDir)
	text, err := os.ReadFile(filepath.Join(ready, planFile))
	if err != nil {
		return "", err
	}
	var p plan
	if err := json.Unmarshal(text, &p); err != nil || p.Keep == "" || filepath.Base(p.Keep) != p.Keep {
		return "", fmt.Errorf("%s is damaged; remove the folder and restore again", filepath.Join(ready, planFile))
	}
	kept = filepath.Join(data, p.Keep)
	if err := os.Mkdir(kept, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	for _, name := range p.Parts {
		now, fresh, old := filepath.Join(data, name), filepath.Join(ready, name), filepath.Join(kept, name)
		if !exists(fresh) {
			continue // an earlier Finish came so far
		}
		if err := os.Link(now, old); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := errors.Join(syncDir(kept), os.Rename(fresh, now), syncDir(data)); err != nil {
			return "", err
		}
	}
	// A certificate of another identity is of no use.
	if slices.Contains(p.Parts, IdentityFile) && !slices.Contains(p.Parts, AuthorityFile) {
		err := os.Rename(filepath.Join(data, AuthorityFile), filepath.Join(kept, AuthorityFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := os.Remove(kept); err != nil && !errors.Is(err, syscall.ENOTEMPTY) { // there was nothing to keep
		return "", err
	} else if err == nil {
		kept = ""
	}
	return kept, errors.Join(os.RemoveAll(ready), syncDir(data))
}
