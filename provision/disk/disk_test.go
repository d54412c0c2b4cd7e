package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fake is a machine made of files.
type fake struct {
	t    *testing.T
	root string
}

func newFake(t *testing.T) *fake {
	f := &fake{t, t.TempDir()}
	f.put("proc/self/mountinfo", "21 26 0:20 / /proc rw - proc proc rw\n")
	f.put("proc/swaps", "Filename Type Size Used Priority\n")
	return f
}

func (f *fake) machine() Machine { return Machine{f.root} }

func (f *fake) put(path, text string) {
	f.t.Helper()
	at := filepath.Join(f.root, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) link(path, to string) {
	f.t.Helper()
	at := filepath.Join(f.root, path)
	os.MkdirAll(filepath.Dir(at), 0o755)
	if err := os.Symlink(filepath.Join(f.root, to), at); err != nil {
		f.t.Fatal(err)
	}
}

// block makes a block device at a place below sys/devices, with more files.
func (f *fake) block(place, number, sectors string, more map[string]string) {
	name, dir := filepath.Base(place), "sys/devices/"+place
	f.put(dir+"/dev", number+"\n")
	f.put(dir+"/size", sectors+"\n")
	for path, text := range more {
		f.put(dir+"/"+path, text+"\n")
	}
	f.link("sys/dev/block/"+number, dir)
	f.link("sys/class/block/"+name, dir)
	if more["partition"] == "" {
		f.link("sys/block/"+name, dir)
	}
}

// stick is a USB stick with one file system.
func (f *fake) stick() {
	at := "pci0/usb1/1-2/1-2:1.0/host2/target/2:0:0:0/block/sdb"
	f.block(at, "8:16", "15625000", map[string]string{"removable": "1", "ro": "0", "diskseq": "7"})
	f.put("sys/devices/pci0/usb1/1-2/serial", "AA11223344\n")
	f.put("sys/devices/pci0/usb1/1-2/idVendor", "0951\n")
	f.put("sys/devices/pci0/usb1/serial", "0000:00:14.0\n") // the hub's, not the stick's
	f.put("sys/devices/pci0/usb1/1-2/1-2:1.0/host2/target/2:0:0:0/model", "DataTraveler\n")
	f.put("sys/devices/pci0/usb1/1-2/1-2:1.0/host2/target/2:0:0:0/vendor", "Kingston\n")
	f.link("sys/devices/"+at+"/device", "sys/devices/pci0/usb1/1-2/1-2:1.0/host2/target/2:0:0:0")
	f.block(at+"/sdb1", "8:17", "15622952", map[string]string{"partition": "1"})
	f.put("run/udev/data/b8:17", "N:sdb1\nE:ID_FS_TYPE=vfat\nE:ID_FS_LABEL_ENC=KESA\\x20KUVAT\n")
}

// inner is the machine's own SATA disk with two partitions.
func (f *fake) inner() {
	at := "pci0/ata1/host0/target/0:0:0:0/block/sda"
	f.block(at, "8:0", "500118192", map[string]string{"removable": "0", "serial": "WD-99887766", "diskseq": "1"})
	f.block(at+"/sda1", "8:1", "1000000", map[string]string{"partition": "1"})
	f.block(at+"/sda2", "8:2", "400000000", map[string]string{"partition": "2"})
}

func (f *fake) dm(name, number, calls, below string) {
	f.block("virtual/block/"+name, number, "1000", map[string]string{"dm/name": calls})
	f.link("sys/devices/virtual/block/"+name+"/slaves/"+below, "sys/class/block/"+below)
	at, err := filepath.EvalSymlinks(filepath.Join(f.root, "sys/class/block", below))
	if err != nil {
		f.t.Fatal(err)
	}
	rel, _ := filepath.Rel(f.root, at)
	f.link(rel+"/holders/"+name, "sys/devices/virtual/block/"+name)
}

func (f *fake) one(path string) Disk {
	f.t.Helper()
	all, err := f.machine().List()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range all {
		if d.Path == path {
			return d
		}
	}
	f.t.Fatalf("%s is not among %v", path, all)
	return Disk{}
}

func TestAStickIsDescribed(t *testing.T) {
	f := newFake(t)
	f.stick()
	want := Disk{Path: "/dev/sdb", Size: 8_000_000_000, Model: "Kingston DataTraveler", Serial: "AA11223344", Bus: "usb",
		Removable: true, Number: "8:16", Sequence: "7",
		Holds: []Part{{Name: "sdb1", Size: 7998951424, Kind: "vfat", Label: "KESA KUVAT"}}}
	d := f.one("/dev/sdb")
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	if d.Careful() != "" {
		t.Error("a small stick needs a serial number")
	}
	if text := d.String() + " / " + d.Contents(); text != `/dev/sdb, 8 GB, Kingston DataTraveler, serial number AA11223344 / sdb1 8 GB vfat "KESA KUVAT"` {
		t.Errorf("it is told as %s", text)
	}
}

// Whatever the machine stands on, by whatever way, is refused with the reason.
func TestWhatIsUsedIsRefused(t *testing.T) {
	mount := "21 26 0:20 / /proc rw - proc proc rw\n"
	for name, c := range map[string]struct {
		set  func(f *fake)
		says string
	}{
		"free": {func(f *fake) {}, ""},
		"root": {func(f *fake) { f.put("proc/self/mountinfo", mount+"26 1 8:2 / / rw - ext4 /dev/sda2 rw\n") }, "runs from it"},
		"mounted": {func(f *fake) {
			f.put("proc/self/mountinfo", mount+"26 1 8:1 / /media/u\\040s rw - ext4 /dev/sda1 rw\n")
		}, "mounted at /media/u s"},
		"root goes before another mount": {func(f *fake) {
			f.put("proc/self/mountinfo", "27 1 8:1 / /media rw - ext4 /dev/sda1 rw\n26 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
		}, "runs from it"},
		"whole disk mounted": {func(f *fake) { f.put("proc/self/mountinfo", "26 1 8:0 / /media rw - ext4 /dev/sda rw\n") }, "mounted at /media"},
		"btrfs":              {func(f *fake) { f.put("proc/self/mountinfo", "26 1 0:31 / / rw - btrfs /dev/sda2 rw\n") }, "runs from it"},
		"overlay over verity": {func(f *fake) {
			f.dm("dm-0", "254:0", "kiosk-root", "sda2")
			f.put("proc/self/mountinfo", "25 1 254:0 / /run/kiosk/lower ro - squashfs /dev/dm-0 ro\n"+
				"26 1 0:44 / / rw - overlay overlay rw,lowerdir=/run/kiosk/lower,upperdir=/run/kiosk/rw/up,workdir=/run/kiosk/rw/w\n")
		}, "runs from it"},
		"verity whose mount is hidden": {func(f *fake) {
			f.dm("dm-0", "254:0", "kiosk-root", "sda2")
			f.put("proc/self/mountinfo", "26 1 0:44 / / rw - overlay overlay rw,lowerdir=/lower,upperdir=/up\n")
		}, "sda2 is a part of kiosk-root"},
		"crypt under LVM under root": {func(f *fake) {
			f.dm("dm-0", "254:0", "crypt", "sda2")
			f.dm("dm-1", "254:1", "vg-root", "dm-0")
			f.put("proc/self/mountinfo", "26 1 254:1 / / rw - ext4 /dev/mapper/vg-root rw\n")
		}, "runs from it"},
		"loop on a file": {func(f *fake) {
			f.block("virtual/block/loop3", "7:3", "1000", map[string]string{"loop/backing_file": "/store/live/root.squashfs"})
			f.put("proc/self/mountinfo", "24 1 8:1 / /store rw - ext4 /dev/sda1 rw\n26 1 7:3 / / ro - squashfs /dev/loop3 ro\n")
		}, "runs from it"},
		"swap": {func(f *fake) { f.put("proc/swaps", "Filename Type\n/dev/sda2 partition 1 0 -2\n") }, "swaps to it"},
		"swap file": {func(f *fake) {
			f.put("proc/self/mountinfo", "24 1 8:1 / /store rw - ext4 /dev/sda1 rw\n")
			f.put("proc/swaps", "Filename Type\n/store/swap file 1 0 -2\n")
		}, "mounted at /store"},
		"RAID":      {func(f *fake) { f.dm("md0", "9:0", "", "sda1") }, "sda1 is a part of md0"},
		"ZFS":       {func(f *fake) { f.put("run/udev/data/b8:2", "E:ID_FS_TYPE=zfs_member\n") }, "ZFS pool"},
		"read-only": {func(f *fake) { f.put("sys/block/sda/ro", "1\n") }, "read-only"},
	} {
		f := newFake(t)
		f.inner()
		f.stick()
		c.set(f)
		if d := f.one("/dev/sda"); c.says == "" && d.Refused != "" || !strings.Contains(d.Refused, c.says) {
			t.Errorf("%s: refused %q", name, d.Refused)
		}
		if d := f.one("/dev/sdb"); d.Refused != "" {
			t.Errorf("%s: the stick is refused: %s", name, d.Refused)
		}
	}
}

func TestOnlyDisksAreListed(t *testing.T) {
	f := newFake(t)
	f.inner()
	f.stick()
	f.dm("dm-0", "254:0", "x", "sda1")
	for i, n := range []string{"loop0", "zram0", "ram0", "sr0", "md1", "zd0", "nbd0", "fd0"} {
		f.block("virtual/block/"+n, "99:"+string(rune('0'+i)), "1000", nil)
	}
	f.block("mmc0/mmcblk0boot0", "179:8", "8192", nil)
	f.block("pci0/usb9/block/sdc", "8:32", "0", nil) // a reader without a card
	all, err := f.machine().List()
	if err != nil || len(all) != 2 || all[0].Path != "/dev/sda" || all[1].Path != "/dev/sdb" {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAPartitionIsNoDisk(t *testing.T) {
	f := newFake(t)
	f.inner()
	_, err := f.machine().Number("8:2")
	var p *Problem
	if !errors.As(err, &p) || p.Exit != ExitInput || !strings.Contains(p.Todo, "/dev/sda.") {
		t.Errorf("%v", err)
	}
}

func TestCarefulAndMark(t *testing.T) {
	big := Disk{Path: "/dev/sdb", Size: 256e9, Removable: true, Bus: "usb", Serial: "s3cr-AB12"}
	if big.Careful() != "large" || (Disk{Size: 32e9, Bus: "sata"}).Careful() != "built in" ||
		(Disk{Size: 64e9, Bus: "usb"}).Careful() != "" || (Disk{Size: 64e9, Removable: true, Bus: "mmc"}).Careful() != "" {
		t.Error("the wrong disks ask for care")
	}
	for typed, ok := range map[string]bool{"AB12": true, "ab12 ": true, "cr-ab12": true, "B12": false, "": false, "XB12": false, "xxs3cr-AB12": false} {
		if big.Marked(typed) != ok {
			t.Errorf("%q: %v", typed, !ok)
		}
	}
	for _, d := range []Disk{{Path: "/dev/sdb", Model: "Flash Disk"}, {Path: "/dev/sdb"}, {Path: "/dev/nvme0n1"}} {
		text, of := d.Mark()
		if !d.Marked(text) || d.Marked("") || d.Marked("zzzz") {
			t.Errorf("%q of %s is not its mark", text, of)
		}
	}
}

func TestSame(t *testing.T) {
	d := Disk{Path: "/dev/sdb", Serial: "A", Size: 8e9, Model: "M", Sequence: "7", Number: "8:16"}
	for says, change := range map[string]func(*Disk){
		"":              func(*Disk) {},
		"serial number": func(d *Disk) { d.Serial = "B" }, "size": func(d *Disk) { d.Size++ },
		"model": func(d *Disk) { d.Model = "N" }, "pulled out": func(d *Disk) { d.Sequence = "8" },
	} {
		now := d
		change(&now)
		if why := d.Same(now); says == "" && why != "" || !strings.Contains(why, says) {
			t.Errorf("%q is told as %q", says, why)
		}
	}
}

func TestFindAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stick")
	if _, err := This().Find(path); err == nil || !strings.Contains(err.Error(), "There is no disk") {
		t.Error(err)
	}
	if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := This().Find(path)
	if err != nil || d.Size != 1000 || d.Bus != "file" || d.Careful() != "" {
		t.Errorf("%+v, %v", d, err)
	}
	for _, other := range []string{filepath.Dir(path), "/dev/null"} {
		if _, err := This().Find(other); err == nil || !strings.Contains(err.Error(), "is not a disk") {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// This machine's own disks can be listed, and the one it runs from is refused.
func TestThisMachine(t *testing.T) {
	all, err := This().List()
	if err != nil {
		t.Skip("no /sys here:", err)
	}
	for _, d := range all {
		t.Log(d, "|", d.Contents(), "|", d.Refused)
	}
}
