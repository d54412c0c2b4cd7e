package rig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"yhteiskone/internal/e2e/town"
)

// searchLimit is the largest file that is searched whole.
const searchLimit = 64 << 20

// Search looks for markers in the contents and names of all files that changed
// since a time and that this user owns, below the folders. It returns what it
// found and how many files it read.
func Search(m town.Markers, since time.Time, folders ...string) (found []string, looked int, err error) {
	for _, root := range folders {
		werr := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
					return nil
				}
				return err
			}
			info, err := d.Info()
			if err != nil {
				return nil // it vanished
			}
			st, ok := info.Sys().(*syscall.Stat_t)
			if !ok || int(st.Uid) != os.Getuid() {
				if d.IsDir() && path != root {
					return fs.SkipDir
				}
				return nil
			}
			for _, name := range m.Find([]byte(path)) {
				found = append(found, name+" in the name "+path)
			}
			changed := time.Unix(st.Ctim.Unix())
			if !info.Mode().IsRegular() || changed.Before(since) || info.Size() > searchLimit {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			looked++
			for _, name := range m.Find(data) {
				found = append(found, name+" in "+path)
			}
			return nil
		})
		if werr != nil {
			return nil, looked, fmt.Errorf("search %s: %w", root, werr)
		}
	}
	return found, looked, nil
}

// SearchProcesses looks for markers in the command lines and environments of
// every process of this user.
func SearchProcesses(m town.Markers) (found []string) {
	for pid, p := range processes() {
		if pid == os.Getpid() {
			continue
		}
		for _, name := range []string{"cmdline", "environ"} {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err != nil {
				continue // another user's, or it ended
			}
			for _, marker := range m.Find(data) {
				found = append(found, fmt.Sprintf("%s in %s of %s", marker, name, p))
			}
		}
	}
	return found
}

// Logs is all that the programs of this world have printed.
func (w *World) Logs() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, p := range w.processes {
		fmt.Fprintf(&b, "%s:\n%s\n", p.Name, p.Out)
	}
	return b.String()
}
