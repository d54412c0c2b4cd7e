package health

import (
	"math/bits"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// device is one input device as the kernel lists it in
// /proc/bus/input/devices, which everybody may read.
type device struct {
	phys  string // where it is plugged in, without the number of its part
	sysfs string
	keys  bitmap
	rel   bitmap
	abs   bitmap
	prop  bitmap
}

// Numbers of the kernel's input-event-codes.h.
const (
	keyQ, keyP, keyA, keyL  = 16, 25, 30, 38
	keySpace                = 57
	btnLeft                 = 0x110
	relX, relY              = 0, 1
	absX, absY              = 0, 1
	absMultiX, absMultiY    = 0x35, 0x36
	propPointer, propDirect = 0, 1
)

// keyboard reports whether one can write with it: a power button and a
// headset's keys are keyboards to the kernel too.
func (d device) keyboard() bool {
	return d.keys.all(keyQ, keyP) && d.keys.all(keyA, keyL) && d.keys.has(keySpace)
}

// pointer reports whether it moves the pointer: a mouse, a touch pad, a
// tablet.
func (d device) pointer() bool {
	moves := d.rel.has(relX) && d.rel.has(relY) || d.abs.has(absX) && d.abs.has(absY)
	return moves && d.keys.has(btnLeft) && !d.touch()
}

// touch reports whether it is a touch screen.
func (d device) touch() bool {
	return d.prop.has(propDirect) && !d.prop.has(propPointer) &&
		(d.abs.has(absMultiX) && d.abs.has(absMultiY) || d.abs.has(absX) && d.abs.has(absY))
}

// inputs reads the list; ok is false if there is none to read.
func inputs(proc string) (all []device, ok bool) {
	text, err := os.ReadFile(path.Join(proc, "bus/input/devices"))
	if err != nil {
		return nil, false
	}
	var d *device
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		kind, rest, _ := strings.Cut(line, ": ")
		name, value, _ := strings.Cut(rest, "=")
		switch {
		case kind == "I":
			all = append(all, device{})
			d = &all[len(all)-1]
		case d == nil:
		case kind == "P" && name == "Phys":
			d.phys = place(value)
		case kind == "S" && name == "Sysfs":
			d.sysfs = value
		case kind == "B" && name == "KEY":
			d.keys = parseBitmap(value)
		case kind == "B" && name == "REL":
			d.rel = parseBitmap(value)
		case kind == "B" && name == "ABS":
			d.abs = parseBitmap(value)
		case kind == "B" && name == "PROP":
			d.prop = parseBitmap(value)
		}
	}
	return all, len(all) > 0 || len(text) == 0
}

// place is where a device is plugged in: one keyboard with a row of media keys
// is two devices in one place.
func place(phys string) string {
	if i := strings.LastIndex(phys, "/input"); i > 0 {
		return phys[:i]
	}
	return phys
}

// count counts the devices that are what is asked for, each place once.
func count(all []device, is func(device) bool) *int {
	places := map[string]bool{}
	n := 0
	for _, d := range all {
		if !is(d) {
			continue
		}
		if d.phys == "" {
			n++
			continue
		}
		places[d.phys] = true
	}
	n += len(places)
	return &n
}

// bitmap is a kernel's bitmap, least significant word first.
type bitmap []uint

// parseBitmap reads hexadecimal words, the most significant first. What it
// cannot read has no bits.
func parseBitmap(s string) bitmap {
	words := strings.Fields(s)
	b := make(bitmap, len(words))
	for i, w := range words {
		v, err := strconv.ParseUint(w, 16, bits.UintSize)
		if err != nil {
			return nil
		}
		b[len(words)-1-i] = uint(v)
	}
	return b
}

func (b bitmap) has(n int) bool {
	i := n / bits.UintSize
	return i < len(b) && b[i]>>(n%bits.UintSize)&1 == 1
}

func (b bitmap) all(from, to int) bool {
	for n := from; n <= to; n++ {
		if !b.has(n) {
			return false
		}
	}
	return true
}

// CardReader reports whether a reader of smart cards is plugged in; false if it
// does not know.
func CardReader(sys string) bool {
	devices, _ := usb(sys, nil)
	return slices.ContainsFunc(devices, func(d usbDevice) bool { return d.reader })
}

// TouchScreen reports whether the machine has a touch screen; false if it does
// not tell.
func TouchScreen(proc string) bool {
	in, _ := inputs(proc)
	return slices.ContainsFunc(in, device.touch)
}
