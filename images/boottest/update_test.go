package boottest

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/release"
)

// fetching is how long a release may take from the offer to the restart.
const fetching = 20 * time.Minute

// The machine takes a release over its line to the agent, starts it from the
// other slot and keeps it. One that does not start is tried three times; then
// what ran before runs again, and the dashboard says so.
func TestUpdate(t *testing.T) {
	image, programs, shots := given(t)
	key := imageKey(t)
	m := newMachine(t, image, programs, filepath.Join(shots, "update"))
	m.trusts(key)
	from := filepath.Join(filepath.Dir(image), "release")
	m.start(bios(), 2048)
	m.free()
	before := m.proof()

	began := time.Now()
	m.offers(key, from, "29990101.000000-good", true)
	m.restarts(fetching)
	t.Logf("fetched, written and read back after %.0f s", time.Since(began).Seconds())
	m.start(bios(), 2048)
	after := m.back(before)
	if at := m.eyes.see("cat /proc/cmdline"); !strings.Contains(at, "kiosk.slot=B") || !strings.Contains(at, "29990101.000000-good") {
		t.Errorf("it runs %s", at)
	}
	m.keeps("active=B")
	m.picture("good")

	m.offers(key, from, "29990102.000000-bad", false)
	m.restarts(fetching)
	tries := 0
	for ; ; tries++ {
		m.start(bios(), 2048)
		if m.comes() {
			break
		}
		if tries == 4 {
			t.Fatalf("it does not come back\n%s", m.lastWords())
		}
	}
	if tries != 3 {
		t.Errorf("the bad release was tried %d times", tries)
	}
	m.back(after)
	if at := m.eyes.see("cat /proc/cmdline"); !strings.Contains(at, "kiosk.slot=B") {
		t.Errorf("it runs %s", at)
	}
	until(t, patienceOfEyes, "the dashboard's word of it", func() (bool, string) {
		_, seen := m.agent.kiosk()
		return strings.Contains(seen, `"image_fell_back"`), seen
	})
	m.picture("fell-back")
}

// imageKey is the key that the image takes releases of; without it the test is
// skipped.
func imageKey(t *testing.T) release.SecretKey {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("YHTEISKONE_BOOT_KEY"))
	if err != nil {
		t.Skip("YHTEISKONE_BOOT_KEY names no key that the image knows; say: make boot-test")
	}
	key, err := release.ParseSecretKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// trusts tells the machine's agent whose releases it takes.
func (m *machine) trusts(key release.SecretKey) {
	m.t.Helper()
	public := filepath.Join(m.dir, "release.pub")
	if err := os.WriteFile(public, key.Public().Encode(), 0o644); err != nil {
		m.t.Fatal(err)
	}
	m.agent.says("release", "key", public)
}

// offers makes a release of the image's own files with another version, and
// offers it to the machine. One that does not start says a hash that no root has.
func (m *machine) offers(key release.SecretKey, from, version string, starts bool) {
	t := m.t
	t.Helper()
	dir := filepath.Join(m.dir, version)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(dir, 0o755))
	for _, name := range []string{release.Root, release.Kernel, release.Initrd} {
		must(os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)))
	}
	slot, err := os.ReadFile(filepath.Join(from, release.SlotConfig))
	must(err)
	text := strings.ReplaceAll(string(slot), release.SlotValue(slot, "version"), version)
	if hash := release.SlotValue(slot, "roothash"); !starts {
		text = strings.ReplaceAll(text, hash, strings.Repeat("0", 8)+hash[8:])
	}
	must(os.WriteFile(filepath.Join(dir, release.SlotConfig), []byte(text), 0o644))
	manifest, err := release.Describe(dir, "")
	must(err)
	said, err := manifest.Encode()
	must(err)
	signature, err := key.Sign(said, version)
	must(err)
	must(errors.Join(os.WriteFile(filepath.Join(dir, release.ManifestName), said, 0o644),
		os.WriteFile(filepath.Join(dir, release.SignatureName), signature, 0o644)))
	m.agent.says("release", "add", dir)
	var all []struct{ ID string }
	_, seen := m.agent.kiosk()
	if err := json.Unmarshal([]byte(seen), &all); err != nil || len(all) != 1 {
		t.Fatalf("the agent knows %s", seen)
	}
	m.agent.says("release", "offer", version, "--kiosk", all[0].ID)
}

// restarts waits until the machine turns itself off to start anew.
func (m *machine) restarts(within time.Duration) {
	m.t.Helper()
	until(m.t, within, "the restart", func() (bool, string) {
		_, seen := m.agent.kiosk()
		return m.gone(), seen
	})
	until(m.t, time.Minute, "the agent's word that it is off", func() (bool, string) {
		status, seen := m.agent.kiosk()
		return status != "free", seen
	})
}

// comes reports whether this start comes to a kiosk; one that panics restarts.
func (m *machine) comes() (well bool) {
	m.t.Helper()
	until(m.t, patience, "the machine or its end", func() (bool, string) {
		status, seen := m.agent.kiosk()
		well = status == "free"
		return well || m.gone(), seen
	})
	return well
}

// keeps waits until the boot loader's environment says so.
func (m *machine) keeps(variable string) {
	m.t.Helper()
	until(m.t, patienceOfEyes, variable, func() (bool, string) {
		said := m.eyes.see("cat /boot/esp/EFI/kiosk/grubenv")
		return strings.Contains(said, "\n"+variable+"\n"), said
	})
}
