package gpt

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

// memory is a disk in memory.
type memory []byte

func (m memory) WriteAt(p []byte, at int64) (int, error) { return copy(m[at:], p), nil }

func written(t *testing.T, parts ...Partition) (*Table, memory) {
	t.Helper()
	table, err := New(GUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, parts)
	if err != nil {
		t.Fatal(err)
	}
	disk := make(memory, table.Size())
	if err := table.WriteTo(disk, bytes.Repeat([]byte{0xaa}, 440)); err != nil {
		t.Fatal(err)
	}
	return table, disk
}

// Every number of the specification's tables that a firmware reads.
func TestTable(t *testing.T) {
	le := binary.LittleEndian
	table, disk := written(t, Partition{Name: "kiosk-bios", Type: BIOSBoot(), Size: 1 << 20},
		Partition{Name: "ä", Type: ESP(), ID: GUID{0xff}, Size: 3<<20 + 512}, Partition{Name: "end", Type: Linux(), Size: 512})
	if table.Size() != 8<<20 {
		t.Errorf("the disk has %d bytes", table.Size())
	}
	last := uint64(table.Size()/Sector - 1)
	mbr := disk[:512]
	if !bytes.Equal(mbr[:440], bytes.Repeat([]byte{0xaa}, 440)) || mbr[446] != 0x80 || mbr[450] != 0xee || le.Uint32(mbr[454:]) != 1 ||
		uint64(le.Uint32(mbr[458:])) != last || mbr[510] != 0x55 || mbr[511] != 0xaa {
		t.Errorf("the MBR is %x", mbr[440:])
	}
	for name, c := range map[string]struct{ at, other, table uint64 }{"first": {1, last, 2}, "copy": {last, 1, last - 32}} {
		h := disk[c.at*Sector:][:Sector]
		sum := le.Uint32(h[16:])
		plain := bytes.Clone(h[:92])
		le.PutUint32(plain[16:], 0)
		all := disk[c.table*Sector:][:128*128]
		if string(h[:8]) != "EFI PART" || le.Uint32(h[8:]) != 0x10000 || le.Uint32(h[12:]) != 92 || sum != crc32.ChecksumIEEE(plain) ||
			le.Uint64(h[24:]) != c.at || le.Uint64(h[32:]) != c.other || le.Uint64(h[40:]) != 34 || le.Uint64(h[48:]) != last-33 ||
			le.Uint64(h[72:]) != c.table || le.Uint32(h[80:]) != 128 || le.Uint32(h[84:]) != 128 || le.Uint32(h[88:]) != crc32.ChecksumIEEE(all) {
			t.Errorf("the %s header is %x", name, h[:92])
		}
		if !bytes.Equal(h[56:64], []byte{4, 3, 2, 1, 6, 5, 8, 7}) {
			t.Errorf("the %s header's GUID is %x", name, h[56:72])
		}
		second := all[128:256]
		// c12a7328-f81f-11d2-ba4b-00a0c93ec93b, as it lies on every disk
		if !bytes.Equal(second[:16], []byte{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}) ||
			le.Uint64(second[32:]) != 4096 || le.Uint64(second[40:]) != 4096+6144 || le.Uint16(second[56:]) != 'ä' || le.Uint16(second[58:]) != 0 {
			t.Errorf("the second entry is %x", second)
		}
	}
	if p, err := table.Find("end"); err != nil || p.Start() != 6<<20 {
		t.Errorf("the last partition begins at %d, %v", p.Start(), err)
	}
	if _, err := table.Find("none"); err == nil {
		t.Error("a partition was found that is not there")
	}
}

func TestNewRefuses(t *testing.T) {
	for name, parts := range map[string][]Partition{
		"whole sectors": {{Name: "a", Size: 100}}, "empty": {{Name: "a"}}, "long name": {{Name: strings.Repeat("a", 37), Size: 512}},
		"many": make([]Partition, 129),
	} {
		if _, err := New(GUID{}, parts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	table, err := New(GUID{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.WriteTo(make(memory, table.Size()), make([]byte, 441)); err == nil {
		t.Error("a boot sector's code reaches into the table of the MBR")
	}
}

// What grub-bios-setup would write, and no more.
func TestInstallGRUB(t *testing.T) {
	table, err := New(GUID{}, []Partition{{Name: "b", Size: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	disk := make(memory, table.Size())
	boot, core := bytes.Repeat([]byte{1}, 512), bytes.Repeat([]byte{2}, 1500)
	code, err := InstallGRUB(disk, table.Partitions[0], boot, core)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte{1}, 440)
	copy(want[0x5c:], []byte{0, 8, 0, 0, 0, 0, 0, 0})
	copy(want[0x66:], []byte{0x90, 0x90})
	if !bytes.Equal(code, want) {
		t.Errorf("the boot sector's code is %x", code)
	}
	want = bytes.Repeat([]byte{2}, 1500)
	copy(want[0x1f4:], []byte{1, 8, 0, 0, 0, 0, 0, 0})
	if !bytes.Equal(disk[1<<20:1<<20+1500], want) || bytes.Trim(disk[:1<<20], "\x00") != nil && len(bytes.Trim(disk[:1<<20], "\x00")) > 0 {
		t.Error("the core is not where it belongs, or something else is")
	}
	if boot[0x66] != 1 || core[0x1f4] != 2 {
		t.Error("what was handed in was changed")
	}
	for name, c := range map[string][2][]byte{"short boot": {boot[:100], core}, "short core": {boot, core[:600]}, "large core": {boot, make([]byte, 1<<20+1)}} {
		if _, err := InstallGRUB(disk, table.Partitions[0], c[0], c[1]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What is written is read as it was; one bit of it changed, and it is not.
func TestRead(t *testing.T) {
	want, disk := written(t, Partition{Name: "kiosk-bios", Type: BIOSBoot(), Size: 1 << 20}, Partition{Name: "ä", Type: ESP(), Size: 3<<20 + 512})
	got, err := Read(disk[:Head])
	if err != nil {
		t.Fatal(err)
	}
	if got.Size() != want.Size() || len(got.Partitions) != 2 {
		t.Errorf("%+v", got)
	}
	for i, p := range got.Partitions {
		if w := want.Partitions[i]; p.Name != w.Name || p.Start() != w.Start() || p.Size != w.Size {
			t.Errorf("%+v, want %+v", p, w)
		}
	}
	for at := Sector; at < Sector+headerSize; at++ {
		bad := bytes.Clone(disk[:Head])
		bad[at] ^= 1
		if _, err := Read(bad); err == nil {
			t.Errorf("byte %d of the header was changed and nobody noticed", at-Sector)
		}
	}
	for at := tableLBA * Sector; at < Head; at += 61 {
		bad := bytes.Clone(disk[:Head])
		bad[at] ^= 1
		if _, err := Read(bad); err == nil {
			t.Errorf("byte %d of the table was changed and nobody noticed", at)
		}
	}
	for _, n := range []int{0, Sector, Head - 1} {
		if _, err := Read(disk[:n]); err == nil {
			t.Errorf("%d bytes are a table", n)
		}
	}
}

// On another disk the same partitions lie in the same places, with their types,
// and the copy of the table at that disk's very end.
func TestOn(t *testing.T) {
	_, small := written(t, Partition{Name: "a", Type: ESP(), ID: GUID{1}, Size: 1 << 20}, Partition{Name: "b", Type: Linux(), ID: GUID{2}, Size: 1 << 20})
	own, err := Read(small[:Head])
	if err != nil {
		t.Fatal(err)
	}
	const size = 20<<20 + 3*Sector
	table, err := own.On(size)
	if err != nil {
		t.Fatal(err)
	}
	if table.Size() != size || own.Size() != 4<<20 || table.Tail() != size-33*Sector || table.Used() != 3<<20 {
		t.Errorf("%d, %d, %d, %d", table.Size(), own.Size(), table.Tail(), table.Used())
	}
	large := make(memory, size)
	if err := table.WriteTo(large, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Read(large[:Head])
	if err != nil || got.Size() != size || got.ID != own.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, p := range got.Partitions {
		if p != own.Partitions[i] || p.Type != []GUID{ESP(), Linux()}[i] || p.ID != (GUID{byte(i + 1)}) {
			t.Errorf("%+v became %+v", own.Partitions[i], p)
		}
	}
	if string(large[size-Sector:size-Sector+8]) != "EFI PART" {
		t.Error("the disk's end holds no copy")
	}
	for _, few := range []int64{3 << 20, 3<<20 + 32*Sector} {
		if _, err := own.On(few); err == nil || !strings.Contains(err.Error(), "the partition b") {
			t.Errorf("%d bytes are enough: %v", few, err)
		}
	}
	if _, err := own.On(3<<20 + 33*Sector); err != nil {
		t.Error(err)
	}
}
