// Package wipe knows what must have vanished after a session: it removes it
// and looks for what is still there.
//
// It is for the proof: every look says how many things were looked at and how
// many were left over, never which. It never talks to a network, never keeps a
// path, a name or a content of a session, and never says that something is
// clean that it could not look at.
//
// Caveats: a look is a snapshot; the caller ends the session's processes first
// (browser.Running.Kill) and starts the next one only after a clean wipe. What
// free memory and the disk's free blocks still hold is the operating system's
// matter (init_on_free, no swap). Logs and the spool are looked at where our
// user may read them, entries that a journal compresses are not; a printer and
// firmware are out of reach. If the clock is put back and forward again during
// one session, files written in between count as older than it. kiosk/README.md
// lists the looks.
package wipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/session"
)

// Place is one folder in which a session could have left something.
type Place struct {
	Path    string
	Own     bool // a folder of the kiosk alone, even on a shared machine
	Shallow bool // only what lies directly in it
	look    string
	prune   bool // a person's own: a folder whose entries did not change is passed over
}

// Config says where to look. Every part that a look needs must be there: a
// look that cannot be made fails the proof.
type Config struct {
	// StateDir is where the mark of the running session is kept. The kiosk's
	// own, not on a tmpfs: it must survive a power cut.
	StateDir string
	// Places are searched for left-over files. A place that does not exist
	// holds nothing.
	Places []Place
	// Allow are files and folders that the kiosk itself writes while a
	// session runs. New files there are not left-overs; they are searched for
	// the session's tokens like all others.
	Allow []string
	// SharedUser says that the kiosk's user is a person who works on this
	// machine at the same time. New files and processes of that person are
	// then not taken for left-overs unless they carry the session's tokens,
	// lie in the kiosk's own folders or, directly in a place, are named as
	// Chromium names them.
	SharedUser bool
	// UIDs are the users whose processes and files count; empty means our own.
	UIDs []int
	// Client is the user that runs nothing but clients' browsers, 0 for none:
	// every process of that user is a left-over, whatever it carries. Belongs
	// to UIDs as well.
	Client int
	// Homes are the home folders of those users: the caches and other files
	// that have a look of their own lie in them.
	Homes []string
	// AllowSwap and AllowMemory turn two looks into statements: swap on a disk
	// is counted but no left-over, and so is shared memory that has grown. For
	// machines on which other people work at the same time.
	AllowSwap, AllowMemory bool
	// Print says where the print server is.
	Print Print
	// Ours says which processes are the kiosk's own although they live in pid
	// namespaces: the shell. All below such a process are ours too, unless
	// they carry the session's token.
	Ours func(pid int) bool
	// Selections counts the X selections with an owner; ClearSelections takes
	// them away first.
	Selections      func() (int, error)
	ClearSelections func() error
	// Proc is where the kernel shows the processes; empty means /proc.
	Proc string
	// System is put before the paths of the system's own folders, such as
	// /var/log; for tests.
	System string
}

// DefaultPlaces are all folders that the kiosk's user can write on an ordinary
// Debian: home is the user's home, runtime its XDG_RUNTIME_DIR (may be empty),
// own are the kiosk's folders. /dev/shm has a look of its own.
func DefaultPlaces(home, runtime string, shared bool, own ...string) []Place {
	places := []Place{{Path: "/tmp"}, {Path: "/var/tmp"}}
	if runtime != "" {
		places = append(places, Place{Path: runtime})
	}
	if home != "" {
		// A person's whole home is theirs and may be huge; on a shared machine
		// only its top and where downloads would land are looked at.
		places = append(places, Place{Path: home, Shallow: shared})
		if shared {
			places = append(places, Place{Path: filepath.Join(home, "Lataukset")}, Place{Path: filepath.Join(home, "Downloads")})
		}
	}
	for _, o := range own {
		places = append(places, Place{Path: o, Own: true})
	}
	return places
}

// Wiper removes and looks. It implements session.Wiper.
type Wiper struct {
	c        Config
	shm      string            // where POSIX shared memory lies
	queues   string            // where POSIX message queues lie
	kinds    map[string]string // folders and files with a look of their own
	extra    []Place           // those of them that Places do not hold
	cores    func() (uint64, error)
	used     func(path string) (dev uint64, bytes int64, err error)
	settle   time.Duration
	kill     func(pid int, began uint64) error
	writable writable
}

var _ session.Wiper = (*Wiper)(nil)

// New checks the configuration.
func New(c Config) (*Wiper, error) {
	switch {
	case c.StateDir == "":
		return nil, errors.New("set up the wipe: no folder for the state is given")
	case len(c.Places) == 0:
		return nil, errors.New("set up the wipe: no place to look at is given")
	case c.Selections == nil || c.ClearSelections == nil:
		return nil, errors.New("set up the wipe: no way to look at the clipboard is given")
	}
	if info, err := os.Stat(c.StateDir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("set up the wipe: %s is not a folder", c.StateDir)
	}
	c.StateDir, c.Allow, c.Places = real(c.StateDir), slices.Clone(c.Allow), slices.Clone(c.Places)
	for i, a := range c.Allow {
		c.Allow[i] = real(a)
	}
	for i, p := range c.Places {
		c.Places[i].Path = real(p.Path)
	}
	if c.Ours == nil {
		c.Ours = func(int) bool { return false }
	}
	if c.Proc == "" {
		c.Proc = procs.Root
	}
	if len(c.UIDs) == 0 {
		c.UIDs = []int{os.Getuid()}
	}
	c.Print = c.Print.orDebians(c.System)
	w := &Wiper{c: c, shm: "/dev/shm", queues: "/dev/mqueue", cores: coreLimit, used: usedMemory, settle: settleTime}
	w.kinds, w.extra = kinds(c)
	w.kill = func(pid int, began uint64) error { return procs.Kill(c.Proc, pid, began) }
	return w, nil
}

// real is the one spelling of a path by which two of them can be compared. Its
// last part need not exist yet.
func real(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		path = a
	}
	if r, err := filepath.EvalSymlinks(path); err == nil {
		return r
	}
	if r, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(r, filepath.Base(path))
	}
	return path
}

// hunt is what one wipe looks for.
type hunt struct {
	mark   session.Mark
	needle [][]byte      // the tokens
	since  time.Time     // files that changed from here on are new, by the file system's clock
	up     time.Duration // processes that began from here on are new, since boot; negative for all
	mounts map[string]bool
	before *before // how the machine was when the session began; nil if that is not known
	places []Place // all that are searched
	// anew says that the machine was started anew since the session began: no
	// process of it can be left, nor anything that lies in memory.
	anew bool
	err  error // why nothing can be trusted
}

// leeway covers the file system's clock, which ticks only every few milliseconds.
const leeway = 100 * time.Millisecond

func (w *Wiper) hunt(ctx context.Context, mark session.Mark) hunt {
	h := hunt{mark: mark, needle: [][]byte{[]byte(mark.Token), []byte(mark.Canary)}, since: mark.Started, up: -1}
	if err := checkMark(mark); err != nil {
		h.err = err // an empty token would match everything or nothing
		return h
	}
	kept, ok, err := w.read()
	if err != nil {
		h.err = err
		return h
	}
	now, boot, err := w.uptime()
	if err != nil {
		h.err = err
		return h
	}
	if ok && kept.Token == mark.Token {
		h.mounts, h.before = map[string]bool{}, kept.Before
		h.anew = kept.Boot != boot
		if h.before != nil && h.anew {
			h.before = h.before.afterBoot()
		}
		for _, m := range kept.Mounts {
			h.mounts[m] = true
		}
		if kept.Boot == boot {
			h.up = kept.Up
			// A clock that was put back meanwhile would make the session's
			// files look older than it.
			if s := time.Now().Add(-(now - kept.Up)); s.Before(h.since) {
				h.since = s
			}
		}
	} else {
		h.up = now - time.Since(mark.Started)
	}
	h.since, h.up = h.since.Add(-leeway), h.up-leeway
	more, err := w.writable.wait(ctx, mark.Occupied)
	h.places, h.err = slices.Concat(w.c.Places, w.extra, more), err
	return h
}
