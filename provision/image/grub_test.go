package image

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/release"
)

func TestGRUBConfig(t *testing.T) {
	got, err := grubConfig("ro panic=10")
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{
		"set superusers=\"nobody\"\n", "export superusers\n", "set timeout=0\n",
		"load_env --file $kiosk/grubenv active trial trial_left\n", "save_env --file $kiosk/grubenv trial_left\n",
		"boot=kiosk kiosk.esp=$esp kiosk.slot=$slot kiosk.roothash=$roothash kiosk.hashoffset=$hashoffset kiosk.version=$version ro panic=10\n",
	} {
		if !strings.Contains(got, must) {
			t.Errorf("grub.cfg lacks %q", must)
		}
	}
	// No entry: there is nothing that a key could choose or change.
	if strings.Contains(got, "menuentry") || strings.Contains(got, "\npassword") || strings.Contains(got, "{{") {
		t.Error("grub.cfg has a menu, a password or a hole")
	}
	if tool, err := exec.LookPath("grub-script-check"); err == nil {
		path := filepath.Join(t.TempDir(), "grub.cfg")
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tool, path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestGRUBEnvironment(t *testing.T) {
	got, err := grubEnvironment("active=A", "trial=")
	if err != nil || len(got) != 1024 || !strings.HasPrefix(string(got), "# GRUB Environment Block\nactive=A\ntrial=\n##") || !strings.HasSuffix(string(got), "#") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := grubEnvironment(strings.Repeat("x", 1024)); err == nil {
		t.Error("an environment longer than its block was made")
	}
}

func TestSlotConfig(t *testing.T) {
	if got := (Slot{"20300102-abc", "00ff", 4096}).config(); got != "set roothash=00ff\nset hashoffset=4096\nset version=20300102-abc\n" {
		t.Errorf("%q", got)
	}
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	slot := Slot{"20300102-abc", strings.Repeat("0f", 32), 4096}
	for name, text := range map[string]string{"root.squashfs": "abc", "vmlinuz": "abc", "initrd.img": "abc", "slot.cfg": slot.config()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeManifest(dir); err != nil {
		t.Fatal(err)
	}
	made, err := release.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if made.Version != slot.Version || made.RootHash != slot.RootHash || len(made.Files) != 4 ||
		made.Files[0] != (release.File{Name: "root.squashfs", Size: 3, SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}) {
		t.Errorf("%s", made.Text)
	}
	if err := os.Remove(filepath.Join(dir, "vmlinuz")); err != nil {
		t.Fatal(err)
	}
	if err := writeManifest(dir); err == nil {
		t.Error("a release without a kernel was listed")
	}
}

func TestSPDX(t *testing.T) {
	all := parseInstalled("zlib1g\t1:1.3+ds-1\tzlib\t1:1.3+ds-1\nbash\t5\tbash\t5\nbroken\n")
	if len(all) != 2 || all[0].name != "bash" {
		t.Fatalf("%v", all)
	}
	text, err := spdx(all, "1", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var d spdxDocument
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.Version != "SPDX-2.3" || len(d.Packages) != 3 || d.Creation.Created != "1970-01-01T00:00:00Z" || len(d.Relations) != 2 ||
		d.Packages[2].Refs[0].Locator != "pkg:deb/debian/zlib1g@1%3A1.3%2Bds-1" {
		t.Errorf("%s", text)
	}
}
