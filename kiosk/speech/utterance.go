package speech

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// niceness puts voice and player behind the browser, but not so far that the
// words stutter.
const niceness = 5

// utterance is the processes that say one thing.
type utterance struct {
	chime bool
	parts []part
}

type part struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and was waited for
}

// start starts one process of the utterance: few settings, no network, dead
// with the kiosk.
func (u *utterance) start(cmd *exec.Cmd, alsa string) error {
	cmd.Env, cmd.Dir = environment(alsa), "/"
	uid, gid := os.Getuid(), os.Getgid()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true, Pdeathsig: syscall.SIGKILL,
		// A network needs rights to be left behind, which a user namespace of
		// one's own gives.
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
	}
	p := part{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return err
	}
	u.parts = append(u.parts, p)
	return nil
}

// run starts the process and waits for its end on one thread: the signal that
// a dying parent sends belongs to the thread that started the child.
func (p part) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	// That it did not get nicer is no reason to be silent.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, p.cmd.Process.Pid, niceness)
	started <- nil
	_ = p.cmd.Wait() // killed, or a loudspeaker was pulled out
}

// over reports whether every process has ended.
func (u *utterance) over() bool {
	for _, p := range u.parts {
		select {
		case <-p.done:
		default:
			return false
		}
	}
	return true
}

// kill ends every process, without waiting.
func (u *utterance) kill() {
	for _, p := range u.parts {
		select {
		case <-p.done:
		default:
			_ = p.cmd.Process.Kill() // gone already is what we want
		}
	}
}

// wait returns when no process is left.
func (u *utterance) wait(ctx context.Context) error {
	for _, p := range u.parts {
		select {
		case <-p.done:
		case <-ctx.Done():
			return errors.New("a process of it is left")
		}
	}
	return nil
}
