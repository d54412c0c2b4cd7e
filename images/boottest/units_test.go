package boottest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnits looks at the units in which sessions and the shell run, from inside,
// as who broke out of the sandbox there would. Then a session ends though the
// process that ends it is stopped, and one ends with the kiosk, killed. Only with
// YHTEISKONE_BOOT_UNITS=1.
func TestUnits(t *testing.T) {
	image, programs, shots := given(t)
	if os.Getenv("YHTEISKONE_BOOT_UNITS") == "" {
		t.Skip("takes six minutes; say: YHTEISKONE_BOOT_UNITS=1 make boot-test BOOT='-run TestUnits'")
	}
	m := newMachine(t, image, programs, filepath.Join(shots, "units"))
	m.start(bios(), 2048)
	m.free()
	m.introduce()
	m.open("inside")
	before := m.proof()
	m.inside(t)

	const spawned = "pgrep -u client -x kiosk"
	m.eyes.see("pkill -STOP -u client -x kiosk; kiosk end")
	until(t, patience, "the end of a session whose processes are stopped", func() (bool, string) {
		s := m.eyes.state()
		return s == "ready", s
	})
	before = m.wiped(before)
	if said := m.wrong("ps -o stat=,args= -u client | grep '^T'"); said != "" {
		t.Errorf("of the session there still is: %s", said)
	}

	m.open("killed")
	old := m.eyes.see(spawned)
	m.eyes.see("systemctl kill --kill-whom=main --signal=KILL yhteiskone.service")
	until(t, time.Minute, "the end of what a killed kiosk had started", func() (bool, string) {
		said, _ := m.eyes.try("for p in " + strings.Join(strings.Fields(old), " ") + "; do [ -d /proc/$p ] && echo $p; done")
		return said == "", said
	})
	m.back(before)
	m.picture("after-kill")
}

// inside tries from the units of session and shell what neither may reach there.
func (m *machine) inside(t *testing.T) {
	t.Helper()
	in := func(whose, pattern string) string {
		return "nsenter -t $(pgrep -u " + whose + " -f '" + pattern + "' | head -n 1) -m -n -i -- setpriv --reuid " + whose + " --regid " + whose + " --clear-groups -- timeout 20 bash -c "
	}
	session, shell := in("client", "^/usr/bin/bwrap"), in("kiosk", "^bwrap")
	for _, c := range []struct{ what, unit, line string }{
		{"a session's unit", session, "exec 3<>/dev/tcp/" + webAt + "/80"},
		{"a session's unit", session, "exec 3<>/dev/tcp/" + seenAt + "/8443"},
		{"a session's unit", session, "ls /run/yhteiskone-proc/whole"},
		{"a session's unit", session, "ls /proc/1/status"},
		{"a session's unit", session, "ls /dev/sda || ls /dev/snd || ls /dev/dri"},
		{"a session's unit", session, "touch /usr/koe || touch /run/koe || touch /var/koe"},
		{"the shell's unit", shell, "cat /var/lib/yhteiskone/key.pem"},
		{"the shell's unit", shell, "ls /run/yhteiskone-units/session"},
		{"the shell's unit", shell, "ls /run/yhteiskone-proc/whole"},
		{"the shell's unit", shell, "ls /boot/esp/EFI"},
	} {
		if said, code := m.eyes.try(c.unit + "'" + c.line + "'"); code == "0" {
			t.Errorf("in %s this works: %s\n%s", c.what, c.line, said)
		}
	}
	// That there is something to refuse, and that we are where we say.
	for _, line := range []string{
		session + "'touch /tmp/koe && [ -S /tmp/.X11-unix/X0 ]'",
		shell + "'[ -S /tmp/.X11-unix/X0 ]'",
		"setpriv --reuid kiosk --regid kiosk --clear-groups cat /var/lib/yhteiskone/key.pem >/dev/null",
		"[ ! -e /tmp/koe ] && ls /dev/sda && ls /run/yhteiskone-proc/whole/",
	} {
		if said, code := m.eyes.try(line); code != "0" {
			t.Errorf("this should work and does not: %s\n%s", line, said)
		}
	}
}
