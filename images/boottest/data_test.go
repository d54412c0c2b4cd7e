package boottest

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// kiosk-data damaged, gone from the table, wiped: what the machine makes of it
// before there is a kiosk. Nothing starts but what belongs to it, so that this is
// short; what the curtain says is TestTrouble's.
func TestData(t *testing.T) {
	image, programs, shots := given(t)
	m := newMachine(t, image, programs, filepath.Join(shots, "data"))
	// A starved QEMU of two processors lost a kernel that changed its own code (int3
	// in sched_clock_cpu) in two starts of three.
	m.cpus = 1
	const config = "EFI/debian/grub.cfg"
	text, err := m.get("kiosk-esp", config)
	if err != nil {
		t.Fatal(err)
	}
	m.put("kiosk-esp", config, strings.ReplaceAll(text, "systemd.wants=",
		"systemd.unit=basic.target systemd.wants=conf.mount systemd.wants=yhteiskone-data.service systemd.wants="))
	at, size := m.bounds("kiosk-data")
	// boots says where kiosk-data is mounted, whose it is, and how its maker ended.
	boots := func(what string, comes bool) (mounted, maker string) {
		t.Helper()
		m.stop()
		m.start(bios(), 2048)
		until(t, patience, "the start, "+what, func() (bool, string) {
			said, _ := m.eyes.try("systemctl is-system-running")
			return said == "running" || said == "degraded", said
		})
		if comes { // a disk that is found late is mounted late
			until(t, patienceOfEyes, "kiosk-data, "+what, func() (bool, string) {
				said, _ := m.eyes.try("findmnt -n /var/lib/yhteiskone")
				return said != "", said
			})
		}
		mounted = m.eyes.see("findmnt -n -o FSTYPE,OPTIONS /var/lib/yhteiskone || true; stat -c '%U %a' /var/lib/yhteiskone")
		maker = m.eyes.see("systemctl show -P ConditionResult yhteiskone-data; systemctl show -P Result yhteiskone-data; journalctl -b -o cat --no-pager -u yhteiskone-data -u 'systemd-fsck@*kiosk*data*' -u var-lib-yhteiskone.mount | tail -n 6")
		t.Logf("%s: %s; %s", what, mounted, maker)
		return mounted, maker
	}
	is := func(what string, mounted, mended bool) {
		t.Helper()
		where, maker := boots(what, mounted)
		if strings.HasPrefix(where, "ext4 rw") != mounted || !strings.Contains(where, "kiosk 7") {
			t.Errorf("%s: %s", what, where)
		}
		if strings.HasPrefix(maker, "yes\nsuccess") != mended {
			t.Errorf("%s, what repairs it or makes another: %s", what, maker)
		}
		if mounted {
			m.eyes.see("setpriv --reuid kiosk --regid kiosk --clear-groups -- sh -c 'echo there >/var/lib/yhteiskone/word'; sync")
		}
	}
	is("as it was made", true, false)
	m.stop()
	m.overwrite(at, make([]byte, 4096))
	is("its superblock overwritten", true, true) // repaired, by its own copies
	if said := m.eyes.see("cat /var/lib/yhteiskone/word"); said != "there" {
		t.Errorf("what was kept is %q", said)
	}
	m.stop()
	table := m.bytes(0, 34*512)
	m.run("sfdisk", "--quiet", "--delete", m.disk, strconv.Itoa(m.number("kiosk-data")))
	is("gone from the table", false, false)
	m.stop()
	m.overwrite(0, table)
	m.overwrite(at, make([]byte, size))
	m.run("mdel", "-i", m.partition("kiosk-conf"), "::join.json")
	is("wiped", false, false)
	m.stop()
	m.put("kiosk-conf", "join.json", m.agent.join)
	is("wiped, with a join file", true, true)
	is("made anew", true, false)
}
