package boottest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/escape"
)

// attempt is a way out of the session that is tried in the machine: a row of the
// escape table. act does it and says what came of it; "" is that it led nowhere.
type attempt struct {
	row int
	act func(m *machine) string
}

// attempts are tried in a session one after the other. Before and after each the
// machine must be the same: the same start, the same programs, the same screen.
func attempts() []attempt {
	return []attempt{
		{30, func(m *machine) string {
			for n := 1; n <= 12; n++ {
				m.press("ctrl", "alt", fmt.Sprintf("f%d", n))
			}
			return m.wrong(`systemctl list-units --all --plain --no-legend 'getty@*' 'serial-getty@*' 'autovt@*' 'console-getty*' | grep -w running; systemctl list-jobs --no-legend | grep getty; grep -lxE 'agetty|login|sulogin' /proc/[0-9]*/comm`)
		}},
		{31, func(m *machine) string {
			m.press("ctrl", "alt", "backspace")
			m.press("ctrl", "alt", "backspace")
			return ""
		}},
		{32, func(m *machine) string {
			for range 8 {
				m.press("ctrl", "alt", "delete")
			}
			return m.wrong(`systemctl list-jobs --no-legend | grep -E 'reboot|poweroff|shutdown|ctrl-alt'`)
		}},
		{33, func(m *machine) string {
			for _, letter := range []string{"o", "k", "r", "e", "i", "f", "b"} {
				m.press("alt", "sysrq", letter)
			}
			return m.wrong("grep -vx 0 /proc/sys/kernel/sysrq")
		}},
		{37, stick},
		{38, strangeKeyboard},
	}
}

// elsewhere are the rows that a test of its own tries, because they end the
// session or the machine.
func elsewhere() map[int]string { return map[int]string{35: "TestPower"} }

// wrong is what a look prints that must find nothing.
func (m *machine) wrong(look string) string {
	m.t.Helper()
	said, _ := m.eyes.try(look)
	return said
}

// stick plugs in one that has a file system and files that like to be started.
func stick(m *machine) string {
	before := m.eyes.see("cat /proc/mounts; ls /dev/disk/by-id")
	path := m.dir + "/stick"
	m.run("truncate", "-s", "16M", path)
	m.run("mformat", "-i", path, "-v", "TIKKU", "::")
	for name, text := range map[string]string{"autorun.inf": "[autorun]\r\nopen=koe.sh\r\n", "koe.desktop": "[Desktop Entry]\nType=Application\nExec=/bin/sh\n", "koe.sh": "#!/bin/sh\n"} {
		m.putIn(path, name, text)
	}
	m.ask("blockdev-add", map[string]any{"driver": "raw", "node-name": "stick", "file": map[string]any{"driver": "file", "filename": path}})
	m.ask("device_add", map[string]any{"driver": "usb-storage", "id": "stick", "drive": "stick", "bus": "usb.0"})
	until(m.t, patienceOfEyes, "the stick on its bus", func() (bool, string) {
		said, code := m.eyes.try("grep -l 08 /sys/bus/usb/devices/*/bInterfaceClass && udevadm settle --timeout=30")
		return code == "0", said
	})
	defer m.ask("device_del", map[string]any{"id": "stick"})
	if after := m.eyes.see("cat /proc/mounts; ls /dev/disk/by-id"); after != before {
		return "was:\n" + before + "\nis:\n" + after
	}
	return m.wrong("grep -h . /sys/bus/usb/devices/*/bInterfaceClass -l | while read -r f; do d=${f%/*}; [ \"$(cat $d/bInterfaceClass)\" = 08 ] && cat $d/authorized; done | grep -vx 0")
}

// strangeKeyboard plugs in one that types what a keyboard that is none would try.
func strangeKeyboard(m *machine) string {
	m.ask("device_add", map[string]any{"driver": "usb-kbd", "id": "strange", "bus": "usb.0"})
	until(m.t, patienceOfEyes, "the second keyboard", func() (bool, string) {
		said, _ := m.eyes.try("grep -c 'QEMU USB Keyboard' /proc/bus/input/devices")
		return said == "2", said
	})
	defer m.ask("device_del", map[string]any{"id": "strange"})
	for _, keys := range burst() {
		m.press(keys...)
	}
	until(m.t, patienceOfEyes, "the dashboard's word about the keyboard", func() (bool, string) {
		k, seen := m.agent.one()
		for _, f := range k.Faults {
			if f.Code == "new_keyboard" {
				return true, ""
			}
		}
		return false, seen
	})
	return ""
}

// burst are keys that open things on a desktop: rows 17 to 29 of the table.
func burst() [][]string {
	var all [][]string
	for range 8 {
		for _, keys := range []string{"f1", "f11", "esc", "alt-spc", "f12", "ctrl-shift-i", "ctrl-n", "ctrl-t", "ctrl-shift-n", "ctrl-shift-t", "ctrl-h", "ctrl-j",
			"ctrl-shift-o", "ctrl-shift-delete", "shift-esc", "f6", "f7", "alt-left", "alt-home", "alt-tab", "meta_l-r", "meta_l-d", "meta_l-e", "meta_r", "compose"} {
			all = append(all, strings.Split(keys, "-"))
		}
	}
	return all
}

// standing is what no attempt may change. Its last line counts what came from
// keyboards and other hands, and must change.
func (m *machine) standing() (same, hands string) {
	m.t.Helper()
	same = m.eyes.see("cat /proc/sys/kernel/random/boot_id /sys/class/tty/tty0/active; systemctl show -P MainPID yhteiskone.service yhteiskone-screen.service") + "\n" + m.eyes.state()
	return same, m.eyes.see("grep -E 'xhci|i8042' /proc/interrupts")
}

// escapes tries them all in the session that runs.
func (m *machine) escapes(t *testing.T) {
	for _, a := range attempts() {
		t.Run(fmt.Sprintf("escape %d", a.row), func(t *testing.T) {
			whole := m.t
			m.t, m.eyes.t = t, t
			defer func() { m.t, m.eyes.t = whole, whole }()
			before, hands := m.standing()
			if !strings.HasSuffix(before, "in_use") {
				t.Fatalf("no session runs: %s", before)
			}
			began := time.Now()
			came := a.act(m)
			m.picture(fmt.Sprintf("escape-%d", a.row))
			after, touched := m.standing()
			if came != "" {
				t.Errorf("it led to %s", came)
			}
			if after != before {
				t.Errorf("the machine was\n%s\nand is\n%s", before, after)
			}
			if touched == hands {
				t.Error("nothing of it came to the machine")
			}
			t.Logf("row %d: the same after %.0f s", a.row, time.Since(began).Seconds())
		})
	}
}

// Every row that the table leaves to the image is tried here, and none twice.
func TestEscapesAreTheTable(t *testing.T) {
	tried := elsewhere()
	for _, a := range attempts() {
		if tried[a.row] != "" {
			t.Errorf("row %d is tried twice", a.row)
		}
		tried[a.row] = "here"
	}
	for _, r := range escape.Table() {
		if _, ok := tried[r.N]; ok != (r.Where == escape.TriedImage) {
			t.Errorf("row %d (%s) is tried %q in the table; here it is tried: %v", r.N, r.Attempt, r.Where, ok)
		}
		delete(tried, r.N)
	}
	for n := range tried {
		t.Errorf("%d is no row of the table", n)
	}
}
