// Package look reads what an acceptance sheet needs to know of this machine's
// settings: kernel, firmware, X server, units, open ports.
//
// It reads files that everybody may read and asks the service manager one
// question. It changes nothing, opens no port, and never looks at a session.
//
// Caveats: it sees settings as they lie on the disk, not always as they were
// loaded. Whether the packet filter is on it hears from the service manager:
// its rules only root may see.
package look

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/kiosk/accept"
)

// Machine is where to look. The zero value is this machine.
type Machine struct {
	Root string // before every path; empty for this machine's own
	// Active asks the service manager whether a unit is active; nil for the
	// ordinary way. An error means that it does not say.
	Active func(ctx context.Context, unit string) (bool, error)
}

// Fill adds what it reads to the readings.
func (m Machine) Fill(ctx context.Context, r *accept.Readings) {
	r.Image, r.Verity = m.Image()
	r.Missing = m.missing()
	r.UEFI, r.SecureBoot = m.firmware()
	r.Wall = m.wall(ctx)
	r.Ports = m.ports()
	r.NoCores = m.noCores()
	r.NoConsoles, r.NoZap = m.consoles(), m.noZap()
	r.NoRestart = m.noRestart()
	r.NoSysRq = m.says("/proc/sys/kernel/sysrq", "0")
	r.Power = m.power()
	r.NoMounter = m.noMounter()
}

func (m Machine) path(name string) string { return filepath.Join(m.Root, name) }

func (m Machine) read(name string) (string, bool) {
	text, err := os.ReadFile(m.path(name))
	return strings.TrimSpace(string(text)), err == nil
}

// says compares what a file holds; nil if it cannot be read.
func (m Machine) says(name, want string) *bool {
	text, ok := m.read(name)
	if !ok {
		return nil
	}
	return new(text == want)
}

// words are the kernel's parameters.
func (m Machine) words() ([]string, bool) {
	text, ok := m.read("/proc/cmdline")
	return strings.Fields(text), ok
}

// Image is the version that GRUB says it started, and whether the root is
// checked as it is read.
func (m Machine) Image() (version string, verity bool) {
	words, _ := m.words()
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, "kiosk.version="); ok {
			version = accept.Cut(v)
		}
		verity = verity || strings.HasPrefix(w, "kiosk.roothash=")
	}
	_, err := os.Lstat(m.path("/dev/mapper/kiosk-root"))
	return version, verity && err == nil
}

// missing are the parameters without which memory keeps what a session gave
// back, or root changes the kernel.
func (m Machine) missing() *[]string {
	words, ok := m.words()
	if !ok {
		return nil
	}
	missing := []string{}
	for _, w := range []string{"init_on_alloc=1", "init_on_free=1", "lockdown=integrity"} {
		if !slices.Contains(words, w) {
			missing = append(missing, w)
		}
	}
	return &missing
}

// secureBootVariable is the firmware's own: four bytes of attributes, then 1.
const secureBootVariable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

func (m Machine) firmware() (uefi, secure *bool) {
	if _, err := os.Stat(m.path("/sys/firmware")); err != nil {
		return nil, nil
	}
	if _, err := os.Stat(m.path("/sys/firmware/efi")); err != nil {
		return new(!errors.Is(err, fs.ErrNotExist)), nil
	}
	if text, err := os.ReadFile(m.path(secureBootVariable)); err == nil && len(text) == 5 {
		secure = new(text[4] == 1)
	}
	return new(true), secure
}

// wall asks whether the packet filter with our rules is on.
func (m Machine) wall(ctx context.Context) *bool {
	rules, ok := m.read("/etc/nftables.conf")
	if !ok {
		return nil
	}
	ask := m.Active
	if ask == nil {
		ask = active
	}
	on, err := ask(ctx, "nftables.service")
	if err != nil {
		return nil
	}
	return new(on && strings.Contains(rules, "table inet yhteiskone") && strings.Contains(rules, "meta skuid client jump client") &&
		strings.Contains(rules, "hook input priority filter; policy drop"))
}

// active asks systemd. It says "active" or another word, and fails without one
// where there is no systemd.
func active(ctx context.Context, unit string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", "is-active", unit)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	word := strings.TrimSpace(string(out))
	if word == "" || word == "unknown" {
		return false, errors.Join(errors.New("the service manager does not say"), err)
	}
	return word == "active", nil
}

// ports are the TCP ports on which something listens to others than this
// machine.
func (m Machine) ports() *[]string {
	open := []string{}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, ok := m.read(name)
		if !ok {
			if name == "/proc/net/tcp6" { // a kernel without IPv6
				continue
			}
			return nil
		}
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) < 4 || f[3] != "0A" { // listening
				continue
			}
			host, port, _ := strings.Cut(f[1], ":")
			n, err := strconv.ParseUint(port, 16, 16)
			if err != nil || loopback(host) {
				continue
			}
			if p := strconv.FormatUint(n, 10); !slices.Contains(open, p) {
				open = append(open, p)
			}
		}
	}
	return &open
}

// loopback reads an address as the kernel writes it: words of four bytes in
// the machine's order, here little-endian as on every PC.
func loopback(hex string) bool {
	var raw []byte
	for i := 0; i+8 <= len(hex); i += 8 {
		n, err := strconv.ParseUint(hex[i:i+8], 16, 32)
		if err != nil {
			return false
		}
		raw = binary.LittleEndian.AppendUint32(raw, uint32(n))
	}
	switch {
	case len(raw) == 4:
		return raw[0] == 127
	case len(raw) == 16 && slices.Equal(raw[:15], make([]byte, 15)):
		return raw[15] == 1
	case len(raw) == 16: // an IPv4 address in an IPv6 socket
		return slices.Equal(raw[:12], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}) && raw[12] == 127
	}
	return false
}

// noCores reports that no crash leaves memory behind. A size of none, which
// the kiosk sets for itself and all its children, is not heard by a program
// that takes dumps.
func (m Machine) noCores() *bool {
	text, ok := m.read("/proc/sys/kernel/core_pattern")
	suid, known := m.read("/proc/sys/fs/suid_dumpable")
	if !ok || !known {
		return nil
	}
	return new(suid == "0" && (!strings.HasPrefix(text, "|") || text == "|/bin/false"))
}
