// Package disk says which disks this machine has, what is on them, and which
// of them must not be erased: the one it runs from, and whatever is mounted,
// swapped to or held by something above it (device mapper, RAID, ZFS, loop).
//
// It reads /sys, /proc and udev's database, and never opens a disk: so it needs
// no rights, and nothing that it does can harm one. It never chooses.
//
// Caveat: what it says is true for the moment in which it was read. Who writes
// opens the disk exclusively and compares Same once more.
package disk

import (
	"cmp"
	"fmt"
	"strings"
)

// Disk is one whole disk.
type Disk struct {
	Path      string `json:"path"` // for example /dev/sdb
	Size      int64  `json:"size"` // bytes
	Model     string `json:"model,omitempty"`
	Serial    string `json:"serial,omitempty"`
	Bus       string `json:"bus"` // usb, mmc, nvme, sata, virtio, loop, file; empty if unknown
	Removable bool   `json:"removable"`
	ReadOnly  bool   `json:"read_only"`
	Holds     []Part `json:"holds"`
	// Refused says in one sentence why it must not be erased; empty if it may be.
	Refused string `json:"refused,omitempty"`

	Block    int64  `json:"-"` // bytes of its smallest block; 0 if unknown
	Number   string `json:"-"` // major:minor; empty for a file
	Sequence string `json:"-"` // of the times that a disk was plugged in since the machine started
}

// Part is what a disk holds: a partition, or a file system on the whole disk.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	Kind   string `json:"kind,omitempty"`   // ext4, vfat, swap
	Label  string `json:"label,omitempty"`  // as the person called it who made it
	Called string `json:"called,omitempty"` // the partition's own name
}

// largest is the size from which a disk is too big to be a stick that somebody
// bought to be erased.
const largest = 128_000_000_000

// Careful says why a yes is not enough for this disk: it is "large", or "built
// in"; empty if a yes is enough.
func (d Disk) Careful() string {
	switch {
	case !d.Removable && d.Bus != "usb" && d.Bus != "file" && d.Bus != "loop":
		return "built in"
	case d.Size > largest:
		return "large"
	}
	return ""
}

// mark is how many letters of a serial number a person has to type.
const mark = 4

// Mark is what a person types to say that they looked at this very disk: the
// end of its serial number, or of its model if it has none, or its name.
func (d Disk) Mark() (text, of string) {
	for _, c := range []struct{ text, of string }{
		{d.Serial, "serial number"}, {d.Model, "model"}, {d.Path[strings.LastIndex(d.Path, "/")+1:], "name"}} {
		if letters := []rune(strings.TrimSpace(c.text)); len(letters) > 0 {
			return string(letters[max(0, len(letters)-mark):]), c.of
		}
	}
	return "", ""
}

// Marked reports whether typed ends as the disk's serial number (or what
// stands for it) does; at least the mark's letters are wanted.
func (d Disk) Marked(typed string) bool {
	want, of := d.Mark()
	typed = strings.ToUpper(strings.TrimSpace(typed))
	whole := map[string]string{"serial number": d.Serial, "model": d.Model}[of]
	return typed != "" && len([]rune(typed)) >= len([]rune(want)) &&
		strings.HasSuffix(strings.ToUpper(strings.TrimSpace(cmp.Or(whole, want))), typed)
}

// Same says what makes now another disk than d; empty if nothing does.
func (d Disk) Same(now Disk) string {
	switch {
	case d.Serial != now.Serial:
		return fmt.Sprintf("its serial number was %q and is %q now", d.Serial, now.Serial)
	case d.Size != now.Size:
		return fmt.Sprintf("its size was %s and is %s now", Bytes(d.Size), Bytes(now.Size))
	case d.Model != now.Model:
		return fmt.Sprintf("its model was %q and is %q now", d.Model, now.Model)
	case d.Sequence != now.Sequence || d.Number != now.Number:
		return "it was pulled out and put in again"
	}
	return ""
}

// String is the disk in a line: path, size, model, serial number.
func (d Disk) String() string {
	text := fmt.Sprintf("%s, %s", d.Path, Bytes(d.Size))
	if d.Model != "" {
		text += ", " + d.Model
	}
	if d.Serial != "" {
		text += ", serial number " + d.Serial
	}
	return text
}

// Contents is what is on the disk, for a person.
func (d Disk) Contents() string {
	var all []string
	for _, p := range d.Holds {
		text := p.Name + " " + Bytes(p.Size)
		for _, more := range []string{p.Kind, quoted(p.Label), quoted(p.Called)} {
			if more != "" {
				text += " " + more
			}
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "nothing that this machine knows"
	}
	return strings.Join(all, "; ")
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%q", s)
}

// Bytes is a size as it is printed on the disk's box: 8 GB is 8 000 000 000.
func Bytes(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= u.size {
			return strings.Replace(fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name), ".0 ", " ", 1)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
