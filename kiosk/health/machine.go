package health

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// sound reports whether there is a sound card.
func sound(proc string) *bool {
	text, err := os.ReadFile(filepath.Join(proc, "asound/cards"))
	if err != nil {
		return nil
	}
	there := false
	for line := range strings.Lines(string(text)) {
		number, _, found := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := strconv.Atoi(number); err == nil && found {
			there = true
		}
	}
	return &there
}

// swap reports whether memory may be written to a disk. Swap that stays in
// memory (zram) is none.
func swap(proc string) *bool {
	text, err := os.ReadFile(filepath.Join(proc, "swaps"))
	if err != nil {
		return nil
	}
	on, first := false, true
	for line := range strings.Lines(string(text)) {
		if first { // the heading
			first = false
			continue
		}
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "/dev/zram") {
			on = true
		}
	}
	if first {
		return nil
	}
	return &on
}

// adjtimex states and bits of the kernel's timex.h.
const (
	timeError  = 5
	staUnsynch = 0x40
)

// clockSet asks the kernel whether a time server keeps its clock. Asking needs
// no privilege, but a unit with ProtectClock= may not ask; what systemd's own
// time service notes in run, it may read.
func clockSet(run string) *bool {
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	if err != nil {
		return clockNoted(run)
	}
	set := state != timeError && t.Status&staUnsynch == 0
	return &set
}

func clockNoted(run string) *bool {
	dir := filepath.Join(run, "systemd/timesync")
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	_, err := os.Stat(filepath.Join(dir, "synchronized"))
	set := err == nil
	return &set
}

// updates counts what waits: in the file that the machine's update check
// leaves behind, or at least one if a restart is asked for. Neither: nil.
func updates(run string) *int {
	n, known := 0, false
	if text, err := os.ReadFile(filepath.Join(run, "yhteiskone/updates")); err == nil {
		if v, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && v >= 0 && v <= 1_000_000 {
			n, known = v, true
		}
	}
	if _, err := os.Stat(filepath.Join(run, "reboot-required")); err == nil {
		n, known = max(n, 1), true
	}
	if !known {
		return nil
	}
	return &n
}

// power reads where power comes from. A desktop machine knows nothing of it.
func power(sys string) (mains *bool, percent *int) {
	dir := filepath.Join(sys, "class/power_supply")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil
	}
	var discharging *bool
	for _, e := range entries {
		at := filepath.Join(dir, e.Name())
		if attribute(at, "scope") == "Device" {
			continue // of a wireless mouse
		}
		switch attribute(at, "type") {
		case "Mains", "USB":
			if on := attribute(at, "online"); on != "" {
				plugged := on != "0" || mains != nil && *mains
				mains = &plugged
			}
		case "Battery":
			if v, err := strconv.Atoi(attribute(at, "capacity")); err == nil && v >= 0 && (percent == nil || v < *percent) {
				percent = new(min(v, 100))
			}
			if s := attribute(at, "status"); s != "" && s != "Unknown" {
				discharging = new(s == "Discharging" || discharging != nil && *discharging)
			}
		}
	}
	if mains == nil && discharging != nil {
		mains = new(!*discharging)
	}
	return mains, percent
}

// diskHealthy reports whether a disk says that it is failing. An eMMC tells
// everybody; of other disks only root may ask, so a timer of the machine does
// and leaves a line per disk in a file: its name and PASSED or FAILED.
func diskHealthy(sys, run string) *bool {
	var healthy *bool
	say := func(ok bool) {
		ok = ok && (healthy == nil || *healthy)
		healthy = &ok
	}
	if text, err := os.ReadFile(filepath.Join(run, "yhteiskone/smart")); err == nil {
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) == 2 && f[1] == "PASSED" {
				say(true)
			} else if len(f) == 2 && f[1] == "FAILED" {
				say(false)
			}
		}
	}
	cards, _ := filepath.Glob(filepath.Join(sys, "block/mmcblk*/device"))
	for _, at := range cards {
		switch attribute(at, "pre_eol_info") {
		case "0x01":
			say(true)
		case "0x02", "0x03": // 80 and 90 % of the spare blocks are used
			say(false)
		}
		for _, life := range strings.Fields(attribute(at, "life_time")) {
			if strings.EqualFold(life, "0x0b") { // more than its estimated life
				say(false)
			}
		}
	}
	return healthy
}
