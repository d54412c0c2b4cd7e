package write

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"yhteiskone/provision/disk"
)

// Device is a disk that is open for writing, by one descriptor from the last
// look at it to the end.
type Device interface {
	io.ReaderAt
	io.WriterAt
	// Zero makes a stretch read as zeros.
	Zero(off, n int64) error
	// Push starts to bring a stretch to the disk, and waits for the one of the
	// same length before it.
	Push(off, n int64) error
	// Sync waits until everything is on the disk.
	Sync() error
	// Forget makes the next read come from the disk, not from memory.
	Forget() error
	// Look says which disk it is now.
	Look() (disk.Disk, error)
	// Eject makes the disk safe to pull out; ErrNoEject if it is not of that kind.
	Eject() error
	Close() error
}

// ErrNoEject says that a disk cannot be ejected, nor needs to be.
var ErrNoEject = errors.New("there is nothing to eject")

// device is a block device or a file.
type device struct {
	*os.File
	machine disk.Machine
	block   bool
}

// open opens a disk so that nobody else can mount or hold it meanwhile.
func open(m disk.Machine, d disk.Disk) (Device, error) {
	flags := os.O_RDWR
	block := d.Bus != "file"
	if block {
		flags |= syscall.O_EXCL // of a block device: nobody has it, and nobody gets it
	}
	f, err := os.OpenFile(d.Path, flags, 0)
	if err != nil {
		return nil, err
	}
	return &device{f, m, block}, nil
}

func (d *device) Look() (disk.Disk, error) {
	info, err := d.Stat()
	if err != nil {
		return disk.Disk{}, fmt.Errorf("look at the disk: %w", err)
	}
	return d.machine.Of(d.Name(), info)
}

// zeros is what is written where the system has no quicker way.
var zeros [1 << 20]byte

func (d *device) Zero(off, n int64) error {
	if err := d.quickZero(off, n); err == nil {
		return nil
	}
	for n > 0 {
		part := min(n, int64(len(zeros)))
		if _, err := d.WriteAt(zeros[:part], off); err != nil {
			return err
		}
		off, n = off+part, n-part
	}
	return nil
}

func (d *device) quickZero(off, n int64) error {
	if d.block {
		return d.zeroOut(off, n)
	}
	return d.control(func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}

// Push keeps what waits in memory small: so the progress that is shown is
// true, and an error comes where it happens.
func (d *device) Push(off, n int64) error {
	return d.control(func(fd int) error {
		if err := unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WRITE); err != nil || off < n {
			return err
		}
		return unix.SyncFileRange(fd, off-n, n, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
	})
}

func (d *device) Forget() error {
	return d.control(func(fd int) error {
		if d.block {
			// Root alone may. What was synced goes by the advice as well, as long
			// as nobody else has the disk open.
			if err := unix.IoctlSetInt(fd, unix.BLKFLSBUF, 0); err != nil && !errors.Is(err, unix.EACCES) {
				return err
			}
		}
		return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
	})
}

// cdromEject is what eject(1) asks for; the kernel makes a stick's stop of it.
const cdromEject = 0x5309

func (d *device) Eject() error {
	now, err := d.Look()
	if err != nil {
		return err
	}
	if !now.Removable || now.Bus != "usb" {
		return ErrNoEject
	}
	return d.control(func(fd int) error { return unix.IoctlSetInt(fd, cdromEject, 0) })
}

func (d *device) control(f func(fd int) error) error {
	raw, err := d.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) {
		for {
			if inner = f(int(fd)); inner != unix.EINTR {
				return
			}
		}
	}); err != nil {
		return err
	}
	return inner
}
