package gpt

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Places in GRUB's two images where it is told where the rest of it is.
const (
	bootKernel = 0x5c  // boot.img: first sector of core.img
	bootDrive  = 0x66  // boot.img: what to do about the drive's number
	coreNext   = 0x1f4 // core.img: first sector of its rest
	codeSize   = 440
)

// InstallGRUB does what grub-bios-setup does, on a file: it puts core.img into
// the partition and returns the code for the boot sector, which loads it.
func InstallGRUB(w io.WriterAt, p Partition, boot, core []byte) ([]byte, error) {
	switch {
	case len(boot) < codeSize:
		return nil, fmt.Errorf("GRUB's boot.img has %d bytes, not a sector", len(boot))
	case len(core) < 2*Sector:
		return nil, fmt.Errorf("GRUB's core.img has %d bytes, fewer than two sectors", len(core))
	case int64(len(core)) > p.Size:
		return nil, fmt.Errorf("GRUB's core.img has %d bytes, the partition %s %d", len(core), p.Name, p.Size)
	}
	first := uint64(p.start / Sector)
	code := append([]byte(nil), boot[:codeSize]...)
	binary.LittleEndian.PutUint64(code[bootKernel:], first)
	// Two instructions that do nothing: believe the number that the BIOS gave,
	// as on every disk that is not a floppy.
	code[bootDrive], code[bootDrive+1] = 0x90, 0x90
	rest := append([]byte(nil), core...)
	binary.LittleEndian.PutUint64(rest[coreNext:], first+1)
	if _, err := w.WriteAt(rest, p.start); err != nil {
		return nil, fmt.Errorf("write GRUB's core: %w", err)
	}
	return code, nil
}
