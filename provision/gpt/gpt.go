// Package gpt writes and reads the partition table of a disk image: GPT with
// its copy at the end, and a protective MBR in which a BIOS finds GRUB.
//
// It makes bytes at offsets, takes them apart, and nothing else: no device, no
// loop, no root. It never decides what a partition holds.
//
// Caveat: 512-byte sectors only, which is what a USB stick and QEMU have.
package gpt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// Sector is the unit of every address in the table.
const Sector = 512

// Sizes of the table: 128 entries of 128 bytes, after the MBR and the header.
const (
	entries    = 128
	entrySize  = 128
	tableLBA   = 2
	tableSize  = entries * entrySize / Sector
	firstLBA   = tableLBA + tableSize
	align      = 2048 // 1 MiB, as every partitioning tool does
	headerSize = 92
)

// GUID is an identifier as people write it, big end first; the table has its
// first three parts the other way round.
type GUID [16]byte

// BIOSBoot is the type of a partition with GRUB's core, where a BIOS has no file
// system to read.
func BIOSBoot() GUID {
	return GUID{0x21, 0x68, 0x61, 0x48, 0x64, 0x49, 0x6e, 0x6f, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49}
}

// ESP is the type of the EFI system partition.
func ESP() GUID {
	return GUID{0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}
}

// Linux is the type of any data of Linux; nothing mounts it by itself.
func Linux() GUID {
	return GUID{0x0f, 0xc6, 0x3d, 0xaf, 0x84, 0x83, 0x47, 0x72, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4}
}

// Basic is the type of a partition that Windows shows, so that a technician can
// put a file there from any computer.
func Basic() GUID {
	return GUID{0xeb, 0xd0, 0xa0, 0xa2, 0xb9, 0xe5, 0x44, 0x33, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7}
}

// Partition is one entry.
type Partition struct {
	Name  string // at most 36 UTF-16 units
	Type  GUID
	ID    GUID
	Size  int64 // bytes
	start int64
}

// Start is where on the disk it begins, in bytes.
func (p Partition) Start() int64 { return p.start }

// Table is a disk.
type Table struct {
	ID         GUID
	Partitions []Partition
	sectors    uint64
}

// New lays the partitions out one after the other on 1 MiB borders.
func New(id GUID, parts []Partition) (*Table, error) {
	if len(parts) > entries {
		return nil, fmt.Errorf("%d partitions are more than %d", len(parts), entries)
	}
	t := &Table{ID: id}
	next := int64(align)
	for _, p := range parts {
		switch {
		case p.Size <= 0 || p.Size%Sector != 0:
			return nil, fmt.Errorf("the partition %s has %d bytes, which are no whole sectors", p.Name, p.Size)
		case len(utf16.Encode([]rune(p.Name))) > 36:
			return nil, fmt.Errorf("the partition's name %q is longer than 36", p.Name)
		}
		p.start = next * Sector
		t.Partitions = append(t.Partitions, p)
		next += (p.Size/Sector + align - 1) / align * align
	}
	t.sectors = uint64(next) + align // room for the copy, and a whole MiB
	return t, nil
}

// Size is how many bytes the disk has.
func (t *Table) Size() int64 { return int64(t.sectors) * Sector }

// On is the same partitions in the same places on a disk of another size: the
// table's copy goes to that disk's end.
func (t *Table) On(size int64) (*Table, error) {
	n := *t
	n.Partitions = append([]Partition(nil), t.Partitions...)
	n.sectors = uint64(size / Sector)
	for _, p := range n.Partitions {
		if p.start+p.Size > (int64(n.sectors)-1-tableSize)*Sector {
			return nil, fmt.Errorf("a disk of %d bytes has no room for the partition %s", size, p.Name)
		}
	}
	return &n, nil
}

// Used is how many bytes there are from the disk's beginning to the end of the
// last partition, in whole MiB.
func (t *Table) Used() int64 {
	end := int64(align) * Sector
	for _, p := range t.Partitions {
		end = max(end, p.start+p.Size)
	}
	return (end + align*Sector - 1) / (align * Sector) * (align * Sector)
}

// TailSize is how many bytes at the disk's end the table's copy has.
const TailSize = (tableSize + 1) * Sector

// Tail is where the table's copy begins.
func (t *Table) Tail() int64 { return t.Size() - TailSize }

// Find returns the partition of that name.
func (t *Table) Find(name string) (Partition, error) {
	for _, p := range t.Partitions {
		if p.Name == name {
			return p, nil
		}
	}
	return Partition{}, fmt.Errorf("there is no partition %q", name)
}

// WriteTo writes MBR, table and copy. boot is the code of a BIOS's boot sector
// (440 bytes at most) or empty.
func (t *Table) WriteTo(w io.WriterAt, boot []byte) error {
	if len(boot) > 440 {
		return errors.New("the code of the boot sector is longer than 440 bytes")
	}
	table := t.entries()
	for _, part := range []struct {
		lba  uint64
		text []byte
	}{
		{0, t.mbr(boot)},
		{1, t.header(table, 1, t.sectors-1, tableLBA)},
		{tableLBA, table},
		{t.sectors - 1 - tableSize, table},
		{t.sectors - 1, t.header(table, t.sectors-1, 1, t.sectors-1-tableSize)},
	} {
		if _, err := w.WriteAt(part.text, int64(part.lba)*Sector); err != nil {
			return fmt.Errorf("write the partition table: %w", err)
		}
	}
	return nil
}

// mbr is one entry over the whole disk, so that old tools see no free room.
// It is marked active: some BIOSes start no other disk.
func (t *Table) mbr(boot []byte) []byte {
	b := make([]byte, Sector)
	copy(b, boot)
	e := b[446:]
	copy(e, []byte{0x80, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(t.sectors-1, 0xffffffff)))
	b[510], b[511] = 0x55, 0xaa
	return b
}

func (t *Table) entries() []byte {
	b := make([]byte, entries*entrySize)
	for i, p := range t.Partitions {
		e := b[i*entrySize:]
		copy(e, mixed(p.Type))
		copy(e[16:], mixed(p.ID))
		binary.LittleEndian.PutUint64(e[32:], uint64(p.start/Sector))
		binary.LittleEndian.PutUint64(e[40:], uint64((p.start+p.Size)/Sector-1))
		for j, u := range utf16.Encode([]rune(p.Name)) {
			binary.LittleEndian.PutUint16(e[56+2*j:], u)
		}
	}
	return b
}

func (t *Table) header(table []byte, self, other, at uint64) []byte {
	b := make([]byte, Sector)
	le := binary.LittleEndian
	copy(b, "EFI PART")
	le.PutUint32(b[8:], 0x00010000)
	le.PutUint32(b[12:], headerSize)
	le.PutUint64(b[24:], self)
	le.PutUint64(b[32:], other)
	le.PutUint64(b[40:], firstLBA)
	le.PutUint64(b[48:], t.sectors-2-tableSize)
	copy(b[56:], mixed(t.ID))
	le.PutUint64(b[72:], at)
	le.PutUint32(b[80:], entries)
	le.PutUint32(b[84:], entrySize)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(table))
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b[:headerSize]))
	return b
}

// mixed is a GUID in the order of the table.
func mixed(g GUID) []byte {
	return []byte{g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6],
		g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]}
}
