package boottest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Row 35 of the escape table: the power button, keys at the boot loader, and a
// power cut, each in a session. Whatever it was, the next start comes to the
// welcome page, and the session that was there is proved to be gone. Meanwhile
// a stick with another kiosk is plugged in, which changes nothing.
func TestPower(t *testing.T) {
	image, programs, shots := given(t)
	m := newMachine(t, image, programs, filepath.Join(shots, "power"))
	twin := m.twin(image, programs)
	m.start(bios(), 2048)
	m.free()
	m.knowsItsDisk(t, twin)
	m.introduce()
	m.open("power")
	before := m.proof()

	began := time.Now()
	m.ask("system_powerdown", map[string]any{})
	until(t, patienceOfEyes, "the end by the power button", func() (bool, string) { return m.gone(), "" })
	t.Logf("off %.0f s after the power button", time.Since(began).Seconds())

	m.start(bios(), 2048)
	for told := false; !told; { // until the kernel speaks, keys go to the boot loader
		for _, k := range []string{"esc", "shift", "c", "e", "f8"} {
			m.press(k)
		}
		said, err := os.Stat(m.serial())
		told = err == nil && said.Size() > 0
		if !told {
			m.picture("boot-loader")
		}
	}
	after := m.back(before)
	// The machine wiped and proved as it went down, and again as it came up.
	if after.Seq < before.Seq+2 {
		t.Errorf("the end by the power button made no proof of its own: %d before, %d after the next start", before.Seq, after.Seq)
	}
	t.Logf("proof %d before, %d after the power button and the next start", before.Seq, after.Seq)

	m.introduce()
	m.open("cut")
	m.stop() // as when somebody pulls the plug
	m.start(bios(), 2048)
	m.back(after)
	m.picture("after-cut")
}

// back waits for the welcome page after another start, and for the proof of the
// session that was there before.
func (m *machine) back(before proof) proof {
	m.t.Helper()
	m.serves()
	m.free()
	return m.wiped(before)
}

// serves waits for the welcome page.
func (m *machine) serves() {
	m.t.Helper()
	until(m.t, patience, "the kiosk after another start", func() (bool, string) { s := m.eyes.state(); return s == "ready", s })
	m.sees(welcomed())
}

// wiped makes sure that what was there before is proved to be gone.
func (m *machine) wiped(before proof) proof {
	m.t.Helper()
	p := m.proof()
	if !p.OK || p.Seq <= before.Seq {
		m.t.Errorf("the session before the start is not proved to be gone: %+v, before %+v", p, before)
	}
	return p
}
