package write

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/gpt"
	"yhteiskone/provision/write/writetest"
)

// copying is what an installer asks for: the image in a file stands for the disk
// that the machine runs from.
func copying(t *testing.T, image, to string, last func(context.Context) (Last, error)) (Options, *faulty) {
	t.Helper()
	d, err := disk.This().Find(to)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Running(image, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	f := &faulty{}
	return Options{Image: m, Disk: d, Machine: disk.This(), Now: time.Now, Tell: func(Event) {}, Confirm: func(disk.Disk) error { return nil }, Last: last,
		Open: func(m disk.Machine, d disk.Disk) (dev Device, err error) {
			f.Device, err = open(m, d)
			return f, err
		}}, f
}

// Where the partitions of writetest.Parts lie.
const (
	slotA, slotB, confAt, dataAt = 4 << 20, 13 << 20, 22 << 20, 58 << 20
	partsEnd                     = 59 << 20
)

// filled are a partition's contents in a file.
func filled(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheRunningImageIsPutOnALargerDisk(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	const size = 80<<20 + 7*sector
	to := stick(t, size)
	var asked bool
	o, f := copying(t, image, to, func(context.Context) (Last, error) {
		asked = true
		if text, err := os.ReadFile(to); err != nil || !bytes.Equal(text[slotA:slotA+100], read(t, image)[slotA:slotA+100]) || bootable(t, to) {
			t.Errorf("what is the machine's own is asked for before all else is there: %v", err)
		}
		return Last{Parts: map[string]string{DataPart: filled(t, "this machine's key"), ConfPart: confOf(t, image)}, Files: map[string][]byte{"join.json": []byte("{}")}}, nil
	})
	if _, err := Run(t.Context(), o); err != nil || !asked {
		t.Fatal(err)
	}
	got, want := read(t, to), read(t, image)
	table, err := gpt.Read(got[:gpt.Head])
	if err != nil || table.Size() != size {
		t.Fatalf("%+v, %v", table, err)
	}
	own, err := gpt.Read(want[:gpt.Head])
	if err != nil {
		t.Fatal(err)
	}
	seen := map[gpt.GUID]bool{own.ID: true, table.ID: true}
	for i, p := range table.Partitions {
		if o := own.Partitions[i]; p.Name != o.Name || p.Start() != o.Start() || p.Size != o.Size || p.Type != o.Type || seen[p.ID] || p.ID == o.ID {
			t.Errorf("%+v became %+v", o, p)
		}
		seen[p.ID] = true
	}
	if len(seen) != len(table.Partitions)+2 {
		t.Error("the disk has the stick's identifier")
	}
	if string(got[size-sector:size-sector+8]) != "EFI PART" {
		t.Error("the disk's end holds no copy of the table")
	}
	if !bytes.Equal(got[1<<20:slotB], want[1<<20:slotB]) || !bytes.Equal(got[:440], want[:440]) {
		t.Error("what starts the machine, or the slot, is another")
	}
	if len(bytes.Trim(got[slotB:confAt], "\x00")) != 0 || !bytes.Equal(bytes.Trim(got[dataAt:partsEnd], "\x00"), []byte("this machine's key")) {
		t.Error("the other slot or kiosk-data is not as it should be")
	}
	if join, err := getFile(mustOpen(t, to), o.Image.conf(), "join.json"); err != nil || string(join) != "{}" {
		t.Errorf("%s, %v", join, err)
	}
	if f.wrote[0] != 0 || f.wrote[1] != table.Tail() || f.wrote[len(f.wrote)-1] != 0 {
		t.Errorf("written in the order %v", f.wrote)
	}
	if !bytes.Contains(got[partsEnd:table.Tail()], []byte("older data")) {
		t.Error("what lies behind the partitions was written, which takes hours on a large disk")
	}
}

// Whatever ends it, up to the last: the disk starts no machine, neither as what
// it was nor as a kiosk.
func TestTheRunningImageBrokenOff(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	broken := errors.New("broken")
	none := func(context.Context) (Last, error) { return Last{}, nil }
	for name, spoil := range map[string]func(*Options, *faulty){
		"its own": func(o *Options, _ *faulty) { o.Last = func(context.Context) (Last, error) { return Last{}, broken } },
		"no file": func(o *Options, _ *faulty) {
			o.Last = func(context.Context) (Last, error) {
				return Last{Parts: map[string]string{DataPart: "/nonexistent/x"}}, nil
			}
		},
		"too large": func(o *Options, _ *faulty) {
			o.Last = func(context.Context) (Last, error) {
				return Last{Parts: map[string]string{DataPart: image}}, nil
			}
		},
		"the copy": func(_ *Options, f *faulty) {
			n := 0
			f.write = func(_ []byte, off int64) error {
				if off > partsEnd {
					if n++; n == 2 {
						return broken
					}
				}
				return nil
			}
		},
		"the copy lies": func(_ *Options, f *faulty) {
			f.read = func(p []byte, off int64) error {
				if off > partsEnd {
					p[0] ^= 1
				}
				return nil
			}
		},
		"kiosk-data lies": func(o *Options, f *faulty) {
			o.Last = func(context.Context) (Last, error) {
				f.read = func(p []byte, off int64) error {
					if off == dataAt {
						p[0] ^= 1
					}
					return nil
				}
				return Last{Parts: map[string]string{DataPart: filled(t, "key")}}, nil
			}
		},
	} {
		to := stick(t, 80<<20)
		o, f := copying(t, image, to, none)
		spoil(&o, f)
		_, err := Run(t.Context(), o)
		var p *disk.Problem
		if !errors.As(err, &p) || !errors.As(err, &Spoiled{}) || bootable(t, to) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheRunningImageIsRefused(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	to := disk.Disk{Path: "/dev/sda", Size: partsEnd + 32*sector}
	var p *disk.Problem
	if _, err := Running(image, to); !errors.As(err, &p) || p.Code != "no_space" {
		t.Errorf("%v", err)
	}
	to.Size += sector
	if m, err := Running(image, to); err != nil || m.Size != partsEnd {
		t.Errorf("%v", err)
	}
	for _, path := range []string{"/nonexistent", filled(t, "no table"), writetest.Image(t, writetest.Parts()[1:])} {
		if _, err := Running(path, to); !errors.As(err, &p) || p.Code != "wrong_image" {
			t.Errorf("%s: %v", path, err)
		}
	}
	m, err := Running(image, to)
	if err != nil {
		t.Fatal(err)
	}
	to.Block = 4096
	if _, err := Run(t.Context(), Options{Image: m, Disk: to}); !errors.As(err, &p) || p.Code != "refused" {
		t.Errorf("%v", err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// confOf is the image's kiosk-conf in a file.
func confOf(t *testing.T, image string) string {
	t.Helper()
	return filled(t, string(read(t, image)[confAt:dataAt]))
}

func mustOpen(t *testing.T, path string) Device {
	t.Helper()
	d, err := open(disk.This(), disk.Disk{Path: path, Bus: "file"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
