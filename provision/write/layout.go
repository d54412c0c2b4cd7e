package write

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// sector is the unit of the partition table. Disks with larger ones show such
// an image as no table at all; no stick and no donated PC has them.
const sector = 512

// tableEnd is how much of an image holds its partition table: the old-style
// sector, the header and 128 entries.
const tableEnd = 34 * sector

// ConfPart is the partition that holds what is one machine's own.
const ConfPart = "kiosk-conf"

// wanted are the partitions without which an image is not a kiosk's.
func wanted() []string {
	return []string{"kiosk-esp", "kiosk-A", "kiosk-B", ConfPart, "kiosk-data"}
}

// layout is what a partition table says.
type layout struct {
	size  int64 // of the whole disk
	parts map[string]span
}

// span is where a partition lies, in bytes.
type span struct{ start, size int64 }

// readLayout reads the GUID partition table at the beginning of a disk.
func readLayout(head []byte) (layout, error) {
	var none layout
	le := binary.LittleEndian
	h := head[sector : 2*sector]
	if string(h[:8]) != "EFI PART" || head[510] != 0x55 || head[511] != 0xaa {
		return none, errors.New("it has no partition table of the kind GPT")
	}
	length := le.Uint32(h[12:])
	if length < 92 || length > sector {
		return none, errors.New("its partition table is damaged")
	}
	own := append([]byte(nil), h[:length]...)
	le.PutUint32(own[16:], 0)
	count, size := le.Uint32(h[80:]), le.Uint32(h[84:])
	if crc32.ChecksumIEEE(own) != le.Uint32(h[16:]) || le.Uint64(h[72:]) != 2 || size != 128 || count == 0 || count > 128 {
		return none, errors.New("its partition table is damaged")
	}
	table := head[2*sector : 2*sector+int(count*size)]
	if crc32.ChecksumIEEE(table) != le.Uint32(h[88:]) {
		return none, errors.New("its partition table is damaged")
	}
	last := le.Uint64(h[32:]) // where the second copy of the header is: the very end
	if last > 1<<40 {
		return none, errors.New("its partition table is damaged")
	}
	l := layout{size: int64(last+1) * sector, parts: map[string]span{}}
	for ; len(table) > 0; table = table[size:] {
		first, end := le.Uint64(table[32:]), le.Uint64(table[40:])
		name := partName(table[56:128])
		if first == 0 || name == "" {
			continue
		}
		if end < first || end > last || l.parts[name].size != 0 {
			return none, fmt.Errorf("its partition %q is not in order", name)
		}
		l.parts[name] = span{int64(first) * sector, int64(end-first+1) * sector}
	}
	for _, name := range wanted() {
		if l.parts[name].size == 0 {
			return none, fmt.Errorf("it has no partition %q", name)
		}
	}
	return l, nil
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
