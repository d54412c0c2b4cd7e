package look

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// all is true if every one is, nil if one of them is not known, and false if
// one is.
func all(each ...*bool) *bool {
	known := true
	for _, v := range each {
		if v != nil && !*v {
			return v
		}
		known = known && v != nil
	}
	if !known {
		return nil
	}
	return new(true)
}

// consoles reports that no key leads to another console, and that no login
// waits on one.
func (m Machine) consoles() *bool {
	return all(m.xorg("DontVTSwitch", "true"), m.setting("logind", "NAutoVTs", "0"), m.noProcess("agetty", "getty", "login"))
}

func (m Machine) noZap() *bool { return m.xorg("DontZap", "true") }

// xorg looks for an option in the X server's own files; the last one counts.
// Without the folder there is no such server.
func (m Machine) xorg(option, want string) *bool {
	files, _ := filepath.Glob(m.path("/etc/X11/xorg.conf.d/*.conf"))
	if len(files) == 0 {
		return nil
	}
	shape := regexp.MustCompile(`(?im)^\s*Option\s+"` + regexp.QuoteMeta(option) + `"\s+"([^"]*)"`)
	value := ""
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil
		}
		for _, found := range shape.FindAllStringSubmatch(string(text), -1) {
			value = found[1]
		}
	}
	return new(strings.EqualFold(value, want))
}

// setting looks for a key in the drop-ins of one of systemd's files; the last
// one counts.
func (m Machine) setting(of, key, want string) *bool {
	files, _ := filepath.Glob(m.path("/etc/systemd/" + of + ".conf.d/*.conf"))
	if len(files) == 0 {
		return nil
	}
	value := ""
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil
		}
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == key {
				value = v
			}
		}
	}
	return new(value == want)
}

// noRestart reports that Ctrl+Alt+Del starts nothing: its unit leads nowhere.
func (m Machine) noRestart() *bool {
	if _, err := os.Stat(m.path("/etc/systemd/system")); err != nil {
		return nil
	}
	to, err := os.Readlink(m.path("/etc/systemd/system/ctrl-alt-del.target"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return all(new(to == "/dev/null"), m.setting("system", "CtrlAltDelBurstAction", "none"))
}

// power reports what the button and the lid do, and that a start shows no menu.
func (m Machine) power() *bool {
	var menu *bool
	if text, ok := m.read("/boot/esp/EFI/debian/grub.cfg"); ok {
		menu = new(strings.Contains(text, "set timeout=0\n") && strings.Contains(text, "set superusers=") && !strings.Contains(text, "menuentry"))
	}
	return all(m.setting("logind", "HandlePowerKey", "poweroff"), m.setting("logind", "HandleLidSwitch", "ignore"), menu)
}

// noMounter reports that nothing on the machine mounts what is plugged in, or
// shows what is on it.
func (m Machine) noMounter() *bool {
	for _, name := range []string{"/usr/libexec/udisks2/udisksd", "/usr/lib/udisks2/udisksd", "/usr/libexec/gvfsd", "/usr/lib/gvfs/gvfsd", "/usr/bin/udiskie",
		"/usr/bin/pcmanfm", "/usr/bin/nautilus", "/usr/bin/thunar", "/usr/bin/nemo", "/usr/bin/dolphin", "/usr/share/usbmount", "/etc/autofs.conf"} {
		if _, err := os.Lstat(m.path(name)); err == nil {
			return new(false)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	mounts, ok := m.read("/proc/self/mounts")
	if !ok {
		return nil
	}
	for line := range strings.Lines(mounts) {
		if f := strings.Fields(line); len(f) > 1 && (strings.HasPrefix(f[1], "/media/") || strings.HasPrefix(f[1], "/run/media/")) {
			return new(false)
		}
	}
	return m.noProcess("udisksd", "gvfsd", "automount")
}

// noProcess reports that no process has one of the names.
func (m Machine) noProcess(names ...string) *bool {
	found, err := filepath.Glob(m.path("/proc/[0-9]*/comm"))
	if err != nil || len(found) == 0 {
		return nil
	}
	for _, f := range found {
		text, err := os.ReadFile(f)
		if err == nil && slices.Contains(names, strings.TrimSpace(string(text))) { // one that ended meanwhile is none
			return new(false)
		}
	}
	return new(true)
}
