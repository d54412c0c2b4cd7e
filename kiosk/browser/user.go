package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/rights"
	"yhteiskone/kiosk/spawn"
)

// DefaultUser is the name of the user that a client's browser runs as where
// the machine has one.
const DefaultUser = "client"

// User is a user of the machine that is there for clients' browsers only:
// whatever runs as this user belongs to the session.
type User struct {
	UID, GID int
	units    string // as Options.Units
}

// ErrNoUser says that this machine has no user for clients' browsers, or that
// we may not start a program as another user.
var ErrNoUser = errors.New("the client's browser cannot have a user of its own")

// FindUser looks for the user of that name, and whether we may use it.
func FindUser(name string) (*User, error) {
	held, err := rights.Now()
	if err != nil {
		return nil, err
	}
	if !held.OtherUser() {
		return nil, fmt.Errorf("%w: the kiosk lacks CAP_SETUID, CAP_SETGID or CAP_KILL; give them by AmbientCapabilities= in its systemd unit", ErrNoUser)
	}
	return lookUp(name)
}

// FindUnits looks for the user of that name, as which the units behind the
// sockets in the folder must start what they are asked for, and says whether a
// session's unit is held to a bound of memory.
func FindUnits(ctx context.Context, name, folder string) (u *User, bounded bool, err error) {
	if u, err = lookUp(name); err != nil {
		return nil, false, err
	}
	u.units = folder
	ctx, cancel := context.WithTimeout(ctx, unitTime)
	defer cancel()
	for _, unit := range []string{DoorUnit, SessionUnit} {
		p, err := spawn.Start(ctx, filepath.Join(folder, unit), spawn.Order{Path: "/bin/true", Args: []string{"true"}})
		if err != nil {
			return nil, false, fmt.Errorf("try the unit %s: %w", unit, err)
		}
		p.Kill()
		if p.UID != u.UID {
			return nil, false, fmt.Errorf("%w: %s runs as user %d, not as %s, who is %d", errUnit, unit, p.UID, name, u.UID)
		}
		bounded = p.Bounded // the session's is the last
	}
	return u, bounded, nil
}

func lookUp(name string) (*User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%w: there is no user %q; make one, without a password", ErrNoUser, name)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoUser, err)
	}
	if uid == 0 || gid == 0 || uid == os.Getuid() {
		return nil, fmt.Errorf("%w: %q is the kiosk's own user or root's", ErrNoUser, name)
	}
	return &User{UID: uid, GID: gid}, nil
}

// sweepTime is how long a sweep may take, unitTime how long systemd has to start
// a unit: an old machine that starts has much to do.
const (
	sweepTime = 30 * time.Second
	unitTime  = time.Minute
)

// does lets a shell that has become the user do something, and returns its exit
// code; -1 if it did not end by itself.
func (u *User) does(ctx context.Context, text string) (int, error) {
	if u.units != "" {
		return spawn.Run(ctx, filepath.Join(u.units, DoorUnit), spawn.Order{Path: "/bin/sh", Args: []string{"sh", "-c", text}})
	}
	c := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	c.Dir, c.Env = "/", []string{}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL,
		Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}}
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return -1, err
	}
	return 0, nil
}

// sweep ends every process of the user at once, those too that are being
// started meanwhile. The signal is sent by a shell that has become the user and
// has no right over anybody else's.
func (u *User) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	err := u.strike(ctx)
	if err != nil {
		return fmt.Errorf("end what the client's user runs: %w", err)
	}
	return nil
}

func (u *User) strike(ctx context.Context) error {
	if u.units != "" {
		return u.strikeInUnit(ctx)
	}
	code, err := u.does(ctx, "kill -9 -1")
	if err == nil && code != 0 && code != 1 { // 1 says that there was nobody
		err = fmt.Errorf("the shell says %d", code)
	}
	return err
}

// strikeInUnit has it done in a unit, whose own process goes as well: the shell
// waits until that one has told of it. That it was done is counted, not heard.
func (u *User) strikeInUnit(ctx context.Context) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	wait, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer wait.Close()
	p, err := spawn.Start(ctx, filepath.Join(u.units, DoorUnit),
		spawn.Order{Path: "/bin/sh", Args: []string{"sh", "-c", "read -r x <&3; kill -9 -1"}}, null, wait)
	tell.Close()
	if err != nil {
		return err
	}
	select {
	case <-p.Exited():
		return nil
	case <-ctx.Done():
		p.Kill()
		return ctx.Err()
	}
}

// clear sweeps until nothing of the user is left.
func (u *User) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := u.sweep(ctx); err != nil {
			return err
		}
		table, err := procs.Scan(procs.Root)
		if err != nil {
			return err
		}
		if table.Living([]int{u.UID}) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("end what the client's user runs: %w", ctx.Err())
		}
	}
}
