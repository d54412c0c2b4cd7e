package wipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// window is how much of a file is in memory at once, however big it is.
const window = 256 << 10

// search tells whether the file holds one of the tokens. It opens nothing but
// the very file that was looked at, waits for nobody and leaves no trace.
func (k *walker) search(dir int, name string) (bool, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOCTTY
	fd, err := unix.Openat(dir, name, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		fd, err = unix.Openat(dir, name, flags, 0)
	}
	if errors.Is(err, unix.EACCES) {
		return k.searchHidden(dir, name)
	}
	if err != nil {
		return false, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return false, nil // swapped for something else: looked at by the next wipe
	}
	return contains(k.ctx, f, k.h.needle, k.buf)
}

// searchHidden reads a file whose owner, us, took away the right to read it,
// and then puts its mode back.
func (k *walker) searchHidden(dir int, name string) (bool, error) {
	hold, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(hold)
	var st unix.Stat_t
	if err := unix.Fstat(hold, &st); err != nil {
		return false, err
	}
	// Through the handle, so that nothing but this file can be meant.
	file := fmt.Sprintf("/proc/self/fd/%d", hold)
	if err := unix.Chmod(file, 0o600); err != nil {
		return false, err
	}
	defer unix.Chmod(file, st.Mode&0o7777)
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return contains(k.ctx, f, k.h.needle, k.buf)
}

// contains reads on and on; what could be the begin of a token at the end of
// one piece is kept for the next.
func contains(ctx context.Context, r io.Reader, needles [][]byte, buf []byte) (bool, error) {
	longest := 0
	for _, n := range needles {
		longest = max(longest, len(n))
	}
	kept := 0
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := r.Read(buf[kept:])
		have := buf[:kept+n]
		for _, needle := range needles {
			if bytes.Contains(have, needle) {
				return true, nil
			}
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		tail := min(longest-1, len(have))
		copy(buf, have[len(have)-tail:])
		kept = tail
	}
}
