package door

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/rights"
)

// EnterArgs are the launcher's arguments: the handle on which a byte says that
// the sandbox stands, the handle that leads to the door, the path of the X
// socket that the door is to serve inside (empty for none), and the program to
// become, with its arguments.
func EnterArgs(ready, way int, screen string, program ...string) []string {
	return append([]string{strconv.Itoa(ready), strconv.Itoa(way), screen}, program...)
}

// enter is the first program inside the sandbox. It returns only with an error.
func enter(args []string) error {
	if len(args) < 4 {
		return errors.New("the launcher is started by the kiosk only")
	}
	ready, err1 := strconv.Atoi(args[0])
	way, err2 := strconv.Atoi(args[1])
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("read the launcher's handles: %w", err)
	}
	// What is dropped and closed from here on must be so in the thread that
	// becomes the browser.
	runtime.LockOSThread()
	pretendNetwork()
	if err := rights.DropHere(); err != nil {
		return err
	}
	if err := handOut(way, args[2]); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("write no core: %w", err)
	}
	if _, err := unix.Write(ready, []byte{'\n'}); err != nil {
		return fmt.Errorf("say that the sandbox stands: %w", err)
	}
	// What the browser says may name pages: it goes nowhere.
	null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open nothing: %w", err)
	}
	for fd := range 3 {
		if err := unix.Dup3(null, fd, 0); err != nil {
			return fmt.Errorf("open nothing: %w", err)
		}
	}
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("keep the kiosk's handles out: %w", err)
	}
	return fmt.Errorf("become the browser: %w", syscall.Exec(args[3], args[3:], os.Environ()))
}

// handOut opens the proxy's port in this namespace, and the X server's socket
// if it is the door's to serve, and gives them to the door.
func handOut(way int, screen string) error {
	proxy, err := listen(unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err != nil {
		return fmt.Errorf("open the door's port: %w", err)
	}
	defer unix.Close(proxy)
	fds := []int{proxy}
	if screen != "" {
		x, err := listen(unix.AF_UNIX, &unix.SockaddrUnix{Name: screen})
		if err != nil {
			return fmt.Errorf("open the door's screen: %w", err)
		}
		defer unix.Close(x)
		fds = append(fds, x)
	}
	if err := unix.Sendmsg(way, []byte{1}, unix.UnixRights(fds...), nil, 0); err != nil {
		return fmt.Errorf("hand out the door's sockets: %w", err)
	}
	return nil
}

func listen(family int, at unix.Sockaddr) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(unix.Bind(fd, at), unix.Listen(fd, connections)); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}
