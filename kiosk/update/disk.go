package update

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Disk is what an update touches.
type Disk interface {
	// Slot opens the partition of a slot.
	Slot(slot string) (File, error)
	// Boot opens a file of the boot partition's folder for kiosks, such as
	// "B/vmlinuz". One that is not there is made, empty; its folder is too.
	Boot(name string) (File, error)
}

// File is a partition or a file. What was written is on the disk only once
// Sync has returned.
type File interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error // of a partition it does nothing
	Sync() error
	// Forget has what is read next come from the disk, not from memory.
	Forget() error
	Close() error
}

// Machine is the disk of a real machine.
type Machine struct {
	Slots string // what comes before a slot's letter, for example /dev/kiosk/kiosk-
	ESP   string // the folder for kiosks in the mounted boot partition, which holds grubenv
}

// DefaultMachine is where the image keeps things.
func DefaultMachine() Machine {
	return Machine{"/dev/kiosk/kiosk-", "/boot/esp/EFI/kiosk"}
}

// Booted says which slot runs: the kernel was told by GRUB, in cmdline
// (/proc/cmdline). It is ErrNoImage on a machine that is not run from an image.
func (m Machine) Booted(cmdline string) (string, error) {
	text, err := os.ReadFile(cmdline)
	if err != nil {
		return "", fmt.Errorf("find the running image: %w", err)
	}
	slot := ""
	for _, word := range strings.Fields(string(text)) {
		if value, ok := strings.CutPrefix(word, "kiosk.slot="); ok {
			slot = value
		}
	}
	if _, err := os.Stat(m.Slots + "A"); err != nil || !isSlot(slot) {
		return "", ErrNoImage
	}
	return slot, nil
}

// Slot implements Disk.
func (m Machine) Slot(slot string) (File, error) {
	f, err := os.OpenFile(m.Slots+slot, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open slot %s: %w", slot, err)
	}
	return partition{osFile{f, ""}}, nil
}

// Boot implements Disk.
func (m Machine) Boot(name string) (File, error) {
	path := filepath.Join(m.ESP, filepath.FromSlash(name))
	if name == envName { // never made: GRUB could not write it
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("open GRUB's environment: %w", err)
		}
		return osFile{f, ""}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open the boot partition: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the boot partition: %w", err)
	}
	return osFile{f, filepath.Dir(path)}, nil
}

// osFile is a file whose name may be new in dir.
type osFile struct {
	*os.File
	dir string
}

// Size implements File.
func (f osFile) Size() (int64, error) {
	return f.Seek(0, io.SeekEnd) // of a partition too, whose Stat says nothing
}

// Sync implements File.
func (f osFile) Sync() error {
	if err := f.File.Sync(); err != nil || f.dir == "" {
		return err
	}
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Forget implements File.
func (f osFile) Forget() error {
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// partition is never made shorter.
type partition struct{ osFile }

// Truncate implements File.
func (partition) Truncate(int64) error { return nil }

// readAll reads a small file.
func readAll(f File, most int64) ([]byte, error) {
	var b bytes.Buffer
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("the file has %d bytes, more than %d", size, most)
	}
	_, err = io.Copy(&b, io.NewSectionReader(f, 0, size))
	return b.Bytes(), err
}
