package image

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"text/template"
)

//go:embed grub.cfg.tmpl
var grubText string

// earlyGRUB is what GRUB's core for a BIOS knows by itself: where the rest is.
// $root is the partition of biosPrefix on the disk that the BIOS started; a
// search would find the first disk that looks like ours.
const earlyGRUB = "configfile ($root)/EFI/debian/grub.cfg\n"

// biosPrefix is the second partition, kiosk-esp, of the disk that was started.
const biosPrefix = "(,gpt2)/EFI/debian"

// grubModules are in that core; the signed GRUB for UEFI has them built in.
func grubModules() []string {
	return []string{"biosdisk", "part_gpt", "fat", "probe", "configfile", "normal", "linux",
		"loadenv", "test", "echo", "reboot", "halt", "sleep", "minicmd"}
}

// Slot is what GRUB must know of a slot, beside its kernel.
type Slot struct {
	Version    string
	RootHash   string
	HashOffset int64
}

// config is slot.cfg.
func (s Slot) config() string {
	return fmt.Sprintf("set roothash=%s\nset hashoffset=%d\nset version=%s\n", s.RootHash, s.HashOffset, s.Version)
}

func grubConfig(parameters string) (string, error) {
	t, err := template.New("grub.cfg").Parse(grubText)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, struct{ Parameters string }{parameters})
	return out.String(), err
}

// environmentSize is fixed: GRUB writes in place.
const environmentSize = 1024

// grubEnvironment is a grubenv with those lines, filled up with '#'.
func grubEnvironment(lines ...string) ([]byte, error) {
	text := "# GRUB Environment Block\n" + strings.Join(lines, "\n") + "\n"
	if len(text) > environmentSize {
		return nil, errors.New("GRUB's environment is longer than its block")
	}
	return append([]byte(text), bytes.Repeat([]byte("#"), environmentSize-len(text))...), nil
}
