// Package procs looks at the machine's processes in one pass over /proc.
//
// It is for ending a session's processes and for proving that none is left:
// who descends from whom, who lives in which pid namespace, whose environment
// carries a session's token. It never reads what a process does: no memory, no
// command line, no open file.
//
// Caveats: a pass is a snapshot, processes come and go while it is made and
// that is no error. Zombies are listed, they hold nothing any more. The
// environment is the one the process started with; a program may write over
// it, so a missing token alone proves nothing.
package procs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Root is where the kernel shows the processes.
const Root = "/proc"

// EnvName is the variable that carries the session's token in every process
// of a session.
const EnvName = "YHTEISKONE_SESSION"

// Process is what one pass saw of one process.
type Process struct {
	PID, PPID int
	UIDs      [4]int // real, effective, saved, file system
	State     byte   // as in /proc/PID/status, 'Z' for a zombie
	Depth     int    // pid namespaces between /proc's and the process's own, 0 for none
}

// Zombie reports whether the process has ended and only waits to be collected.
func (p Process) Zombie() bool { return p.State == 'Z' || p.State == 'X' }

// Of reports whether one of the process's users is among uids.
func (p Process) Of(uids []int) bool {
	for _, u := range uids {
		if p.UIDs[0] == u || p.UIDs[1] == u || p.UIDs[2] == u || p.UIDs[3] == u {
			return true
		}
	}
	return false
}

// Table is one pass over all processes, by pid.
type Table map[int]Process

// Scan makes one pass over the processes under root.
func Scan(root string) (Table, error) {
	dir, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	t := make(Table, len(names))
	buf := make([]byte, 8192)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		b, err := readInto(filepath.Join(root, name, "status"), buf)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at process %d: %w", pid, err)
		}
		p, err := parseStatus(b)
		if err != nil {
			return nil, fmt.Errorf("look at process %d: %w", pid, err)
		}
		p.PID = pid
		t[pid] = p
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("list the processes: %s shows none", root)
	}
	return t, nil
}

func readInto(name string, buf []byte) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return buf[:n], nil
}

// gone says that a process ended while it was looked at.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

func parseStatus(b []byte) (Process, error) {
	var p Process
	var states, parents, users int // how often each is said
	for line := range bytes.SplitSeq(b, []byte{'\n'}) {
		key, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		fields := bytes.Fields(value)
		switch string(key) {
		case "State":
			if len(fields) == 0 || fields[0][0] < 'A' {
				return p, errors.New("its state is no letter")
			}
			p.State, states = fields[0][0], states+1
		case "PPid":
			if len(fields) != 1 {
				return p, errors.New("its parent is unclear")
			}
			n, err := strconv.Atoi(string(fields[0]))
			if err != nil {
				return p, fmt.Errorf("read its parent: %w", err)
			}
			p.PPID, parents = n, parents+1
		case "Uid":
			if len(fields) != 4 {
				return p, errors.New("its users are unclear")
			}
			for i, f := range fields {
				n, err := strconv.Atoi(string(f))
				if err != nil {
					return p, fmt.Errorf("read its users: %w", err)
				}
				p.UIDs[i] = n
			}
			users++
		case "NSpid":
			p.Depth = max(len(fields)-1, 0)
		}
	}
	if states != 1 || parents != 1 || users != 1 {
		return p, errors.New("its status is not complete, or says a thing twice")
	}
	return p, nil
}

// Child returns the oldest living process whose parent is pid, 0 if there is
// none.
func (t Table) Child(pid int) (child int) {
	for _, p := range t {
		if p.PPID == pid && !p.Zombie() && (child == 0 || p.PID < child) {
			child = p.PID
		}
	}
	return child
}

// Living counts the processes of the users that have not ended.
func (t Table) Living(uids []int) (n int) {
	for _, p := range t {
		if p.Of(uids) && !p.Zombie() {
			n++
		}
	}
	return n
}

// Descendants returns pid and everything below it.
func (t Table) Descendants(pid int) map[int]bool {
	below := map[int][]int{}
	for _, p := range t {
		below[p.PPID] = append(below[p.PPID], p.PID)
	}
	all, next := map[int]bool{}, []int{pid}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if all[at] {
			continue
		}
		if _, ok := t[at]; ok {
			all[at] = true
		}
		next = append(next, below[at]...)
	}
	return all
}

// Under reports whether is says yes of pid or of one of its ancestors.
func (t Table) Under(pid int, is func(pid int) bool) bool {
	for n := 0; pid > 0 && n <= len(t); n++ {
		if is(pid) {
			return true
		}
		pid = t[pid].PPID
	}
	return false
}

// Environ returns the environment of a process. It is empty for a zombie and
// for one that has ended.
func Environ(root string, pid int) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "environ"))
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the environment of process %d: %w", pid, err)
	}
	return b, nil
}

// Token returns the session's token in an environment, "" if there is none.
func Token(environ []byte) string {
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if name, value, ok := bytes.Cut(v, []byte{'='}); ok && string(name) == EnvName {
			return string(value)
		}
	}
	return ""
}

// Namespace names the pid namespace of a process, "" if it has ended.
func Namespace(root string, pid int) (string, error) {
	s, err := os.Readlink(filepath.Join(root, strconv.Itoa(pid), "ns", "pid"))
	if gone(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at the namespace of process %d: %w", pid, err)
	}
	return s, nil
}

// Began is when the process was started, in clock ticks since boot; 0 if it
// has ended.
func Began(root string, pid int) (uint64, error) {
	b, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "stat"))
	if gone(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at process %d: %w", pid, err)
	}
	// The name is in parentheses and may hold anything, so count from its end.
	_, rest, ok := bytes.Cut(b, []byte(") "))
	for ok {
		_, after, more := bytes.Cut(rest, []byte(") "))
		if !more {
			break
		}
		rest = after
	}
	fields := bytes.Fields(rest)
	if len(fields) < 20 {
		return 0, fmt.Errorf("look at process %d: its stat is not complete", pid)
	}
	n, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look at when process %d began: %w", pid, err)
	}
	return n, nil
}

// Pulse is what one look saw of a process's first thread.
type Pulse struct {
	State byte   // as in /proc/PID/status; 0 when it has ended
	Turns uint64 // how often it has left a processor to another
}

// Stopped reports whether it has been stopped, as by a signal or a debugger: it
// is there and does nothing.
func (p Pulse) Stopped() bool { return p.State == 'T' || p.State == 't' }

// Waits reports whether it neither runs nor wants to: somebody stopped it or
// has to wake it. One that waits for the disk is about to run.
func (p Pulse) Waits() bool { return p.Stopped() || p.State == 'S' }

// Feel looks at how the first thread of a process is. It is the zero Pulse of
// one that has ended.
func Feel(root string, pid int) (Pulse, error) {
	b, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "status"))
	if gone(err) {
		return Pulse{}, nil
	}
	if err != nil {
		return Pulse{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	p, seen := Pulse{}, 0
	for line := range bytes.SplitSeq(b, []byte{'\n'}) {
		key, value, _ := bytes.Cut(line, []byte{':'})
		switch value = bytes.TrimSpace(value); string(key) {
		case "State":
			if len(value) > 0 {
				p.State, seen = value[0], seen+1
			}
		case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			n, err := strconv.ParseUint(string(value), 10, 64)
			if err != nil {
				return Pulse{}, fmt.Errorf("look at the turns of process %d: %w", pid, err)
			}
			p.Turns, seen = p.Turns+n, seen+1
		}
	}
	if seen != 3 {
		return Pulse{}, fmt.Errorf("look at process %d: its status is not complete", pid)
	}
	return p, nil
}

// TicksPerSecond is the unit of Began; it is 100 on every Linux.
const TicksPerSecond = 100

// Kill ends the process if it is still the one that began then.
func Kill(root string, pid int, began uint64) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hold process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	// The handle keeps the pid from being given away; only now is it sure
	// whose it is.
	now, err := Began(root, pid)
	if err != nil || now != began {
		return err
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	return nil
}
