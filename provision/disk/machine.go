package disk

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Machine is where a machine's disks are looked up: Root is "/", or a folder
// with the same files in it.
type Machine struct{ Root string }

// This is the machine that the program runs on.
func This() Machine { return Machine{"/"} }

// dull begin the names of block devices that are no disks: memory, optical and
// floppy drives, network blocks, and what is made of disks.
var dull = []string{"ram", "zram", "loop", "sr", "fd", "nbd", "dm-", "md", "zd", "mtdblock"}

// List returns the machine's disks in the order of their names. Loop devices
// are not among them; Find takes one that is named.
func (m Machine) List() ([]Disk, error) {
	names, err := os.ReadDir(m.at("sys/block"))
	if err != nil {
		return nil, fmt.Errorf("list the disks: %w", err)
	}
	used, err := m.used()
	if err != nil {
		return nil, err
	}
	var all []Disk
	for _, n := range names {
		boot := strings.HasPrefix(n.Name(), "mmcblk") && strings.Contains(n.Name(), "boot")
		if boot || slices.ContainsFunc(dull, func(d string) bool { return strings.HasPrefix(n.Name(), d) }) {
			continue
		}
		if d := m.disk(n.Name(), used); d.Size > 0 { // a card reader without a card has none
			all = append(all, d)
		}
	}
	return all, nil
}

// Number returns the disk with a major:minor number.
func (m Machine) Number(number string) (Disk, error) {
	name, whole, err := m.name(number)
	if err != nil {
		return Disk{}, err
	}
	if !whole {
		parent := filepath.Base(filepath.Dir(m.device(number)))
		return Disk{}, &Problem{ExitInput, "partition", fmt.Sprintf("/dev/%s is one partition of a disk.", name),
			fmt.Sprintf("Name the whole disk: /dev/%s.", parent)}
	}
	used, err := m.used()
	if err != nil {
		return Disk{}, err
	}
	return m.disk(name, used), nil
}

// device is the folder of a block device, by its number.
func (m Machine) device(number string) string {
	dir, err := filepath.EvalSymlinks(m.at("sys/dev/block", number))
	if err != nil {
		return ""
	}
	return dir
}

func (m Machine) name(number string) (name string, whole bool, err error) {
	dir := m.device(number)
	if dir == "" {
		return "", false, fmt.Errorf("there is no block device %s", number)
	}
	_, err = os.Stat(filepath.Join(dir, "partition"))
	return filepath.Base(dir), err != nil, nil
}

func (m Machine) disk(name string, used map[string]string) Disk {
	dir := m.at("sys/block", name)
	whole := part(name, dir, m)
	d := Disk{Path: "/dev/" + name, Size: whole.Size, Holds: []Part{}, Number: line(dir, "dev"), Sequence: line(dir, "diskseq"),
		Removable: line(dir, "removable") == "1", ReadOnly: line(dir, "ro") == "1", Bus: bus(name, dir)}
	d.Block, _ = strconv.ParseInt(line(dir, "queue/logical_block_size"), 10, 64)
	db := m.udev(d.Number)
	d.Model = cmp.Or(line(dir, "device/model"), line(dir, "device/name"), strings.ReplaceAll(db["ID_MODEL"], "_", " "))
	if vendor := line(dir, "device/vendor"); vendor != "" && vendor != "ATA" && !strings.HasPrefix(vendor, "0x") && d.Model != "" {
		d.Model = vendor + " " + d.Model
	}
	d.Serial = cmp.Or(db["ID_SERIAL_SHORT"], line(dir, "serial"), line(dir, "device/serial"), usbSerial(dir))
	if whole.Kind != "" {
		d.Holds = append(d.Holds, whole)
	}
	d.Refused = m.refusal(name, dir, whole, used)
	inside, _ := os.ReadDir(dir)
	for _, e := range inside {
		at := filepath.Join(dir, e.Name())
		if _, err := os.Stat(filepath.Join(at, "partition")); err != nil {
			continue
		}
		p := part(e.Name(), at, m)
		d.Holds = append(d.Holds, p)
		d.Refused = cmp.Or(d.Refused, m.refusal(e.Name(), at, p, used))
	}
	if d.ReadOnly {
		d.Refused = cmp.Or(d.Refused, "it is read-only")
	}
	return d
}

// refusal says why a disk or partition must not be erased.
func (m Machine) refusal(name, dir string, p Part, used map[string]string) string {
	if why := used[line(dir, "dev")]; why != "" {
		return why
	}
	holders, _ := os.ReadDir(filepath.Join(dir, "holders"))
	if len(holders) > 0 {
		above := holders[0].Name()
		return fmt.Sprintf("%s is a part of %s", name, cmp.Or(line(m.at("sys/block", above), "dm/name"), above))
	}
	if p.Kind == "zfs_member" { // ZFS shows no holders
		return name + " is a part of a ZFS pool"
	}
	return ""
}

func part(name, dir string, m Machine) Part {
	sectors, _ := strconv.ParseInt(line(dir, "size"), 10, 64) // of 512 bytes, whatever the disk's are
	db := m.udev(line(dir, "dev"))
	return Part{Name: name, Size: sectors * 512, Kind: db["ID_FS_TYPE"], Label: plain(db["ID_FS_LABEL_ENC"]),
		Called: plain(db["ID_PART_ENTRY_NAME"])}
}

// udev is what udev found out about a block device; empty where none runs.
func (m Machine) udev(number string) map[string]string {
	text, err := os.ReadFile(m.at("run/udev/data", "b"+number))
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for l := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(l), "="); ok && strings.HasPrefix(key, "E:") {
			all[key[2:]] = value
		}
	}
	return all
}

// plain takes udev's \x20 out of a label, and what no terminal should get.
func plain(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+4 <= len(s) {
			if v, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return printable(b.String())
}

func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, s))
}

// bus is how the disk is connected.
func bus(name, dir string) string {
	path, _ := filepath.EvalSymlinks(dir)
	if backing := line(dir, "loop/backing_file"); backing != "" || strings.HasPrefix(name, "loop") {
		return "loop"
	}
	for _, c := range []struct{ in, bus string }{{"/usb", "usb"}, {"/mmc", "mmc"}, {"/nvme", "nvme"}, {"/virtio", "virtio"}, {"/ata", "sata"}} {
		if strings.Contains(path, c.in) {
			return c.bus
		}
	}
	return ""
}

// usbSerial looks for the serial number of the USB device that a disk is in.
func usbSerial(dir string) string {
	path, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
	if err != nil || !strings.Contains(path, "/usb") {
		return ""
	}
	for ; filepath.Base(path) != "devices" && len(path) > 1; path = filepath.Dir(path) {
		if s := line(path, "serial"); s != "" {
			return s
		}
		if line(path, "idVendor") != "" { // the device itself: above it are hubs
			return ""
		}
	}
	return ""
}

func (m Machine) at(parts ...string) string {
	return filepath.Join(append([]string{m.Root}, parts...)...)
}

// line is the text of a small file, or empty.
func line(parts ...string) string {
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		return ""
	}
	return printable(string(text))
}
