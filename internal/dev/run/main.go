// Command run is `make run`: an agent, one real kiosk enrolled in the ordinary
// way and, if asked, simulated kiosks beside it, on this machine, until it is
// told to stop.
//
// It is for looking at the product and for developing it. As root everything
// runs as the user yhteiskone, out of a folder that this user can read. When it
// ends, by Ctrl-C, SIGTERM, the end of the terminal or of make itself, it stops
// all that it started; and what it started stops when it is killed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	kiosks := flag.Int("kiosks", 1, "how many kiosks, one of them real")
	flag.Parse()
	if *kiosks < 1 || *kiosks > 2000 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "run: KIOSKS is the number of kiosks, 1 to 2000, for example: make run KIOSKS=12")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, orphaned := context.WithCancel(ctx)
	defer orphaned()
	go func() {
		if err := parentGone(ctx); err == nil {
			orphaned()
		}
	}()
	s, err := open(*kiosks)
	if err == nil {
		err = play(ctx, s, *kiosks)
		s.End()
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

// parentGone returns nil when the process that started this one is gone: make
// was killed, and nobody would tell us to stop.
func parentGone(ctx context.Context) error {
	parent := os.Getppid()
	fd, err := unix.PidfdOpen(parent, 0)
	if err != nil {
		if errors.Is(err, unix.ESRCH) || os.Getppid() != parent {
			return nil
		}
		return err
	}
	defer unix.Close(fd)
	for ctx.Err() == nil {
		// a second is how long a stop may wait for this goroutine, not how
		// soon it notices: the kernel wakes it at once
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return ctx.Err()
}
