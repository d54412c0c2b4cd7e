package boottest

import (
	"strconv"
	"strings"
	"testing"
)

// asClient runs a line as the user of the client's browser.
const asClient = "setpriv --reuid client --regid client --clear-groups -- timeout 20 bash -c "

// walls are what holds whoever got out of the browser's sandbox, tried as the
// user client. Each is refused to it; the same for root, where it can be, shows
// that there is something to refuse.
func (m *machine) walls(t *testing.T) {
	m.introduce()
	for _, w := range []struct {
		what, line string
		root       bool // root can
	}{
		{"the agent in the house", "exec 3<>/dev/tcp/" + seenAt + "/8443", true},
		{"another machine of the house", "exec 3<>/dev/tcp/" + houseAt + "/80", true},
		{"the house's router", "exec 3<>/dev/udp/10.0.2.2/53 && echo x >&3", true},
		{"a port of this machine", "exec 3<>/dev/tcp/127.0.0.1/53", false},
		{"a web port that is none", "exec 3<>/dev/tcp/" + webAt + "/22", false},
		{"the state of the kiosk", "ls /var/lib/yhteiskone", true},
		{"the join file's place", "ls /conf", true},
		{"the boot partition", "ls /boot/esp", true},
		{"the boot partition, to write", "touch /boot/esp/koe && rm /boot/esp/koe", true},
		{"the disk", "head -c 1 /dev/sda", true},
		{"the screen's cookie", "head -c 1 /run/yhteiskone-screen/cookie", true},
		{"the kiosk's own control", "kiosk status", true},
		{"the journal", "journalctl -n 1 --no-pager | grep -v '^-- No entries'", true},
		{"the kernel's words", "dmesg", true},
		{"memory of the kiosk", "head -c 1 /proc/$(systemctl show -P MainPID yhteiskone.service)/mem", false},
		{"rights by sudo or su", "su -c true || sudo -n true || pkexec true", false},
		{"a restart", "systemctl reboot --no-ask-password --no-wall", false},
		{"another user's processes", "kill -0 $(systemctl show -P MainPID yhteiskone-screen.service)", true},
	} {
		if said, code := m.eyes.try(asClient + "'" + w.line + "'"); code == "0" {
			t.Errorf("client reaches %s: %s", w.what, said)
		}
		if w.root {
			if said, code := m.eyes.try(w.line); code != "0" {
				t.Errorf("%s is refused to root as well, so it says nothing: %s", w.what, said)
			}
		}
	}
	if said, code := m.eyes.try(asClient + "'exec 3<>/dev/tcp/" + webAt + "/80'"); code != "0" {
		t.Errorf("client does not reach the web: %s", said)
	}
	// The session's own user, and a control group with bounds.
	if said := m.eyes.see("journalctl -u yhteiskone -o cat --no-pager | grep 'the walls around' | tail -n 1"); !strings.Contains(said, "own_user=true own_group=true bounded=true") {
		t.Errorf("walls are missing: %s", said)
	}
	for what, look := range map[string]string{
		"listens to others":             `ss -Hlntu | awk '{print $5}' | grep -vE '^(127\.|\[::1\])' | grep -vE ':(68|546|5353)$'`,
		"is a login on a terminal":      "grep -lxE 'agetty|login|sulogin' /proc/[0-9]*/comm",
		"is swap":                       "tail -n +2 /proc/swaps",
		"can be written to on a disk":   "findmnt -rn -o TARGET,FSTYPE,OPTIONS | grep -E ' (ext4|vfat|btrfs|xfs|ntfs3?) rw' | grep -vE '^(/var/lib/yhteiskone|/conf|/boot/esp) '",
		"has a password":                "cut -d: -f1,2 /etc/shadow | grep -vE ':[!*]'",
		"has a shell and is a person":   "awk -F: '$3 >= 800 && $7 !~ /nologin|false/' /etc/passwd",
		"is a source of packages":       "grep -rhsE '^(deb|URIs)' /etc/apt/",
		"failed":                        "systemctl --failed --no-legend",
		"is a parameter that is not on": `for p in init_on_free=1 init_on_alloc=1 lockdown=integrity systemd.swap=no; do grep -qw -- "$p" /proc/cmdline || echo "$p"; done`,
	} {
		if said := m.wrong(look); said != "" {
			t.Errorf("what %s: %s", what, said)
		}
	}
	m.exposure(t)
}

// mostExposed is how much of what a service could do one of ours may keep, by
// what systemd counts, from 0 to 10.
const mostExposed = 2.0

// exposure asks systemd about each of our units, those of the running session
// and of the shell among them.
func (m *machine) exposure(t *testing.T) {
	said := m.eyes.see(`for u in yhteiskone yhteiskone-install yhteiskone-screen yhteiskone-disks yhteiskone-wifi yhteiskone-plugged yhteiskone-restart yhteiskone-data ` +
		`$(systemctl list-units --plain --no-legend 'yhteiskone-*@*.service' | cut -d' ' -f1); ` +
		`do echo "$u $(systemd-analyze security --no-pager $u | tail -n 1 | sed 's/.*: //')"; done`)
	t.Logf("of root's rights in our units:\n%s", said)
	kinds := map[string]bool{}
	for line := range strings.Lines(said) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kind, _, _ := strings.Cut(f[0], "@")
		kinds[kind] = true
		if n, err := strconv.ParseFloat(f[1], 64); err != nil || n > mostExposed {
			t.Errorf("%s has %s, more than %v", f[0], f[1], mostExposed)
		}
	}
	for _, k := range []string{"yhteiskone", "yhteiskone-install", "yhteiskone-session", "yhteiskone-door", "yhteiskone-shell"} {
		if !kinds[k] {
			t.Errorf("systemd says nothing of %s", k)
		}
	}
}
