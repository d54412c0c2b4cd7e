package rig

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// InMemory is what a search of one process's memory saw.
type InMemory struct {
	Found []int // how often each needle occurs
	Read  int64 // how many bytes were read
}

// SearchMemory counts the needles in all that a process has in memory. It is an
// error if the kernel does not let us look: a process of another user, or one
// that ended.
func SearchMemory(pid int, needles ...[]byte) (InMemory, error) {
	s := InMemory{Found: make([]int, len(needles))}
	parts, err := resident(pid)
	if err != nil {
		return s, err
	}
	longest := 0
	for _, n := range needles {
		longest = max(longest, len(n))
	}
	const piece = 1 << 20
	buf := make([]byte, piece+longest)
	readable := false
	for _, p := range parts {
		kept := 0 // what could be the begin of a needle at the end of a piece
		for at := p[0]; at < p[1]; {
			n := min(piece, p[1]-at)
			local := []unix.Iovec{{Base: &buf[kept]}}
			local[0].SetLen(int(n))
			got, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: int(n)}}, 0)
			if errors.Is(err, unix.EPERM) {
				return s, fmt.Errorf("read the memory of process %d: %w", pid, err)
			}
			if err != nil || got <= 0 {
				at, kept = at+min(4096, n), 0 // a page that cannot be read, a device's for example
				continue
			}
			readable = true
			have := buf[:kept+got]
			for i, needle := range needles {
				s.Found[i] += bytes.Count(have, needle)
			}
			s.Read += int64(got)
			at += uint64(got)
			tail := min(longest-1, len(have))
			for i, needle := range needles { // those in the part that is kept would be counted twice
				s.Found[i] -= bytes.Count(have[len(have)-tail:], needle)
			}
			kept = copy(buf, have[len(have)-tail:])
		}
		for i, needle := range needles {
			s.Found[i] += bytes.Count(buf[:kept], needle)
		}
	}
	if !readable {
		return s, fmt.Errorf("read the memory of process %d: nothing could be read", pid)
	}
	return s, nil
}

// resident are the parts of a process's memory of which something is there.
func resident(pid int) ([][2]uint64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var parts [][2]uint64
	var now [2]uint64
	wanted := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		if from, to, ok := strings.Cut(fields[0], "-"); ok && len(fields[1]) == 4 {
			begin, err1 := strconv.ParseUint(from, 16, 64)
			end, err2 := strconv.ParseUint(to, 16, 64)
			if err := errors.Join(err1, err2); err != nil {
				return nil, fmt.Errorf("read the parts of process %d: %w", pid, err)
			}
			now, wanted = [2]uint64{begin, end}, fields[1][0] == 'r' && !strings.HasSuffix(lines.Text(), "[vvar]")
			continue
		}
		if fields[0] == "Rss:" && fields[1] != "0" && wanted {
			parts = append(parts, now)
		}
	}
	if err := lines.Err(); err != nil { // it ended
		return nil, fmt.Errorf("read the parts of process %d: %w", pid, err)
	}
	return parts, nil
}
