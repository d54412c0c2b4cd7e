package look

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"yhteiskone/kiosk/accept"
)

// images are the files that the image lays over Debian.
const images = "../../../images"

// finished is a machine as the image makes it: our own files, and what the
// kernel and the recipe add.
func finished(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(images+"/overlay")); err != nil {
		t.Fatal(err)
	}
	recipe, err := os.ReadFile(images + "/recipe.toml")
	if err != nil {
		t.Fatal(err)
	}
	parameters := ""
	for line := range strings.Lines(string(recipe)) {
		if v, ok := strings.CutPrefix(line, "text = \""); ok {
			parameters += strings.TrimSuffix(strings.TrimSpace(v), "\"") + " "
		}
	}
	if !strings.Contains(string(recipe), "unit = \"ctrl-alt-del.target") {
		t.Error("the image does not mask ctrl-alt-del.target")
	}
	grub, err := os.ReadFile("../../../provision/image/grub.cfg.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	sysctl, err := os.ReadFile(images + "/overlay/etc/sysctl.d/90-yhteiskone.conf")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sysctl)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			put(t, root, "/proc/sys/"+strings.ReplaceAll(k, ".", "/"), v+"\n")
		}
	}
	put(t, root, "/proc/cmdline", "boot=kiosk kiosk.slot=A kiosk.roothash=00ff kiosk.hashoffset=1 kiosk.version=1.2 "+parameters+"\n")
	put(t, root, "/dev/mapper/kiosk-root", "")
	put(t, root, "/boot/esp/EFI/debian/grub.cfg", string(grub))
	put(t, root, secureBootVariable, "\x06\x00\x00\x00\x01")
	put(t, root, "/proc/self/mounts", "kiosk / overlay rw 0 0\n")
	put(t, root, "/proc/7/comm", "Xorg\n")
	head := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	put(t, root, "/proc/net/tcp", head+"   0: 0100007F:0277 00000000:0000 0A 00000000:00000000\n   1: 0F02000A:C350 0302000A:01BB 01 00000000:00000000\n")
	put(t, root, "/proc/net/tcp6", head+"   0: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0\n"+
		"   1: 0000000000000000FFFF00000100007F:0277 00000000000000000000000000000000:0000 0A 0\n")
	if err := os.MkdirAll(filepath.Join(root, "etc/systemd/system"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", filepath.Join(root, "etc/systemd/system/ctrl-alt-del.target")); err != nil {
		t.Fatal(err)
	}
	return root
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func on(context.Context, string) (bool, error) { return true, nil }

func readings(t *testing.T, root string, ask func(context.Context, string) (bool, error)) (r accept.Readings) {
	t.Helper()
	Machine{Root: root, Active: ask}.Fill(t.Context(), &r)
	return r
}

// each gives every answer of yes and no a name.
func each(r accept.Readings) map[string]*bool {
	return map[string]*bool{"uefi": r.UEFI, "secure boot": r.SecureBoot, "wall": r.Wall, "cores": r.NoCores, "consoles": r.NoConsoles, "zap": r.NoZap,
		"restart": r.NoRestart, "sysrq": r.NoSysRq, "power": r.Power, "mounter": r.NoMounter}
}

// The image as it stands in this tree has what stops the ways out.
func TestImage(t *testing.T) {
	r := readings(t, finished(t), on)
	for name, v := range each(r) {
		if v == nil || !*v {
			t.Errorf("%s: %v", name, v)
		}
	}
	if r.Image != "1.2" || !r.Verity || r.Missing == nil || len(*r.Missing) != 0 || r.Ports == nil || len(*r.Ports) != 0 {
		t.Errorf("%+v: missing %v, ports %v", r, *r.Missing, *r.Ports)
	}
}

// One thing is changed, and that one is noticed.
func TestChanged(t *testing.T) {
	edit := func(name, old, now string) func(*testing.T, string) {
		return func(t *testing.T, root string) {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("%s has no %q: %v", name, old, err)
			}
			put(t, root, name, strings.Replace(string(text), old, now, 1))
		}
	}
	gone := func(name string) func(*testing.T, string) {
		return func(t *testing.T, root string) {
			if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	add := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, root string) { put(t, root, name, text) }
	}
	no, unknown := new(false), (*bool)(nil)
	const login, xorg = "/etc/systemd/logind.conf.d/yhteiskone.conf", "/etc/X11/xorg.conf.d/10-yhteiskone.conf"
	for _, c := range []struct {
		what   string
		change func(*testing.T, string)
		want   *bool
	}{
		{"consoles", edit(xorg, `"DontVTSwitch" "true"`, `"DontVTSwitch" "false"`), no},
		{"consoles", edit(login, "NAutoVTs=0", "NAutoVTs=6"), no},
		{"consoles", edit(login, "NAutoVTs=0", ""), no},
		{"consoles", add("/proc/9/comm", "agetty\n"), no},
		{"zap", add("/etc/X11/xorg.conf.d/90-other.conf", "Section \"ServerFlags\"\n\toption \"dontzap\" \"false\"\nEndSection\n"), no},
		{"zap", edit(xorg, `Option "DontZap"`, `# Option "DontZap"`), no},
		{"restart", gone("/etc/systemd/system/ctrl-alt-del.target"), no},
		{"restart", gone("/etc/systemd/system.conf.d"), unknown},
		{"restart", edit("/etc/systemd/system.conf.d/yhteiskone.conf", "CtrlAltDelBurstAction=none", "CtrlAltDelBurstAction=reboot-force"), no},
		{"sysrq", add("/proc/sys/kernel/sysrq", "438\n"), no},
		{"sysrq", gone("/proc/sys/kernel/sysrq"), unknown},
		{"power", edit(login, "HandlePowerKey=poweroff", "HandlePowerKey=ignore"), no},
		{"power", edit(login, "HandleLidSwitch=ignore", "HandleLidSwitch=suspend"), no},
		{"power", edit("/boot/esp/EFI/debian/grub.cfg", "set timeout=0", "set timeout=5"), no},
		{"power", edit("/boot/esp/EFI/debian/grub.cfg", "set superusers=", "# superusers="), no},
		{"power", gone("/boot/esp"), unknown},
		{"mounter", add("/usr/libexec/udisks2/udisksd", ""), no},
		{"mounter", add("/proc/9/comm", "udisksd\n"), no},
		{"mounter", add("/proc/self/mounts", "/dev/sdb1 /media/usb vfat rw 0 0\n"), no},
		{"mounter", gone("/proc/self/mounts"), unknown},
		{"cores", add("/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n"), no},
		{"cores", add("/proc/sys/fs/suid_dumpable", "2\n"), no},
		{"cores", gone("/proc/sys/kernel/core_pattern"), unknown},
		{"wall", edit("/etc/nftables.conf", "meta skuid client jump client", ""), no},
		{"wall", edit("/etc/nftables.conf", "policy drop", "policy accept"), no},
		{"wall", gone("/etc/nftables.conf"), unknown},
		{"secure boot", add(secureBootVariable, "\x06\x00\x00\x00\x00"), no},
		{"secure boot", add(secureBootVariable, "\x01"), unknown},
		{"secure boot", gone(secureBootVariable), unknown},
	} {
		root := finished(t)
		c.change(t, root)
		for name, v := range each(readings(t, root, on)) {
			want := new(true)
			if name == c.what {
				want = c.want
			}
			if (v == nil) != (want == nil) || v != nil && *v != *want {
				t.Errorf("%s changed: %s is %v", c.what, name, v)
			}
		}
	}
	root := finished(t)
	gone("/sys/firmware/efi")(t, root)
	put(t, root, "/proc/cmdline", "quiet init_on_alloc=1 kiosk.version=1.2\n")
	edit("/proc/net/tcp", "0100007F:0277", "00000000:0016")(t, root)
	edit("/proc/net/tcp6", "00000000000000000000000001000000:0277", "00000000000000000000000000000000:1F90")(t, root)
	r := readings(t, root, func(context.Context, string) (bool, error) { return false, nil })
	if r.UEFI == nil || *r.UEFI || r.SecureBoot != nil || r.Verity || *r.Wall || !slices.Equal(*r.Ports, []string{"22", "8080"}) ||
		!slices.Equal(*r.Missing, []string{"init_on_free=1", "lockdown=integrity"}) {
		t.Errorf("%+v, %v, %v", r, *r.Ports, *r.Missing)
	}
	if r := readings(t, root, func(context.Context, string) (bool, error) { return false, errors.New("no") }); r.Wall != nil {
		t.Error("a service manager that does not say has said something")
	}
}

// Where nothing can be read nothing is known.
func TestNothing(t *testing.T) {
	r := readings(t, t.TempDir(), on)
	for name, v := range each(r) {
		if v != nil {
			t.Errorf("%s is %v", name, *v)
		}
	}
	if r.Image != "" || r.Verity || r.Missing != nil || r.Ports != nil {
		t.Errorf("%+v", r)
	}
}

// This machine can be looked at, whatever it is.
func TestHere(t *testing.T) {
	var r accept.Readings
	Machine{}.Fill(t.Context(), &r)
	if len(accept.Rows(r)) == 0 || r.Ports == nil {
		t.Errorf("%+v", r)
	}
}
