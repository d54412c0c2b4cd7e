package spawn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/group"
)

// Act does what our binary does in a unit, under this package's name, and then
// ends the process. Under any other name it returns at once.
func Act(args []string) {
	if filepath.Base(args[0]) != Name {
		return
	}
	if err := serve(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "spawn:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve carries out the one order that comes over the connection.
func serve(f *os.File) error {
	// Whatever else somebody left open is not for what is started.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("take an order: %w", err)
	}
	c, err := net.FileConn(f)
	if err != nil {
		return fmt.Errorf("take an order: %w", err)
	}
	f.Close() // or the line would stay open in what is started
	line, ok := c.(*net.UnixConn)
	if !ok {
		return errors.New("take an order: the standard input is no connection; this is started by systemd, for each connection")
	}
	defer line.Close()
	o, files, err := receive(line)
	if err != nil {
		return fmt.Errorf("take an order: %w", err)
	}
	cmd := command(o, files)
	// The signal that ends it when we die belongs to the thread that starts it.
	runtime.LockOSThread()
	if err := cmd.Start(); err != nil {
		return tell(line, answer{Error: err.Error()})
	}
	for _, f := range files {
		f.Close()
	}
	if err := tell(line, answer{PID: cmd.Process.Pid, UID: os.Getuid(), Bounded: group.Bound("/proc")}); err != nil {
		cmd.Process.Kill()
	}
	go func() {
		line.Read(make([]byte, 1)) // nobody says anything more: it is the end
		cmd.Process.Kill()
	}()
	cmd.Wait()
	code := cmd.ProcessState.ExitCode()
	tell(line, answer{Exit: &code}) // who has hung up knows
	return nil
}

func command(o Order, files []*os.File) *exec.Cmd {
	cmd := &exec.Cmd{Path: o.Path, Args: o.Args, Env: o.Env, Dir: "/",
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}}
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	if len(files) > 0 {
		cmd.Stderr, cmd.ExtraFiles = files[0], files[1:]
	}
	return cmd
}

func tell(line *net.UnixConn, a answer) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = line.Write(text)
	return err
}

// receive reads an order and its files.
func receive(line *net.UnixConn) (o Order, files []*os.File, err error) {
	b, oob := make([]byte, MaxOrder+1), make([]byte, unix.CmsgSpace(4*MaxFiles))
	n, oobn, flags, _, err := line.ReadMsgUnix(b, oob)
	if err != nil {
		return o, nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return o, nil, err
	}
	defer func() {
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			files = nil
		}
	}()
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return o, files, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "given"))
		}
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || n > MaxOrder {
		return o, files, errors.New("it is too long")
	}
	if o, err = parse(b[:n]); err != nil {
		return o, files, err
	}
	return o, files, nil
}

// parse reads an order. A pure function.
func parse(text []byte) (Order, error) {
	var o Order
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, err
	}
	if d.More() {
		return o, errors.New("something follows it")
	}
	if !filepath.IsAbs(o.Path) || len(o.Args) == 0 {
		return o, errors.New("it names no program")
	}
	return o, nil
}
