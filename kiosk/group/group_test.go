package group

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestFindGroup(t *testing.T) {
	mounts := "22 1 0:20 / /proc rw - proc proc rw\n30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
	hybrid := "31 1 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n32 1 0:28 /pod /sys/fs/cgroup/unified rw - cgroup2 none rw\n"
	for _, c := range []struct{ groups, mounts, want string }{
		{"0::/system.slice/yhteiskone.service\n", mounts, "/sys/fs/cgroup/system.slice/yhteiskone.service"},
		{"4:memory:/x\n0::/\n", mounts, "/sys/fs/cgroup"},
		{"0::/pod/a\n", hybrid, "/sys/fs/cgroup/unified/a"},
		{"0::/elsewhere\n", hybrid, ""},
		{"4:memory:/x\n", mounts, ""},
		{"0::/a (deleted)\n", mounts, ""},
		{"0::/../../a/../b\n", mounts, ""},
		{"0::/a\n", "22 1 0:20 / /proc rw - proc proc rw\n", ""},
		{"", "", ""},
	} {
		got, err := findGroup(c.groups, c.mounts)
		if got != c.want || (err == nil) != (c.want != "") || (err != nil && !errors.Is(err, ErrNone)) {
			t.Errorf("%q: %q, %v", c.groups, got, err)
		}
	}
}

func TestOpenOfNothing(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/nowhere"} {
		if _, err := Open(dir); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// One kill takes all, those in sessions of their own too. It needs a folder of
// cgroup v2 that this user may write to; as root there mostly is one.
func TestGroupEndsAsOne(t *testing.T) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	root, err := findGroup("0::/\n", string(mounts))
	if err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(root, "yhteiskone-test-"+filepath.Base(t.TempDir()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	h, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := h.New("x", Bounds{Memory: 1 << 30, Tasks: 100})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("/bin/sh", "-c", "setsid sleep 600 & (setsid sleep 600 &); sleep 600")
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if there, err := g.Populated(); err != nil || !there {
		t.Errorf("populated: %v, %v", there, err)
	}
	began := time.Now()
	if err := errors.Join(g.Kill(), c.Wait()); err == nil {
		t.Error("it ended well")
	}
	if err := g.Empty(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("ended after %v", time.Since(began))
	if _, err := os.Stat(g.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the group is still there: %v", err)
	}
}
