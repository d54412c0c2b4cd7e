package update_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"yhteiskone/internal/release"
	"yhteiskone/kiosk/update"
)

// errPower is what everything answers once power is gone.
var errPower = errors.New("power is gone")

const sector = 512

// disk is a disk that can lose power. Whatever was not synced is in memory
// only: when power goes, each sector of it has reached the disk or not, in any
// order. The sector itself is old or new.
type disk struct {
	files map[string]*file
	ops   int // writes, cuts and syncs so far
	cutAt int // power goes in that one; 0 for never
	dark  bool
	luck  *rand.Rand
	rot   string // a file that the disk garbles as it keeps it
}

// file is what is on the disk, and what is in memory.
type file struct {
	disk         *disk
	name         string
	kept, cached []byte
	dirty        map[int64]bool // sectors
	sized        bool           // the size was changed
}

func newDisk() *disk {
	return &disk{files: map[string]*file{}, luck: rand.New(rand.NewPCG(1, 1))}
}

func (d *disk) open(name string, size int) *file {
	f, ok := d.files[name]
	if !ok {
		f = &file{disk: d, name: name, kept: make([]byte, size), cached: make([]byte, size), dirty: map[int64]bool{}}
		d.files[name] = f
	}
	return f
}

func (d *disk) Slot(slot string) (update.File, error) { return d.open("slot/"+slot, slotSize), nil }
func (d *disk) Boot(name string) (update.File, error) { return d.open(name, 0), nil }

// op is one of the moments at which power may go.
func (d *disk) op() error {
	if d.dark {
		return errPower
	}
	if d.ops++; d.ops == d.cutAt {
		return errPower
	}
	return nil
}

// cut is the end of power: what was on its way arrives or does not.
func (d *disk) cut() {
	d.dark = true
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		d.files[name].settle(func() bool { return d.luck.IntN(2) == 0 })
	}
}

// on gives power back: what is on the disk is all there is.
func (d *disk) on() {
	if !d.dark {
		d.cut()
	}
	d.dark, d.cutAt = false, 0
	for _, f := range d.files {
		f.cached, f.dirty, f.sized = bytes.Clone(f.kept), map[int64]bool{}, false
	}
}

// settle brings sectors to the disk.
func (f *file) settle(arrives func() bool) {
	if f.sized && arrives() {
		f.kept = resized(f.kept, len(f.cached))
	}
	for _, s := range slices.Sorted(maps.Keys(f.dirty)) {
		if !arrives() {
			continue
		}
		end := min(s+sector, int64(len(f.cached)))
		if end > int64(len(f.kept)) {
			f.kept = resized(f.kept, int(end))
		}
		if s < end {
			copy(f.kept[s:end], f.cached[s:end])
		}
	}
}

func resized(b []byte, n int) []byte {
	if n <= len(b) {
		return b[:n]
	}
	return append(b, make([]byte, n-len(b))...)
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	err := f.disk.op()
	if f.disk.dark {
		return 0, err
	}
	whole := len(p)
	if err != nil { // torn: some of it was on its way
		p = p[:f.disk.luck.IntN(len(p)+1)/sector*sector]
	}
	if end := int(at) + len(p); end > len(f.cached) {
		f.cached, f.sized = resized(f.cached, end), true
	}
	copy(f.cached[at:], p)
	for s := at / sector * sector; s < at+int64(len(p)); s += sector {
		f.dirty[s] = true
	}
	if err != nil {
		f.disk.cut()
		return len(p), err
	}
	return whole, nil
}

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	if f.disk.dark {
		return 0, errPower
	}
	return bytes.NewReader(f.cached).ReadAt(p, at)
}

func (f *file) Size() (int64, error) { return int64(len(f.cached)), nil }

func (f *file) Truncate(size int64) error {
	if strings.HasPrefix(f.name, "slot/") {
		return nil
	}
	if err := f.disk.op(); err != nil {
		f.disk.cut()
		return err
	}
	f.cached, f.sized = resized(f.cached, int(size)), true
	return nil
}

func (f *file) Sync() error {
	if err := f.disk.op(); err != nil {
		f.disk.cut()
		return err
	}
	f.settle(func() bool { return true })
	f.dirty, f.sized = map[int64]bool{}, false
	if f.disk.rot == f.name && len(f.kept) > 0 {
		f.kept[len(f.kept)/4] ^= 1
	}
	return nil
}

// Forget has what follows read what is on the disk.
func (f *file) Forget() error {
	if len(f.dirty) == 0 && !f.sized {
		f.cached = bytes.Clone(f.kept)
	}
	return nil
}

func (f *file) Close() error { return nil }

// grub starts the machine as images' grub.cfg does, on what is on the disk: it
// counts a trial down before it tries it, takes the active slot otherwise, and
// A if the environment is none. fails are versions that never get as far as the
// kiosk. It returns the slot and the version that run, or "" after many tries.
func grub(d *disk, fails ...string) (slot, version string) {
	for range 10 {
		active, trial, left := "A", "", 0
		block := d.open("grubenv", 0)
		text := string(block.cached)
		good := len(text) == 1024 && strings.HasPrefix(text, "# GRUB Environment Block\n")
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			switch {
			case !good:
			case name == "active":
				active = value
			case name == "trial":
				trial = value
			case name == "trial_left":
				left, _ = strconv.Atoi(value)
			}
		}
		slot = active
		if trial != "" && left > 0 {
			slot = trial
			text = strings.Replace(text, "trial_left="+strconv.Itoa(left), "trial_left="+strconv.Itoa(left-1), 1)
			block.cached, block.kept = []byte(text), []byte(text)
		}
		if version = starts(d, slot); version != "" && !slices.Contains(fails, version) {
			return slot, version
		}
	}
	return "", ""
}

// starts returns the version in a slot if every byte of it is right, as the
// kernel's dm-verity would find; the root hash stands for the whole root.
func starts(d *disk, slot string) string {
	config := d.open(slot+"/"+release.SlotConfig, 0).cached
	size, err := strconv.Atoi(release.SlotValue(config, "hashoffset"))
	root := d.open("slot/"+slot, slotSize).cached
	if err != nil || size > len(root) {
		return ""
	}
	version, sum := release.SlotValue(config, "version"), sha256.Sum256(root[:size])
	if hex.EncodeToString(sum[:]) != release.SlotValue(config, "roothash") ||
		string(d.open(slot+"/"+release.Kernel, 0).cached) != kernelOf(version) ||
		string(d.open(slot+"/"+release.Initrd, 0).cached) != initrdOf(version) {
		return ""
	}
	return version
}
