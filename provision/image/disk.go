package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"yhteiskone/provision/gpt"
)

const mib = 1 << 20

// Where Debian keeps what starts a machine.
const (
	grubBIOS   = "/usr/lib/grub/i386-pc"
	grubSigned = "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
	shimSigned = "/usr/lib/shim/shimx64.efi.signed"
	mokManager = "/usr/lib/shim/mmx64.efi.signed"
)

// Names of the partitions; others find them by these.
const (
	partBIOS = "kiosk-bios"
	partESP  = "kiosk-esp"
	partA    = "kiosk-A"
	partB    = "kiosk-B"
	partConf = "kiosk-conf"
	partData = "kiosk-data"
)

// Owner of kiosk-data: the user kiosk of the image.
const kioskUser = 800

// guid is always the same for a name, so that two builds are alike.
func guid(name string) gpt.GUID {
	h := sha256.Sum256([]byte("yhteiskone " + name))
	var g gpt.GUID
	copy(g[:], h[:])
	g[6], g[8] = g[6]&0x0f|0x50, g[8]&0x3f|0x80
	return g
}

// table is the disk's partitions, in their order.
func (g layout) table() (*gpt.Table, error) {
	part := func(name string, kind gpt.GUID, size int64) gpt.Partition {
		return gpt.Partition{Name: name, Type: kind, ID: guid(name), Size: size * mib}
	}
	return gpt.New(guid("disk"), []gpt.Partition{
		part(partBIOS, gpt.BIOSBoot(), g.Bios), part(partESP, gpt.ESP(), g.ESP),
		part(partA, gpt.Linux(), g.Slot), part(partB, gpt.Linux(), g.Slot),
		part(partConf, gpt.Basic(), g.Conf), part(partData, gpt.Linux(), g.Data),
	})
}

// layout is how many MiB each partition has.
type layout struct{ Bios, ESP, Slot, Conf, Data int64 }

// disk puts everything on one raw disk image: no loop device, no mount.
func (b *builder) disk(ctx context.Context, release, path string) error {
	b.say("putting the disk together")
	table, err := layout(b.recipe.Size).table()
	if err != nil {
		return fmt.Errorf("lay out the disk: %w", err)
	}
	file, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("make the disk: %w", err)
	}
	defer file.Close()
	if err := file.Truncate(table.Size()); err != nil {
		return fmt.Errorf("make the disk: %w", err)
	}
	for _, fill := range []struct {
		name string
		make func(context.Context, string, gpt.Partition) error
	}{
		{partESP, func(ctx context.Context, to string, p gpt.Partition) error { return b.esp(ctx, release, to, p) }},
		{partConf, b.conf}, {partData, b.data},
	} {
		p, err := table.Find(fill.name)
		if err != nil {
			return err
		}
		part := filepath.Join(b.work, fill.name)
		if err := fill.make(ctx, part, p); err != nil {
			return fmt.Errorf("make the partition %s: %w", fill.name, err)
		}
		if err := place(file, part, p); err != nil {
			return err
		}
	}
	a, err := table.Find(partA)
	if err != nil {
		return err
	}
	if err := place(file, filepath.Join(release, "root.squashfs"), a); err != nil {
		return err
	}
	code, err := b.bios(ctx, file, table)
	if err != nil {
		return fmt.Errorf("install GRUB for a BIOS: %w", err)
	}
	if err := table.WriteTo(file, code); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write the disk: %w", err)
	}
	return os.Rename(path+".new", path)
}

// place copies a file into its partition and leaves holes where it has zeros.
func place(disk io.WriterAt, from string, p gpt.Partition) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("fill the partition %s: %w", p.Name, err)
	}
	defer f.Close()
	buf := make([]byte, mib)
	for at := int64(0); ; {
		n, err := io.ReadFull(f, buf)
		if n > 0 && at+int64(n) > p.Size {
			return fmt.Errorf("%s is larger than the partition %s", filepath.Base(from), p.Name)
		}
		if strings.Trim(string(buf[:n]), "\x00") != "" {
			if _, err := disk.WriteAt(buf[:n], p.Start()+at); err != nil {
				return fmt.Errorf("fill the partition %s: %w", p.Name, err)
			}
		}
		at += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("fill the partition %s: %w", p.Name, err)
		}
	}
}

// bios makes GRUB's core and puts it where a BIOS finds it.
func (b *builder) bios(ctx context.Context, disk io.WriterAt, table *gpt.Table) ([]byte, error) {
	early, core := filepath.Join(b.work, "early.cfg"), filepath.Join(b.work, "core.img")
	if err := os.WriteFile(early, []byte(earlyGRUB), 0o644); err != nil {
		return nil, err
	}
	args := append([]string{"-O", "i386-pc", "-d", grubBIOS, "-p", biosPrefix, "-c", early, "-o", core}, grubModules()...)
	if _, err := b.tool(ctx, nil, "grub-mkimage", args...); err != nil {
		return nil, err
	}
	first, err := os.ReadFile(filepath.Join(grubBIOS, "boot.img"))
	if err != nil {
		return nil, err
	}
	second, err := os.ReadFile(core)
	if err != nil {
		return nil, err
	}
	p, err := table.Find(partBIOS)
	if err != nil {
		return nil, err
	}
	return gpt.InstallGRUB(disk, p, first, second)
}

// empty makes a file of a size that holds nothing.
func empty(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// fat makes an empty FAT32 in a file.
func (b *builder) fat(ctx context.Context, to, label, serial string, p gpt.Partition) error {
	if err := empty(to, p.Size); err != nil {
		return err
	}
	_, err := b.tool(ctx, nil, "mkfs.vfat", "-F", "32", "-s", "1", "-n", label, "-i", serial, "--invariant",
		"-h", strconv.FormatInt(p.Start()/gpt.Sector, 10), to)
	return err
}

// cardName is the card's, where any system shows what is on the stick.
const cardName = "KORTTI.txt"

// conf is what a person sees of a stick that they plug into their own machine.
func (b *builder) conf(ctx context.Context, to string, p gpt.Partition) error {
	if err := b.fat(ctx, to, "KIOSK-CONF", "4b434f4e", p); err != nil {
		return err
	}
	tree := filepath.Join(b.work, "conf")
	if err := mkdir(tree); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tree, cardName), b.Card, 0o644); err != nil {
		return err
	}
	return b.fill(ctx, to, tree)
}

// esp has what starts a machine with UEFI, GRUB's settings for BIOS as well,
// and the kernels. Slot B is empty until an update fills it.
func (b *builder) esp(ctx context.Context, release, to string, p gpt.Partition) error {
	if err := b.fat(ctx, to, "KIOSK-ESP", "4b455350", p); err != nil {
		return err
	}
	tree := filepath.Join(b.work, "esp")
	config, err := grubConfig(b.recipe.parameters())
	if err != nil {
		return err
	}
	environment, err := grubEnvironment("active=A", "trial=", "trial_left=")
	if err != nil {
		return err
	}
	for name, from := range map[string]string{
		"EFI/BOOT/BOOTX64.EFI": shimSigned, "EFI/BOOT/grubx64.efi": grubSigned, "EFI/BOOT/mmx64.efi": mokManager,
		"EFI/kiosk/A/vmlinuz": filepath.Join(release, "vmlinuz"), "EFI/kiosk/A/initrd.img": filepath.Join(release, "initrd.img"),
		"EFI/kiosk/A/slot.cfg": filepath.Join(release, "slot.cfg"),
		// for "provision serve", which takes it out of this image
		"EFI/kiosk/net.img": filepath.Join(b.work, "root/boot/net.img"),
	} {
		if err := copyFile(from, filepath.Join(tree, name), 0o644); err != nil {
			return err
		}
	}
	for name, text := range map[string][]byte{"EFI/debian/grub.cfg": []byte(config), "EFI/kiosk/grubenv": environment} {
		path := filepath.Join(tree, name)
		if err := mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	if err := mkdir(filepath.Join(tree, "EFI/kiosk/B")); err != nil {
		return err
	}
	return b.fill(ctx, to, tree)
}

// fill copies a tree into a FAT in the order of its names, with the build's time.
func (b *builder) fill(ctx context.Context, fat, tree string) error {
	return filepath.WalkDir(tree, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == tree {
			return err
		}
		if err := os.Chtimes(path, b.Epoch, b.Epoch); err != nil {
			return err
		}
		rel, err := filepath.Rel(tree, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err = b.tool(ctx, nil, "mmd", "-i", fat, "::"+rel)
		} else {
			_, err = b.tool(ctx, nil, "mcopy", "-m", "-i", fat, path, "::"+rel)
		}
		return err
	})
}

// data is the file system for what survives a restart: the kiosk's own.
func (b *builder) data(ctx context.Context, to string, p gpt.Partition) error {
	if err := empty(to, p.Size); err != nil {
		return err
	}
	owner := strconv.Itoa(kioskUser)
	_, err := b.tool(ctx, nil, "mke2fs", "-q", "-F", "-t", "ext4", "-L", partData, "-U", uuidText(guid("data")), "-m", "0",
		"-E", "root_owner="+owner+":"+owner+",hash_seed="+uuidText(guid("hash seed"))+",lazy_itable_init=0,lazy_journal_init=0", to)
	return err
}

func uuidText(g gpt.GUID) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[0:4], g[4:6], g[6:8], g[8:10], g[10:16])
}
