package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// house is a machine of its own: this one's system with a layer on top that
// takes every change, and is gone with the test. Nothing that can be written to
// is shared with the machine: its /dev is made anew.
type house struct {
	t    *testing.T
	root string
}

// newHouse builds it in a mount namespace of the test's own thread. So every
// command is started from the test's goroutine. The house stands outside of
// t.TempDir, whose clean-up goes through folders and would go through this one:
// here a mount is taken off and one empty folder removed, nothing else.
func newHouse(t *testing.T) house {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can install packages, be it in a house of the test's own")
	}
	runtime.LockOSThread() // for good: the namespace ends with its thread
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Skipf("no mount namespace can be had here: %v", err)
	}
	h := house{t, ""}
	h.mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	at, err := os.MkdirTemp("", "yhteiskone-house-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Errorf("take the house down: %v", err)
		}
		if err := os.Remove(at); err != nil { // empty by now; never more than that
			t.Error(err)
		}
	})
	h.mount("house", at, "tmpfs", 0, "")
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(at, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.root = filepath.Join(at, "root")
	h.mount("house", h.root, "overlay", 0, "lowerdir=/,upperdir="+filepath.Join(at, "upper")+",workdir="+filepath.Join(at, "work"))
	h.mount("proc", h.at("/proc"), "proc", unix.MS_RDONLY, "")
	h.mount("dev", h.at("/dev"), "tmpfs", 0, "mode=755")
	for name, number := range map[string]uint32{"null": 3, "zero": 5, "random": 8, "urandom": 9} {
		if err := unix.Mknod(h.at("/dev/"+name), unix.S_IFCHR|0o666, int(unix.Mkdev(1, number))); err != nil {
			t.Fatal(err)
		}
	}
	// This machine may have our packages already, and a service manager that
	// must not be asked to start anything of the house's.
	h.try("sh", "-c", "dpkg --purge yhteiskone-agent yhteiskone-provision; userdel yhteiskone-agent; rm -r /var/lib/yhteiskone-agent /etc/yhteiskone /run/systemd")
	return h
}

// mount mounts; a house that cannot be built here is not a fault of the packages.
func (h house) mount(what, on, kind string, flags uintptr, data string) {
	h.t.Helper()
	if err := unix.Mount(what, on, kind, flags, data); err != nil {
		h.t.Fatalf("mount %s on %s: %v", what, on, err)
	}
}

// at is a path in the house, as seen from outside.
func (h house) at(path string) string { return filepath.Join(h.root, path) }

func (h house) command(ctx context.Context, who *syscall.Credential, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "/usr/bin/env", append([]string{"-i", "-C", "/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}, args...)...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: h.root, Credential: who}
	return c
}

// try runs a command and says how it ended, and all that it said.
func (h house) try(args ...string) (string, error) {
	out, err := h.command(h.t.Context(), nil, args...).CombinedOutput()
	return string(out), err
}

// do runs a command that must work.
func (h house) do(args ...string) string {
	h.t.Helper()
	out, err := h.try(args...)
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// as runs a command of the agent's user that must work.
func (h house) as(who *syscall.Credential, args ...string) string {
	h.t.Helper()
	out, err := h.command(h.t.Context(), who, args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// bring copies a file into the house.
func (h house) bring(from, to string) {
	h.t.Helper()
	in, err := os.Open(from)
	if err != nil {
		h.t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(h.at(to))
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		h.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// read is a file in the house; empty if there is none.
func (h house) read(path string) string {
	text, err := os.ReadFile(h.at(path))
	if err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	return string(text)
}

// has reports whether there is such a path, be it a link to nowhere.
func (h house) has(path string) bool {
	_, err := os.Lstat(h.at(path))
	return err == nil
}
