package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/door"
	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/session"
)

// start starts the session's programs: its door, and its browser in the
// sandbox. After an error nothing of it runs.
func (b *Browser) start(ctx context.Context, mark session.Mark, setup session.Setup, page, policies string) (_ *running, err error) {
	r := &running{mark: mark, o: b.o, lost: make(chan struct{}), init: -1, release: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.abandon())
		}
	}()
	var h hand
	defer h.close()
	var readyFD, infoFD int
	ready, err := h.pipe(&readyFD)
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	info, err := h.pipe(&infoFD)
	if err != nil {
		return nil, err
	}
	defer info.Close()
	box, err := b.sandbox(&h, mark, setup, page, policies)
	if err != nil {
		return nil, err
	}
	box.Ready, box.Info = readyFD, infoFD
	group := -1
	if b.o.Group != nil {
		if r.group, err = b.o.Group.New(mark.Token, boundsOf(b.memory)); err != nil {
			return nil, err
		}
		group = r.group.FD()
	}
	way, err := b.openDoor(r, mark, group)
	if err != nil {
		return nil, err
	}
	box.Way = h.take(way)

	var said bytes.Buffer
	cmd := exec.Command(b.o.Bubblewrap, Args(box)...)
	cmd.Env = []string{procs.EnvName + "=" + mark.Token}
	cmd.ExtraFiles = h.files
	cmd.Stderr = &limited{to: &said} // bubblewrap's own and the launcher's; Chromium's goes nowhere
	if r.child, err = b.begin(cmd, SessionUnit, group); err != nil {
		r.child = nil
		return nil, err
	}
	h.close() // so that the pipes end when the sandbox's own ends do
	if err := r.stands(ctx, ready, info); err != nil {
		r.child.stop() // it may still be writing
		if line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); line != "" {
			err = fmt.Errorf("%w: %s", err, line)
		}
		return nil, err
	}
	return r, nil
}

// openDoor starts the session's door. The sandbox gets the other end, over
// which the door gets its socket.
func (b *Browser) openDoor(r *running, mark session.Mark, group int) (way *os.File, err error) {
	home, err := netip.ParseAddrPort(b.server.host)
	if err != nil {
		return nil, fmt.Errorf("open the door: %w", err)
	}
	open := door.Open{Home: home, Reach: b.o.Reach}
	cookie, err := b.untrusted(r)
	if err != nil {
		return nil, err
	}
	if cookie != nil {
		display, err := displayNumber(b.o.Display)
		if err != nil {
			return nil, err
		}
		open.Screen, open.Answer = displaySocket(display), b.o.Windows.Answer()
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the door: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "door"), os.NewFile(uintptr(pair[1]), "door")
	defer ours.Close()
	cmd := exec.Command(b.o.Program)
	cmd.Args = append([]string{door.Name}, open.Args()...)
	cmd.Env = []string{procs.EnvName + "=" + mark.Token}
	cmd.ExtraFiles = []*os.File{ours} // stdin, stdout and stderr lead nowhere
	if open.Screen != "" {
		f, err := inMemory(cookie)
		if err != nil {
			theirs.Close()
			return nil, err
		}
		defer f.Close()
		alive, tell, err := os.Pipe()
		if err != nil {
			theirs.Close()
			return nil, fmt.Errorf("open the door: %w", err)
		}
		defer tell.Close()
		go r.listen(alive) // until the door ends, or does not begin
		cmd.ExtraFiles = append(cmd.ExtraFiles, f, tell)
	}
	if r.door, err = b.begin(cmd, DoorUnit, group); err != nil {
		r.door = nil
		theirs.Close()
		return nil, fmt.Errorf("open the door: %w", err)
	}
	return theirs, nil
}

// untrusted gets the X cookie with which the door leads to the X server; nil
// when the browser gets there itself.
func (b *Browser) untrusted(r *running) ([]byte, error) {
	if b.o.Untrusted == nil {
		return nil, nil
	}
	data, release, err := b.o.Untrusted()
	if err != nil {
		return nil, err
	}
	r.release = release
	return data, nil
}

// stands waits until the sandbox is complete and Chromium is about to run.
func (r *running) stands(ctx context.Context, ready, info *os.File) error {
	stop := context.AfterFunc(ctx, func() { ready.Close(); info.Close() })
	defer stop()
	if n, err := ready.Read(make([]byte, 1)); n != 1 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the sandbox does not stand (%w)", err)
	}
	var made struct {
		Child int `json:"child-pid"`
	}
	if err := json.NewDecoder(info).Decode(&made); err != nil || made.Child <= 1 {
		return fmt.Errorf("bubblewrap does not say what it made: %w", errors.Join(err, ctx.Err()))
	}
	fd, err := unix.PidfdOpen(made.Child, 0)
	if err != nil {
		return fmt.Errorf("hold the sandbox's first process: %w", err)
	}
	r.init, r.first = fd, made.Child
	if r.began, err = procs.Began(procs.Root, r.child.pid()); err != nil {
		return err
	}
	if err := r.seen(); err != nil || r.o.User != nil {
		return err
	}
	r.namespace, err = procs.Namespace(procs.Root, r.first)
	return err
}

// seen finds the browser's main process, and makes sure that we see the
// processes of the client's user: what is hidden from us could not be counted
// at the end.
func (r *running) seen() error {
	table, err := procs.Scan(procs.Root)
	if err != nil {
		return err
	}
	r.main = table.Child(r.first)
	if p, ok := table[r.child.pid()]; r.o.User != nil && (!ok || !p.Of([]int{r.o.User.UID})) {
		return errors.New("this machine hides other users' processes from the kiosk; mount /proc without hidepid, and set no ProtectProc= in its systemd unit")
	}
	return nil
}
