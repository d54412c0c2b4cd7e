// Package spawntest is systemd for tests of what is started by package spawn: a
// socket behind which each connection gets a process of the test's own program,
// under spawn's name, as another user if asked. The program's TestMain calls
// spawn.Act.
//
// It has none of a unit's walls and bounds: those are seen in the image's boot
// test. What is left of a connection's process group is killed at its end, as
// systemd does.
package spawntest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"yhteiskone/kiosk/spawn"
)

// Listen opens the socket until the test's end. whom is nil for our own user.
// ended, which may be nil, is told of each process that has ended.
func Listen(t testing.TB, socket string, whom *syscall.Credential, ended func()) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: socket, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() {
		stop()
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			all.Go(func() {
				if err := serve(ctx, c, program, whom); err != nil {
					t.Errorf("a process behind %s: %v", socket, err)
				}
				if ended != nil {
					ended()
				}
			})
		}
	})
}

func serve(ctx context.Context, c *net.UnixConn, program string, whom *syscall.Credential) error {
	f, err := c.File()
	c.Close()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args, cmd.Env, cmd.Dir = []string{spawn.Name}, []string{}, "/"
	cmd.Stdin, cmd.Stderr = f, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: whom}
	err = cmd.Start()
	f.Close()
	if err != nil {
		return err
	}
	cmd.Wait()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return nil
}
