package wipe

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// kinds are the folders and files below the users' homes and in the system
// that have a look of their own, and the places among them that must be walked
// because they may lie outside of the configured ones.
func kinds(c Config) (map[string]string, []Place) {
	all := map[string]string{}
	var places []Place
	add := func(look, path string, prune bool) {
		path = real(path)
		all[path] = look
		places = append(places, Place{Path: path, look: look, prune: prune})
	}
	for _, home := range c.Homes {
		for look, names := range homeKinds(c.SharedUser) {
			for _, name := range names {
				add(look, filepath.Join(home, name), true)
			}
		}
	}
	for _, dir := range []string{"/var/lib/systemd/coredump", "/var/crash", "/var/lib/apport/coredump"} {
		add(LookCrashDumps, filepath.Join(c.System, dir), false)
	}
	slices.SortFunc(places, func(a, b Place) int { return strings.Compare(a.Path, b.Path) })
	return all, places
}

// homeKinds are the names below a home, by look. A person's own caches may hold
// a hundred thousand files, so on a shared machine only those are walked into
// which a page's pictures, fonts and drawing could come.
func homeKinds(shared bool) map[string][]string {
	caches := []string{".cache", ".config/dconf", ".thumbnails", ".fontconfig", ".nv"}
	if shared {
		caches = []string{".cache/thumbnails", ".cache/fontconfig", ".cache/mesa_shader_cache", ".cache/mesa_shader_cache_db",
			".cache/gtk-3.0", ".cache/gtk-4.0", ".cache/dconf", ".config/dconf", ".thumbnails", ".fontconfig", ".nv"}
	}
	return map[string][]string{
		LookCaches:       caches,
		LookCertificates: {".pki", ".local/share/pki"},
		LookRecent:       {".local/share/recently-used.xbel", ".recently-used", ".recently-used.xbel", ".local/share/Trash", ".local/share/gvfs-metadata"},
		LookCrashDumps:   {".config/chromium/Crash Reports", ".config/chromium/Crashpad", ".config/google-chrome/Crash Reports"},
	}
}

// disk looks at everything of our users in all places. Left over is
//   - a file that carries a token of the session in its name or content,
//   - on a machine of our own, anything that is newer than the session and not
//     the kiosk's; on a shared one only in the kiosk's own folders or, directly
//     in a place, under a name that Chromium gives.
func (w *Wiper) disk(ctx context.Context, h hunt, said survey) {
	for _, name := range []string{LookFiles, LookCaches, LookCertificates, LookRecent} {
		said.add(name, tally{}, nil)
	}
	for _, p := range outer(h.places) {
		w.walk(ctx, h, p, said)
	}
	w.walk(ctx, h, Place{Path: w.shm, look: LookSharedMemory}, said)
	w.walk(ctx, h, Place{Path: w.queues, look: LookQueues}, said)
	t, err := w.segmentsLook(h)
	said.add(LookSharedMemory, t, err)
	t, err = w.coresGo(h)
	said.add(LookCrashDumps, t, err)
	t, err = w.writable.known()
	said.add(LookPlaces, tally{t.looked + uint32(len(h.places)), t.found}, err)
}

// isCore reports whether the kernel gives such names to a process's memory.
func isCore(name string) bool {
	if name == "core" {
		return true
	}
	tail, ok := strings.CutPrefix(name, "core.")
	_, err := strconv.Atoi(tail)
	return ok && err == nil
}

// namesUs reports whether a crash dump, whoever keeps it, is of one of our
// users: the collectors write the user's number between dots.
func (w *Wiper) namesUs(name string) bool {
	return slices.ContainsFunc(w.c.UIDs, func(uid int) bool { return strings.Contains(name, "."+strconv.Itoa(uid)+".") })
}
