// Package writetest makes small disk images with a kiosk's partitions, for the
// tests of what writes them. It is no part of the product.
//
// Caveat: such an image has the right shape and starts no machine.
package writetest

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// Startable is an image that can also be handed out over a network: kiosk-esp
// holds these files.
func Startable(t testing.TB, files map[string]string) string {
	t.Helper()
	parts := Parts()
	parts[1].MiB, parts[4].MiB = leastFAT+2, 1 // it is not written to
	path := Image(t, parts)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at, size := int64(2*mib), parts[1].MiB*mib // behind the first partition
	if _, err := f.WriteAt(make([]byte, size), at); err != nil {
		t.Fatal(err)
	}
	esp, err := fat32.Create(file.New(f, false), size, at, gpt.Sector, "KIOSK-ESP", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := esp.Mkdir("/" + filepath.Dir(name)); err != nil {
			t.Fatal(err)
		}
		to, err := esp.OpenFile("/"+name, os.O_CREATE|os.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Start are files that a start over the network needs.
func Start() map[string]string {
	return map[string]string{
		"EFI/kiosk/A/vmlinuz": "kernel", "EFI/kiosk/A/initrd.img": "first stage", "EFI/kiosk/net.img": "network",
		"EFI/kiosk/A/slot.cfg": "set roothash=abc\nset hashoffset=4096\nset version=1\n",
		"EFI/debian/grub.cfg":  "set timeout=0\nlinux $kiosk/$slot/vmlinuz boot=kiosk kiosk.esp=$esp kiosk.slot=$slot kiosk.roothash=$roothash kiosk.hashoffset=$hashoffset kiosk.version=$version ro quiet\ninitrd $kiosk/$slot/initrd.img\nboot\n",
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
