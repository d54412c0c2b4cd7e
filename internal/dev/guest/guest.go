// Package guest runs programs as the unprivileged user yhteiskone when the
// caller is root: no browser ever runs as root.
//
// It is for the tools of internal/dev. Somebody who is not root is their own
// guest: then everything here does the same without changing users. It never
// makes the user (set-up does) and never touches files that it did not make.
package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Name is the user that set-up makes.
const Name = "yhteiskone"

// Guest is who runs what must not run as root.
type Guest struct {
	UID, GID int
	other    bool // not the caller
}

// second is another user that set-up makes.
const second = Name + "-second"

// Find returns the guest of this machine.
func Find() (Guest, error) {
	if os.Getuid() != 0 {
		return Guest{UID: os.Getuid(), GID: os.Getgid()}, nil
	}
	return lookup(Name)
}

// All returns the guests who may do something at the same time and do not see
// each other's processes as their own: two where the caller is root.
func All() ([]Guest, error) {
	one, err := Find()
	if err != nil || !one.other {
		return []Guest{one}, err
	}
	two, err := lookup(second)
	return []Guest{one, two}, err
}

func lookup(name string) (Guest, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return Guest{}, fmt.Errorf("find the user %s: %w; run make setup", name, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil || uid == 0 {
		return Guest{}, fmt.Errorf("the user %s has the number %q", name, u.Uid)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return Guest{}, fmt.Errorf("the user %s has the group %q", name, u.Gid)
	}
	return Guest{UID: uid, GID: gid, other: true}, nil
}

// Other reports whether the guest is somebody else than the caller.
func (g Guest) Other() bool { return g.other }

// Command is a program that runs as the guest with exactly this environment.
// Cancelling the context asks it to stop; after a while it is killed. It is
// asked to stop as well when the caller dies, however that happens.
func (g Guest) Command(ctx context.Context, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if g.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(g.UID), Gid: uint32(g.GID), Groups: []uint32{}}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	return cmd
}

// MkdirAll makes a folder that belongs to the guest alone. One that is there
// already must belong to them: in a place where everybody may write, it could
// be somebody's trap.
func (g Guest) MkdirAll(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err == nil {
		return os.Chown(path, g.UID, g.GID)
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR || int(s.Uid) != g.UID {
		return fmt.Errorf("%s is there and is not a folder of the user with number %d; remove it", path, g.UID)
	}
	return os.Chmod(path, 0o700)
}

// WriteFile writes a file that belongs to the guest.
func (g Guest) WriteFile(path string, text []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return os.Chown(path, g.UID, g.GID)
}

// Copy copies a file or a folder to where the guest may read it; skip says
// which paths, relative to from, stay behind (nil for none). What is copied
// belongs to the guest.
func (g Guest) Copy(to, from string, skip func(path string) bool) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if skip != nil && skip(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		target := filepath.Join(to, name)
		switch {
		case d.IsDir():
			if err := os.MkdirAll(target, 0o700); err != nil {
				return err
			}
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			// a program that runs cannot be written over, only replaced
			if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := os.WriteFile(target, text, 0o600|info.Mode().Perm()&0o100); err != nil {
				return err
			}
		default:
			return nil
		}
		return os.Chown(target, g.UID, g.GID)
	})
}

// Reaches reports whether the guest may walk to a folder: every folder on the
// way lets them through.
func (g Guest) Reaches(folder string) bool {
	if !g.other {
		return true
	}
	for dir := filepath.Dir(folder); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// Environ is a small environment: a home, a place for sockets, and nothing of
// the caller's but where programs are.
func Environ(home, runtime string, more ...string) []string {
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	return append([]string{"PATH=" + path, "HOME=" + home, "XDG_RUNTIME_DIR=" + runtime,
		"LANG=C.UTF-8", "USER=" + Name, "LOGNAME=" + Name}, more...)
}
