package disk

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Find returns the disk that a path names: a disk's device, a link to it such
// as /dev/disk/by-id/..., a loop device, or a file that stands for a disk.
func (m Machine) Find(path string) (Disk, error) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return Disk{}, &Problem{ExitInput, "no_disk", fmt.Sprintf("There is no disk %s.", path),
			"Plug it in, and look with: provision write --list"}
	}
	if err != nil {
		return Disk{}, &Problem{ExitInput, "no_disk", fmt.Sprintf("%s cannot be looked at: %v.", path, err), "Run this as root."}
	}
	return m.Of(path, info)
}

// Of is Find for what is open already: its info comes from the descriptor, so
// that no other disk can come in between.
func (m Machine) Of(path string, info fs.FileInfo) (Disk, error) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Disk{}, fmt.Errorf("look at %s: this system says nothing of devices", path)
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return Disk{Path: path, Size: info.Size(), Bus: "file", Holds: []Part{}, Sequence: fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)}, nil
	case mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0:
		return m.Number(fmt.Sprintf("%d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev)))
	}
	return Disk{}, &Problem{ExitInput, "no_disk", fmt.Sprintf("%s is not a disk.", path), "Look with: provision write --list"}
}
