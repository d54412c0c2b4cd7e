package gpt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// Head is how many bytes of a disk hold its table: MBR, header and entries.
const Head = firstLBA * Sector

// maxSectors is more than any disk has.
const maxSectors = 1 << 40

var errDamaged = errors.New("its partition table is damaged")

// Read reads the table in the first Head bytes of a disk. What is wrong is told as the end of a sentence about the disk.
func Read(head []byte) (*Table, error) {
	le := binary.LittleEndian
	if len(head) < Head || string(head[Sector:Sector+8]) != "EFI PART" || head[510] != 0x55 || head[511] != 0xaa {
		return nil, errors.New("it has no partition table of the kind GPT")
	}
	h := head[Sector : 2*Sector]
	length := le.Uint32(h[12:])
	if length < headerSize || length > Sector {
		return nil, errDamaged
	}
	own := append([]byte(nil), h[:length]...)
	le.PutUint32(own[16:], 0)
	count, size := le.Uint32(h[80:]), le.Uint32(h[84:])
	if crc32.ChecksumIEEE(own) != le.Uint32(h[16:]) || le.Uint64(h[72:]) != tableLBA || size != entrySize || count == 0 || count > entries {
		return nil, errDamaged
	}
	table := head[tableLBA*Sector : tableLBA*Sector+int(count*size)]
	if crc32.ChecksumIEEE(table) != le.Uint32(h[88:]) {
		return nil, errDamaged
	}
	last := le.Uint64(h[32:]) // where the second copy of the header is: the very end
	if last > maxSectors {
		return nil, errDamaged
	}
	t := &Table{ID: plain(h[56:72]), sectors: last + 1}
	for ; len(table) > 0; table = table[size:] {
		first, end := le.Uint64(table[32:]), le.Uint64(table[40:])
		name := partName(table[56:entrySize])
		if first == 0 || name == "" {
			continue
		}
		if _, err := t.Find(name); err == nil || end < first || end > last {
			return nil, fmt.Errorf("its partition %q is not in order", name)
		}
		t.Partitions = append(t.Partitions, Partition{Name: name, Type: plain(table), ID: plain(table[16:]),
			Size: int64(end-first+1) * Sector, start: int64(first) * Sector})
	}
	return t, nil
}

// plain is a GUID out of the order of the table.
func plain(raw []byte) (g GUID) {
	copy(g[:], mixed(GUID(raw[:len(g)]))) // exchanging its parts twice gives it back
	return g
}

func partName(raw []byte) string {
	var letters []uint16
	for ; len(raw) >= 2; raw = raw[2:] {
		c := binary.LittleEndian.Uint16(raw)
		if c == 0 {
			break
		}
		letters = append(letters, c)
	}
	return string(utf16.Decode(letters))
}
