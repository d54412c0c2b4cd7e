package browser

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"yhteiskone/kiosk/spawn"
)

// The sockets in Options.Units, by what is started there.
const (
	SessionUnit = "session" // the browser, in its sandbox
	DoorUnit    = "door"    // a session's door, and what is done as the client's user
)

// child is a program of a session. It ends when we do.
type child struct {
	id     int
	kill   func() // does not wait
	exited chan struct{}
}

// begin starts the program with the session's user and group, or in the unit of
// that name where there are units.
func (b *Browser) begin(cmd *exec.Cmd, unit string, group int) (*child, error) {
	if b.o.Units != "" {
		return order(cmd, filepath.Join(b.o.Units, unit))
	}
	// Its own session keeps the terminal's Ctrl-C from it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if u := b.o.User; u != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}
	}
	if group >= 0 {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, group
	}
	cmd.Dir = "/"
	c := &child{exited: make(chan struct{}), kill: func() { cmd.Process.Kill() }}
	started := make(chan error, 1)
	go c.hold(cmd, started)
	if err := <-started; err != nil {
		return nil, err
	}
	c.id = cmd.Process.Pid
	return c, nil
}

// hold starts the program and waits for its end on one thread: the signal
// that ends it when we die belongs to the thread that started it.
func (c *child) hold(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	cmd.Wait()
	close(c.exited)
}

// order starts the program behind the socket. What it says goes where cmd says.
func order(cmd *exec.Cmd, socket string) (*child, error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	said, says, err := heard(cmd.Stderr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), unitTime)
	defer cancel()
	p, err := spawn.Start(ctx, socket, spawn.Order{Path: cmd.Path, Args: cmd.Args, Env: cmd.Env}, append([]*os.File{says}, cmd.ExtraFiles...)...)
	says.Close()
	if err != nil {
		said.Close()
		return nil, err
	}
	c := &child{id: p.PID, kill: p.Kill, exited: make(chan struct{})}
	go func() {
		defer close(c.exited)
		defer said.Close()
		if cmd.Stderr != nil {
			io.Copy(cmd.Stderr, said)
		}
		<-p.Exited()
	}()
	return c, nil
}

// heard makes a standard error whose other end is read if somebody wants to hear
// it; otherwise both are nothing.
func heard(to io.Writer) (said, says *os.File, err error) {
	if to != nil {
		return os.Pipe()
	}
	if said, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	if says, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		said.Close()
	}
	return said, says, err
}

// stop ends the program and waits for that. None is no program.
func (c *child) stop() {
	if c != nil {
		c.kill()
		<-c.exited
	}
}

func (c *child) pid() int { return c.id }

// errUnit says that a unit is not the one that its name promises.
var errUnit = errors.New("a unit of the client's browser is not as it should be")
