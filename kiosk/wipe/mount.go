package wipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
)

// mountPoint is one line of the kernel's list of mounts.
type mountPoint struct {
	root, at, kind, dev string
	readOnly            bool
}

// key tells one mount from another without saying when it was made.
func (m mountPoint) key() string { return m.kind + " " + m.at }

// mounts looks at all mounts of our own namespace: a session's mounts live in
// namespaces of its own and end with it. Left over is a mount that has a name
// of the sandbox, or one that appeared during the session where the session's
// user can write. On a machine of our own the namespaces of all our processes
// are looked at as well: one that was handed to a process outside would keep
// the session's memory. A left-over mount is not removed; that takes rights
// that the kiosk does not have.
func (w *Wiper) mounts(_ context.Context, h hunt) (tally, error) {
	all, err := w.mountPoints()
	if err != nil {
		return tally{}, err
	}
	t := tally{looked: uint32(len(all))}
	for _, m := range all {
		fresh := h.mounts != nil && !h.mounts[m.key()]
		if sandboxMount(m) || (fresh && (w.inPlaces(h, m.at) || w.open(m))) {
			t.found++
		}
	}
	if w.c.SharedUser {
		return t, nil
	}
	other, err := w.otherMounts()
	t.looked += uint32(len(other))
	for _, m := range other {
		if sandboxMount(m) {
			t.found++
		}
	}
	return t, err
}

// open reports whether our own user can write to a mount that is new: a stick
// that was put in, for example.
func (w *Wiper) open(m mountPoint) bool {
	return !w.c.SharedUser && !m.readOnly && !kernels(m.kind) && unix.Access(m.at, unix.W_OK) == nil
}

// otherMounts lists the mounts of the other namespaces in which processes of
// our users live, those of the shell apart.
func (w *Wiper) otherMounts() ([]mountPoint, error) {
	table, err := procs.Scan(w.c.Proc)
	if err != nil {
		return nil, err
	}
	own, _ := os.Readlink(filepath.Join(w.c.Proc, "self/ns/mnt"))
	seen := map[string]bool{own: true}
	var all []mountPoint
	for pid, p := range table {
		if !p.Of(w.c.UIDs) || p.Zombie() {
			continue
		}
		dir := filepath.Join(w.c.Proc, strconv.Itoa(pid))
		ns, err := os.Readlink(filepath.Join(dir, "ns/mnt"))
		if err != nil || seen[ns] || table.Under(pid, w.c.Ours) {
			continue // it ended, or hides and is judged by the look at processes, or is the shell's
		}
		seen[ns] = true
		b, err := os.ReadFile(filepath.Join(dir, "mountinfo"))
		if err != nil {
			continue
		}
		mounts, err := parseMounts(string(b))
		if err != nil && len(b) > 0 {
			return nil, err
		}
		all = append(all, mounts...)
	}
	return all, nil
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

func (w *Wiper) inPlaces(h hunt, at string) bool {
	for _, p := range append([]Place{{Path: w.shm}}, h.places...) {
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
		all = append(all, mountPoint{root: unescape.Replace(fields[3]), at: unescape.Replace(fields[4]), kind: kind[0],
			dev: fields[2], readOnly: slices.Contains(strings.Split(fields[5], ","), "ro")})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("list the mounts: there is none")
	}
	return all, nil
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
