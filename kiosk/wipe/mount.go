package wipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mountPoint is one line of the kernel's list of mounts.
type mountPoint struct{ root, at, kind string }

// key tells one mount from another without saying when it was made.
func (m mountPoint) key() string { return m.kind + " " + m.at }

// mounts looks at all mounts of our own namespace: a session's mounts live in
// namespaces of its own and end with it. Left over is a mount that has a name
// of the sandbox, or one that appeared during the session at or below a place
// that the session's user can write. A left-over mount is not removed; that
// takes rights that the kiosk does not have.
func (w *Wiper) mounts(_ context.Context, h hunt) (tally, error) {
	all, err := w.mountPoints()
	if err != nil {
		return tally{}, err
	}
	t := tally{looked: uint32(len(all))}
	for _, m := range all {
		if sandboxMount(m) || (h.mounts != nil && !h.mounts[m.key()] && w.inPlaces(m.at)) {
			t.found++
		}
	}
	return t, nil
}

// sandboxMount knows the folders that the sandbox builds: those of bubblewrap
// and the home inside.
func sandboxMount(m mountPoint) bool {
	for _, name := range []string{"/newroot", "/oldroot", "/home/client"} {
		for _, at := range []string{m.at, m.root} {
			if at == name || strings.HasPrefix(at, name+"/") {
				return true
			}
		}
	}
	return false
}

func (w *Wiper) inPlaces(at string) bool {
	for _, p := range append([]Place{{Path: w.shm}}, w.c.Places...) {
		if w.c.SharedUser && !p.Own {
			continue // a person's own mounts come and go
		}
		path := filepath.Clean(p.Path)
		if at == path || strings.HasPrefix(at, strings.TrimSuffix(path, "/")+"/") {
			return true
		}
	}
	return false
}

func (w *Wiper) mountPoints() ([]mountPoint, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("list the mounts: %w", err)
	}
	return parseMounts(string(b))
}

// parseMounts reads /proc/self/mountinfo, see proc(5).
func parseMounts(list string) ([]mountPoint, error) {
	var all []mountPoint
	for line := range strings.Lines(list) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(kind) < 1 {
			return nil, fmt.Errorf("list the mounts: line %d is unclear", len(all)+1)
		}
		all = append(all, mountPoint{root: unescape.Replace(fields[3]), at: unescape.Replace(fields[4]), kind: kind[0]})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("list the mounts: there is none")
	}
	return all, nil
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
