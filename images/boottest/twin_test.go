package boottest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twin plugs in a stick with another kiosk, made as a technician makes one: its
// partitions have the same names, and its join file leads to another agent. A
// kiosk that took them for its own would work for whoever plugged that in.
func (m *machine) twin(image, programs string) (path string) {
	m.t.Helper()
	path = filepath.Join(m.dir, "twin.img")
	f, err := os.Create(path)
	if err != nil {
		m.t.Fatal(err)
	}
	info, err := os.Stat(image)
	if err == nil {
		err = f.Truncate(info.Size() + 64<<20)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		m.t.Fatal(err)
	}
	join := filepath.Join(m.dir, "twin.json")
	if err := os.WriteFile(join, []byte(strings.Replace(m.agent.join, seenAt, "192.0.2.9", 1)), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.run(filepath.Join(programs, "provision"), "write", image, "--to", path, "--yes", "--join", join)
	m.drives = []string{"-drive", "file=" + m.disk + ",format=raw,if=none,id=d0", "-device", "ide-hd,drive=d0,bus=ahci.0,serial=OURS,bootindex=0",
		"-drive", "file=" + path + ",format=raw,if=none,id=d1", "-device", "usb-storage,drive=d1,bus=usb.0,serial=TWIN,bootindex=1"}
	return path
}

// knowsItsDisk looks whether all that the kiosk uses lies on the disk that it was
// started from, and whether the twin is untouched.
func (m *machine) knowsItsDisk(t *testing.T, twin string) {
	t.Helper()
	for _, name := range []string{"esp", "A", "B", "conf", "data"} {
		said := m.eyes.see("udevadm info --query=property --name=/dev/kiosk/kiosk-" + name)
		if !strings.Contains(said, "ID_SERIAL_SHORT=OURS") {
			t.Errorf("kiosk-%s is of another disk:\n%s", name, said)
		}
	}
	if said := m.eyes.see("ls /dev/disk/by-id"); !strings.Contains(said, "TWIN") {
		t.Errorf("the twin is not there, so nothing was tried: %s", said)
	}
	mounted := m.eyes.see(`for at in /conf /boot/esp /var/lib/yhteiskone; do udevadm info --query=property --name="$(findmnt -no SOURCE $at)" | grep ID_SERIAL_SHORT; done`)
	if strings.Count(mounted, "OURS") != 3 {
		t.Errorf("mounted from: %s", mounted)
	}
	other := &machine{t: t, disk: twin}
	if text, err := other.get("kiosk-conf", "join.json"); err != nil || !strings.Contains(text, "192.0.2.9") {
		t.Errorf("the twin's join file: %q, %v", text, err)
	}
}
