package browser

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"yhteiskone/kiosk/procs"
)

// What the test of the proof can make a session leave behind.
const (
	LeftoverFile    = "file"
	LeftoverProcess = "process"
)

// leave leaves behind what the options ask for. Nothing outside a test asks.
func (r *running) leave() error {
	switch r.o.Leftover {
	case LeftoverFile:
		f, err := os.CreateTemp("/tmp", "yhteiskone-leftover-")
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteString(r.mark.Canary + "\n")
		return err
	case LeftoverProcess:
		c := exec.Command("/bin/sleep", "600")
		c.Dir, c.Env = "/", []string{procs.EnvName + "=" + r.mark.Token}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
		started := make(chan error, 1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			err := c.Start()
			started <- err
			if err == nil {
				c.Wait()
			}
		}()
		return <-started
	}
	return nil
}
