package install

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"yhteiskone/provision/disk"
)

// Least is how much a disk needs; a machine may say more.
const least = 4_000_000_000

// found is what the installer sees in a machine.
type found struct {
	stick   disk.Disk   // what the machine runs from
	inner   []disk.Disk // every built-in disk
	targets []disk.Disk // those of them that may be erased and are large enough
}

var (
	errNoStick   = errors.New("no disk is known as the one that this machine runs from")
	errTwoSticks = errors.New("this machine runs from two disks: a kiosk is on a disk inside as well")
)

// look sorts the disks out. Nothing is chosen: what is removable, or hangs on
// USB, is never among them.
func look(all []disk.Disk) (found, error) {
	var f found
	sticks := 0
	for _, d := range all {
		if d.Refused == disk.RunsFrom {
			f.stick = d
			sticks++
			continue
		}
		if d.Removable || d.Bus == "usb" {
			continue
		}
		f.inner = append(f.inner, d)
		if d.Refused == "" && !d.ReadOnly && d.Size >= least && d.Block <= 512 {
			f.targets = append(f.targets, d)
		}
	}
	switch {
	case sticks == 0:
		return f, errNoStick
	case sticks > 1:
		return f, errTwoSticks
	}
	return f, nil
}

// alone is the one disk that a hands-off stick may erase: the machine has no
// other, and it is no kiosk's yet.
func (f found) alone(p Plan) (disk.Disk, bool) {
	if len(f.inner) != 1 || len(f.targets) != 1 {
		return disk.Disk{}, false
	}
	d := f.targets[0]
	return d, !kiosks(d) && !slices.Contains(p.Done, identity(d))
}

// kiosks reports whether a kiosk is on the disk.
func kiosks(d disk.Disk) bool {
	return slices.ContainsFunc(d.Holds, func(p disk.Part) bool { return p.Called == "kiosk-A" || p.Called == "kiosk-data" })
}

// identity is by what a disk is known again.
func identity(d disk.Disk) string { return strings.TrimSpace(d.Model + " " + d.Serial) }

// named are the disks whose mark a person typed. More than one is none: then
// more letters are needed.
func named(targets []disk.Disk, typed string) []disk.Disk {
	var all []disk.Disk
	for _, d := range targets {
		if d.Marked(typed) {
			all = append(all, d)
		}
	}
	return all
}

// About is the machine in a line: who made it, and which it is.
func About(root string) string {
	var words []string
	for _, name := range []string{"sys_vendor", "product_name"} {
		text, _ := os.ReadFile(filepath.Join(root, "sys/class/dmi/id", name))
		if word := strings.TrimSpace(string(text)); word != "" && !strings.Contains(strings.ToLower(word), "o.e.m.") && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}
