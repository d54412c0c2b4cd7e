// Package writetest makes small disk images with a kiosk's partitions, for the
// tests of what writes them. It is no part of the product.
//
// Caveat: such an image has the right shape and starts no machine.
package writetest

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"

	"yhteiskone/provision/gpt"
)

const mib = 1 << 20

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
	var laid []gpt.Partition
	for i, p := range parts {
		laid = append(laid, gpt.Partition{Name: p.Name, Type: gpt.Linux(), ID: gpt.GUID{byte(i + 1)}, Size: p.MiB * mib})
	}
	table, err := gpt.New(gpt.GUID{1}, laid)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(table.Size()), table.WriteTo(f, nil)); err != nil {
		t.Fatal(err)
	}
	for i, p := range table.Partitions {
		switch p.Name {
		case "kiosk-conf":
			if parts[i].MiB < leastFAT {
				break
			}
			if _, err := fat32.Create(file.New(f, false), p.Size, p.Start(), gpt.Sector, "KIOSK-CONF", true); err != nil {
				t.Fatal(err)
			}
		case "kiosk-A", "kiosk-esp":
			if _, err := f.WriteAt(noise(p.Size), p.Start()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return path
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
