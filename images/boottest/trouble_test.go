package boottest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What is damaged, full or missing: the machine starts, its curtain says in a
// plain sentence what is wrong and what to do, and once the trouble is gone it
// serves. Each part goes on where the one before it left the machine.
func TestTrouble(t *testing.T) {
	image, programs, shots := given(t)
	m := newMachine(t, image, programs, filepath.Join(shots, "trouble"))
	m.card = "virtio-net-pci" // QEMU's e1000e does not tell that its cable is out
	good := m.agent.join
	changed := func(key, value string) string {
		var j map[string]string
		if err := json.Unmarshal([]byte(good), &j); err != nil {
			t.Fatal(err)
		}
		j[key] = value
		text, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	m.put("kiosk-conf", "join.json", good[:len(good)/2])
	m.start(bios(), 2048)
	// boot cuts the power, if it is on, and starts the machine, which outlives a part.
	boot := func() {
		t.Helper()
		part := m.t
		m.stop()
		m.t = t
		m.start(bios(), 2048)
		m.t, m.eyes.t = part, part
	}
	part := func(name string, f func()) {
		t.Run(name, func(t *testing.T) {
			m.t, m.eyes.t = t, t
			f()
		})
		m.t = t
	}
	join := func(text string) {
		m.eyes.see("echo " + base64.StdEncoding.EncodeToString([]byte(text)) + " | base64 -d > /conf/join.json")
	}
	part("join_cut_off", func() { m.snagged("bad_join") })
	part("join_refused", func() { join(changed("code", "ABCD-EFGH-JKMN")); m.snagged("join_refused") })
	part("agent_silent", func() { join(changed("agent", "https://"+seenAt+":9")); m.snagged("no_agent") })
	part("no_network", func() { m.cable(false); m.snagged("no_network") })
	part("join_missing", func() { m.eyes.see("rm /conf/join.json"); m.snagged("no_join") })
	part("mended", func() {
		m.cable(true)
		join(good)
		m.free()
		m.sees(welcomed())
	})
	part("data_full", func() {
		before := m.proof()
		m.eyes.try("for n in 1 2 3; do cat /dev/zero >> /var/lib/yhteiskone/full$n; sync; done")
		if free, err := strconv.Atoi(strings.TrimSpace(m.eyes.see("df --output=avail /var/lib/yhteiskone | tail -n 1"))); err != nil || free > 16 {
			t.Errorf("free on kiosk-data: %d KiB, %v", free, err) // a block or two may come back with the log of the file system
		}
		m.eyes.see("sync")
		boot()
		until(t, patience, "the word of the full disk", func() (bool, string) {
			said, _ := m.eyes.try("kiosk status --json")
			return strings.Contains(said, `"state":"out_of_order"`) && strings.Contains(said, `"state_not_kept"`), said
		})
		until(t, patienceOfEyes, "the dashboard's word of it", func() (bool, string) {
			_, seen := m.agent.kiosk()
			return strings.Contains(seen, `"disk_full"`), seen
		})
		m.drawn("data_full")
		m.eyes.see("rm /var/lib/yhteiskone/full*; sync")
		boot() // its fault of a restart would stay for half an hour
		m.back(before)
	})
	at, size := m.bounds("kiosk-data")
	part("data_superblock", func() {
		before := m.proof()
		m.stop()
		m.overwrite(at, make([]byte, 4096))
		boot()
		m.serves() // mended by its own copies
		m.wiped(before)
		until(t, patience, "the dashboard's word of so many starts", func() (bool, string) {
			_, seen := m.agent.kiosk()
			return strings.Contains(seen, `"restarts_often"`), seen
		})
		t.Log(m.eyes.see("journalctl -b --no-pager -o cat -u 'systemd-fsck@*data*' | tail -n 8"))
	})
	part("data_missing", func() {
		m.stop()
		table := m.bytes(0, 34*512)
		m.run("sfdisk", "--quiet", "--delete", m.disk, strconv.Itoa(m.number("kiosk-data")))
		boot()
		m.snagged("data_gone")
		m.stop()
		m.overwrite(0, table)
	})
	part("data_wiped", func() {
		m.stop()
		m.overwrite(at, make([]byte, size))
		// Whoever the machine was is lost; it begins anew with another join file.
		m.agent.enrol("Kone 2")
		m.put("kiosk-conf", "join.json", m.agent.join)
		boot()
		until(t, patience, "the kiosk that begins anew", func() (bool, string) { s := m.eyes.state(); return s == "ready", s })
		m.sees(welcomed())
		m.picture("anew")
	})
}

// snagged waits until the kiosk says so, and the curtain shows it.
func (m *machine) snagged(code string) {
	m.t.Helper()
	until(m.t, patience, code, func() (bool, string) {
		said, _ := m.eyes.try("kiosk status --json")
		return strings.Contains(said, `"state":"starting"`) && strings.Contains(said, `"snag":"`+code+`"`), said
	})
	m.drawn(code)
}

// drawn keeps what the curtain shows, once the sign of a fault is on it.
func (m *machine) drawn(name string) {
	m.t.Helper()
	until(m.t, patienceOfEyes, "the curtain of a fault", m.faulty)
	m.picture(name)
}

// cable plugs the network in or out.
func (m *machine) cable(in bool) {
	m.t.Helper()
	for _, card := range []string{"n0", "n1"} {
		m.ask("set_link", map[string]any{"name": card, "up": in})
	}
}

// entry finds a partition in the table: its number, counted from 1, and its entry.
func (m *machine) entry(name string) (int, []byte) {
	m.t.Helper()
	table := m.bytes(2*512, 128*128)
	for n := 1; len(table) > 0; n, table = n+1, table[128:] {
		var text strings.Builder
		for i := 56; i < 128 && table[i] != 0; i += 2 {
			text.WriteByte(table[i])
		}
		if text.String() == name {
			return n, table[:128]
		}
	}
	m.t.Fatalf("the disk has no partition %s", name)
	return 0, nil
}

func (m *machine) number(name string) int { n, _ := m.entry(name); return n }

// bounds are where a partition begins and how long it is.
func (m *machine) bounds(name string) (at, size int64) {
	m.t.Helper()
	_, e := m.entry(name)
	first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
	return int64(first) * 512, int64(last-first+1) * 512
}

func (m *machine) bytes(at, size int64) []byte {
	m.t.Helper()
	f, err := os.Open(m.disk)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, at); err != nil {
		m.t.Fatal(err)
	}
	return b
}

func (m *machine) overwrite(at int64, with []byte) {
	m.t.Helper()
	f, err := os.OpenFile(m.disk, os.O_WRONLY, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, at); err != nil {
		m.t.Fatal(err)
	}
}
