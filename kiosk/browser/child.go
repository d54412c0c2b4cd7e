package browser

import (
	"os/exec"
	"runtime"
	"syscall"
)

// child is a program of a session. It ends when we do.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// begin starts the program with the session's user and group.
func (b *Browser) begin(cmd *exec.Cmd, group int) (*child, error) {
	// Its own session keeps the terminal's Ctrl-C from it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if u := b.o.User; u != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}
	}
	if group >= 0 {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, group
	}
	cmd.Dir = "/"
	c := &child{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go c.hold(started)
	return c, <-started
}

// hold starts the program and waits for its end on one thread: the signal
// that ends it when we die belongs to the thread that started it.
func (c *child) hold(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.cmd.Wait()
	close(c.exited)
}

// stop ends the program and waits for that. None is no program.
func (c *child) stop() {
	if c != nil {
		c.cmd.Process.Kill()
		<-c.exited
	}
}

func (c *child) pid() int { return c.cmd.Process.Pid }
