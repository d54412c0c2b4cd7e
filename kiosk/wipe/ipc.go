package wipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/procs"
)

// kernel looks at what lives in the kernel and has no file: semaphores,
// message queues, socket names, keys.
func (w *Wiper) kernel(ctx context.Context, h hunt, said survey) {
	t, err := w.ipc(h, "sem", 4, 9, unix.SYS_SEMCTL)
	said.add(LookSemaphores, t, err)
	t, err = w.ipc(h, "msg", 7, 13, unix.SYS_MSGCTL)
	said.add(LookQueues, t, err)
	t, err = w.sockets(ctx, h)
	said.add(LookSockets, t, err)
	t, err = w.keysLook(h)
	said.add(LookKeys, t, err)
}

// ipc looks at one of the kernel's System V lists. The number is in the second
// column; uidAt is the column of the user (the creator's is two further),
// changedAt that of the last change. The sandbox has its own, so on a machine
// of our own a new one is left over; on a shared one nothing tells whose it is.
func (w *Wiper) ipc(h hunt, list string, uidAt, changedAt int, control uintptr) (tally, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "sysvipc", list))
	if errors.Is(err, fs.ErrNotExist) {
		return tally{}, nil
	}
	if err != nil {
		return tally{}, fmt.Errorf("list the kernel's %s: %w", list, err)
	}
	rows, err := parseRows(string(b), 1, uidAt, uidAt+2, changedAt)
	if err != nil {
		return tally{}, fmt.Errorf("list the kernel's %s: %w", list, err)
	}
	var t tally
	var problem error
	for _, r := range rows {
		if !slices.Contains(w.c.UIDs, r[1]) && !slices.Contains(w.c.UIDs, r[2]) {
			continue
		}
		t.looked++
		if w.c.SharedUser || h.anew || time.Unix(int64(r[3]), 0).Before(h.since.Truncate(time.Second)) {
			continue
		}
		t.found++
		if e := removeIPC(control, r[0]); e != nil {
			problem = errors.Join(problem, fmt.Errorf("remove one of the kernel's %s: %w", list, e))
		}
	}
	return t, problem
}

// removeIPC removes a semaphore or a queue by its number.
func removeIPC(control uintptr, id int) error {
	var e unix.Errno
	if control == unix.SYS_SEMCTL { // (id, which of them, command)
		_, _, e = unix.Syscall(control, uintptr(id), 0, unix.IPC_RMID)
	} else {
		_, _, e = unix.Syscall(control, uintptr(id), unix.IPC_RMID, 0)
	}
	if e != 0 && e != unix.EINVAL && e != unix.EIDRM {
		return e
	}
	return nil
}

// parseRows reads the wanted columns of a list with a heading.
func parseRows(list string, columns ...int) ([][]int, error) {
	var rows [][]int
	first := true
	for line := range strings.Lines(list) {
		if first {
			first = false
			continue
		}
		f := strings.Fields(line)
		var row []int
		for _, c := range columns {
			if c >= len(f) {
				return nil, errors.New("a line is unclear")
			}
			v, err := strconv.Atoi(f[c])
			if err != nil {
				return nil, err
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// name is a socket's in the network namespace, without a file.
type socketName struct{ name, inode string }

// abstract lists the abstract socket names.
func (w *Wiper) abstract() ([]socketName, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "self/net/unix"))
	if err != nil {
		return nil, fmt.Errorf("list the sockets: %w", err)
	}
	var all []socketName
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 8 && strings.HasPrefix(f[7], "@") {
			all = append(all, socketName{strings.Join(f[7:], " "), f[6]})
		}
	}
	return all, nil
}

// sockets looks at the names of sockets. The sandbox shares the network, and
// with it the abstract names. Left over is a name that carries a token, and on
// a machine of our own one that is new and held by a process of our users that
// is not the kiosk's.
func (w *Wiper) sockets(_ context.Context, h hunt) (tally, error) {
	all, err := w.abstract()
	if err != nil {
		return tally{}, err
	}
	t := tally{looked: uint32(len(all))}
	fresh := map[string]bool{}
	for _, s := range all {
		switch {
		case slices.ContainsFunc(h.needle, func(n []byte) bool { return strings.Contains(s.name, string(n)) }):
			t.found++
		case !w.c.SharedUser && h.before != nil && h.before.Sockets != nil && !slices.Contains(h.before.Sockets, s.name):
			fresh["socket:["+s.inode+"]"] = true
		}
	}
	if len(fresh) == 0 {
		return t, nil
	}
	held, err := w.held(fresh)
	t.found += uint32(held)
	return t, err
}

// held counts the handles that are held by a process of our users, the kiosk
// and what it started apart.
func (w *Wiper) held(handles map[string]bool) (int, error) {
	table, err := procs.Scan(w.c.Proc)
	if err != nil {
		return 0, err
	}
	found := map[string]bool{}
	for pid, p := range table {
		if !p.Of(w.c.UIDs) || table.Under(pid, func(above int) bool { return above == os.Getpid() }) {
			continue
		}
		dir := filepath.Join(w.c.Proc, strconv.Itoa(pid), "fd")
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it ended, or hides: the look at processes judges it
		}
		for _, e := range entries {
			if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && handles[to] {
				found[to] = true
			}
		}
	}
	return len(found), nil
}

// key is one of the kernel's keys that holds something.
type key struct{ serial, about string }

// keys lists the keys of our users. Keyrings themselves hold nothing.
func (w *Wiper) keys() ([]key, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "keys"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil // a kernel without them, or one that keeps them to itself
	}
	if err != nil {
		return nil, fmt.Errorf("list the kernel's keys: %w", err)
	}
	var all []key
	for line := range strings.Lines(string(b)) {
		// serial flags usage timeout perm uid gid type description: summary
		f := strings.Fields(line)
		if len(f) < 9 || f[7] == "keyring" || strings.ContainsAny(f[1], "iRD") {
			continue // invalid, revoked or dead ones are only waiting to be collected
		}
		if uid, err := strconv.Atoi(f[5]); err == nil && slices.Contains(w.c.UIDs, uid) {
			all = append(all, key{f[0], strings.Join(f[8:], " ")})
		}
	}
	return all, nil
}

// keysLook looks at the kernel's keys. Left over is one that carries a token,
// and on a machine of our own one that is new. A left-over is made invalid.
func (w *Wiper) keysLook(h hunt) (tally, error) {
	all, err := w.keys()
	if err != nil {
		return tally{}, err
	}
	var t tally
	var problem error
	for _, k := range all {
		t.looked++
		serial, err := strconv.ParseUint(k.serial, 16, 32)
		if err != nil {
			problem = errors.Join(problem, fmt.Errorf("list the kernel's keys: %w", err))
			continue
		}
		fresh := !w.c.SharedUser && h.before != nil && h.before.Keys != nil && !slices.Contains(h.before.Keys, k.serial)
		if !fresh && !carries(h, k.about, int(serial)) {
			continue
		}
		t.found++
		if _, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, int(serial), 0, 0, 0); err != nil && !errors.Is(err, unix.ENOKEY) {
			problem = errors.Join(problem, fmt.Errorf("remove one of the kernel's keys: %w", err))
		}
	}
	return t, problem
}

// carries reports whether a key has a token in its name or, where we may read
// it, in its content.
func carries(h hunt, about string, serial int) bool {
	content := make([]byte, 64<<10)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, serial, content, 0)
	if err != nil {
		n = 0
	}
	content = content[:min(max(n, 0), len(content))]
	return slices.ContainsFunc(h.needle, func(token []byte) bool {
		return strings.Contains(about, string(token)) || bytes.Contains(content, token)
	})
}
