package write

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
)

// putFile writes a file into the root of a FAT32 partition, in place of one of
// that name.
func putFile(d Device, at span, name string, text []byte) error {
	files, err := fat(d, at)
	if err != nil {
		return err
	}
	if old, err := files.OpenFile("/"+name, os.O_RDONLY); err == nil {
		old.Close()
		if err := files.Remove("/" + name); err != nil {
			return err
		}
	}
	f, err := files.OpenFile("/"+name, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Close()
}

// getFile reads a file of the root of a FAT32 partition.
func getFile(d Device, at span, name string) ([]byte, error) {
	files, err := fat(d, at)
	if err != nil {
		return nil, err
	}
	f, err := files.OpenFile("/"+name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func fat(d Device, at span) (*fat32.FileSystem, error) {
	files, err := fat32.Read(&volume{Device: d, at: at}, at.size, at.start, sector)
	if err != nil {
		return nil, fmt.Errorf("open the partition %s: %w", ConfPart, err)
	}
	return files, nil
}

// volume lets go-diskfs work on a Device: it may touch the one partition and
// nothing else.
type volume struct {
	Device
	at  span
	pos int64
}

var errOutside = errors.New("outside the partition")

func (v *volume) inside(n int, off int64) bool {
	return off >= v.at.start && off+int64(n) <= v.at.start+v.at.size
}

// ReadAt is of the whole disk, as go-diskfs counts.
func (v *volume) ReadAt(p []byte, off int64) (int, error) {
	if !v.inside(len(p), off) {
		return 0, errOutside
	}
	return v.Device.ReadAt(p, off)
}

// WriteAt is of the whole disk, as go-diskfs counts.
func (v *volume) WriteAt(p []byte, off int64) (int, error) {
	if !v.inside(len(p), off) {
		return 0, errOutside
	}
	return v.Device.WriteAt(p, off)
}

func (v *volume) Read(p []byte) (int, error) {
	n, err := v.ReadAt(p, v.pos)
	v.pos += int64(n)
	return n, err
}

func (v *volume) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		v.pos = off
	case io.SeekCurrent:
		v.pos += off
	default:
		return 0, errOutside
	}
	return v.pos, nil
}

// What follows is asked for by go-diskfs; closing is the Device's own affair.
func (v *volume) Close() error                            { return nil }
func (v *volume) Stat() (fs.FileInfo, error)              { return nil, backend.ErrNotSuitable }
func (v *volume) Sys() (*os.File, error)                  { return nil, backend.ErrNotSuitable }
func (v *volume) Path() string                            { return "" }
func (v *volume) Writable() (backend.WritableFile, error) { return v, nil }
