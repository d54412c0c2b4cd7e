package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"yhteiskone/internal/release"
)

// Fixed, so that the same tree gives the same bytes. The salt keeps no secret.
const (
	veritySalt = "796874656973686b6f6e65796874656973686b6f6e65796874656973686b6f6e"
	verityUUID = "79687465-6973-4b6f-8e65-000000000001"
	block      = 4096
)

var rootHash = regexp.MustCompile(`(?m)^Root hash:\s*([0-9a-f]{64})$`)

// slot makes what a slot is started from: the checked root, kernel, first
// stage, and what GRUB must know.
func (b *builder) slot(ctx context.Context, root, out string) error {
	s := Slot{Version: b.Version}
	kernel, err := onlyKernel(root)
	if err != nil {
		return err
	}
	for from, to := range map[string]string{"boot/vmlinuz-" + kernel: "vmlinuz", "boot/initrd.img-" + kernel: "initrd.img"} {
		if err := copyFile(filepath.Join(root, from), filepath.Join(out, to), 0o644); err != nil {
			return fmt.Errorf("take the kernel out: %w", err)
		}
	}
	b.say("packing the root (zstd %d)", b.Level)
	image := filepath.Join(out, "root.squashfs")
	epoch := strconv.FormatInt(b.Epoch.Unix(), 10)
	// Without SOURCE_DATE_EPOCH: mksquashfs takes that or these, not both.
	if _, err := b.tool(ctx, nil, "env", "-u", "SOURCE_DATE_EPOCH", "mksquashfs", root, image, "-noappend", "-quiet", "-no-progress", "-comp", "zstd",
		"-Xcompression-level", strconv.Itoa(b.Level), "-b", "256K", "-all-time", epoch, "-mkfs-time", epoch,
		"-wildcards", "-e", "boot/*", "usr/lib/firmware/*-ucode", "proc/*", "sys/*", "dev/*", "run/*", "tmp/*"); err != nil {
		return fmt.Errorf("pack the root: %w", err)
	}
	info, err := os.Stat(image)
	if err != nil {
		return fmt.Errorf("pack the root: %w", err)
	}
	s.HashOffset = (info.Size() + block - 1) / block * block
	if err := os.Truncate(image, s.HashOffset); err != nil {
		return fmt.Errorf("pack the root: %w", err)
	}
	said, err := b.tool(ctx, nil, "veritysetup", "format", image, image, "--hash-offset="+strconv.FormatInt(s.HashOffset, 10),
		"--data-blocks="+strconv.FormatInt(s.HashOffset/block, 10), "--salt="+veritySalt, "--uuid="+verityUUID)
	if err != nil {
		return fmt.Errorf("make the hash tree: %w", err)
	}
	found := rootHash.FindStringSubmatch(said)
	if found == nil {
		return errors.New("make the hash tree: veritysetup said no root hash")
	}
	s.RootHash = found[1]
	if err := os.WriteFile(filepath.Join(out, "slot.cfg"), []byte(s.config()), 0o644); err != nil {
		return fmt.Errorf("write slot.cfg: %w", err)
	}
	return nil
}

// writeManifest lists the files of the release in dir, as they will be signed.
func writeManifest(dir string) error {
	m, err := release.Describe(dir, "")
	if err != nil {
		return fmt.Errorf("list the release: %w", err)
	}
	text, err := m.Encode()
	if err != nil {
		return fmt.Errorf("list the release: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, release.ManifestName), text, 0o644); err != nil {
		return fmt.Errorf("list the release: %w", err)
	}
	return nil
}
