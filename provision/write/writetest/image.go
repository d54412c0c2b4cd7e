// Package writetest makes small disk images with a kiosk's partitions, for the
// tests of what writes them. It is no part of the product.
//
// Caveat: such an image has the right shape and starts no machine.
package writetest

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
)

const (
	sector = 512
	mib    = 1 << 20
)

// leastFAT is the smallest FAT32 there is, in MiB.
const leastFAT = 34

// Part is a partition of an image: its name and its size in MiB.
type Part struct {
	Name string
	MiB  int64
}

// Parts are those of the contract, smaller.
func Parts() []Part {
	return []Part{{"kiosk-bios", 1}, {"kiosk-esp", 2}, {"kiosk-A", 9}, {"kiosk-B", 9}, {"kiosk-conf", 36}, {"kiosk-data", 1}}
}

// Small are the same without a file system in kiosk-conf.
func Small() []Part {
	return []Part{{"kiosk-bios", 1}, {"kiosk-esp", 1}, {"kiosk-A", 5}, {"kiosk-B", 5}, {"kiosk-conf", 1}, {"kiosk-data", 1}}
}

// Image makes an image with these partitions and returns its path. The slot A
// holds bytes that are all different, B nothing, kiosk-conf (if it has room) an empty
// FAT32.
func Image(t testing.TB, parts []Part) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "yhteiskone-1.img")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(mib)
	table := make([]byte, 128*128)
	for i, p := range parts {
		entry(table[i*128:], p.Name, byte(i+1), at, p.MiB*mib)
		switch p.Name {
		case "kiosk-conf":
			if p.MiB < leastFAT {
				break
			}
			defer func(at, size int64) {
				if _, err := fat32.Create(file.New(f, false), size, at, sector, "KIOSK-CONF", true); err != nil {
					t.Fatal(err)
				}
			}(at, p.MiB*mib)
		case "kiosk-A", "kiosk-esp":
			put(t, f, at, noise(p.MiB*mib))
		}
		at += p.MiB * mib
	}
	size := at + mib
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	last := uint64(size/sector - 1)
	mbr := make([]byte, sector)
	mbr[446+4] = 0xee
	binary.LittleEndian.PutUint32(mbr[446+8:], 1)
	binary.LittleEndian.PutUint32(mbr[446+12:], uint32(last))
	mbr[510], mbr[511] = 0x55, 0xaa
	put(t, f, 0, mbr)
	put(t, f, 2*sector, table)
	put(t, f, sector, header(table, 1, last, 2, last))
	put(t, f, size-33*sector, table)
	put(t, f, size-sector, header(table, last, 1, last-32, last))
	return path
}

func put(t testing.TB, f *os.File, at int64, text []byte) {
	t.Helper()
	if _, err := f.WriteAt(text, at); err != nil {
		t.Fatal(err)
	}
}

// noise does not repeat within reach, and is the same in every run.
func noise(n int64) []byte {
	b := make([]byte, n)
	for i, x := 0, uint64(1); i+8 <= len(b); i += 8 {
		x = x*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(b[i:], x)
	}
	return b
}

func entry(e []byte, name string, id byte, at, size int64) {
	copy(e, []byte{0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4})
	e[16] = id
	binary.LittleEndian.PutUint64(e[32:], uint64(at/sector))
	binary.LittleEndian.PutUint64(e[40:], uint64((at+size)/sector-1))
	for i, c := range utf16.Encode([]rune(name)) {
		binary.LittleEndian.PutUint16(e[56+2*i:], c)
	}
}

func header(table []byte, own, other, at, last uint64) []byte {
	h := make([]byte, sector)
	copy(h, "EFI PART")
	le := binary.LittleEndian
	le.PutUint32(h[8:], 0x10000)
	le.PutUint32(h[12:], 92)
	le.PutUint64(h[24:], own)
	le.PutUint64(h[32:], other)
	le.PutUint64(h[40:], 34)
	le.PutUint64(h[48:], last-33)
	h[56] = 1
	le.PutUint64(h[72:], at)
	le.PutUint32(h[80:], 128)
	le.PutUint32(h[84:], 128)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(table))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
	return h
}
