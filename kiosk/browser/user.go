package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/rights"
)

// DefaultUser is the name of the user that a client's browser runs as where
// the machine has one.
const DefaultUser = "client"

// User is a user of the machine that is there for clients' browsers only:
// whatever runs as this user belongs to the session.
type User struct{ UID, GID int }

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

// sweepTime is how long a sweep may take.
const sweepTime = 10 * time.Second

// command is what a shell does that has become the user.
func (u *User) command(ctx context.Context, text string) *exec.Cmd {
	c := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	c.Dir, c.Env = "/", []string{}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL,
		Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}}
	return c
}

// sweep ends every process of the user at once, those too that are being
// started meanwhile. The signal is sent by a shell that has become the user and
// has no right over anybody else's.
func (u *User) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	err := u.command(ctx, "kill -9 -1").Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil // the shell says that there was nobody
	}
	if err != nil {
		return fmt.Errorf("end what the client's user runs: %w", err)
	}
	return nil
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
