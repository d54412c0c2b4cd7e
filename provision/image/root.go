package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cacheKey names a tree of packages by everything that went into it.
func cacheKey(suite, sources string, packages, options []string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n%q\n%q\n%q\n", suite, sources, packages, options)
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// bootstrapOptions are how mmdebstrap is called.
func bootstrapOptions() []string {
	return []string{"--mode=root", "--variant=minbase", "--format=tar", "--quiet",
		`--aptopt=Acquire::Check-Valid-Until "false"`, `--aptopt=APT::Install-Recommends "false"`,
		"--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/info/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright"}
}

// base returns an archive with the installed packages, made now or kept from a
// build with the same packages. The archive keeps until the list changes; to
// have newer packages of the same names, remove it.
func (b *builder) base(ctx context.Context) (string, error) {
	sources, err := b.recipe.Sources(b.Sources)
	if err != nil {
		return "", err
	}
	options := bootstrapOptions()
	cache := filepath.Join(b.Out, "cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	path := filepath.Join(cache, "base-"+cacheKey(b.recipe.Suite, sources, b.recipe.Packages, options)+".tar")
	if _, err := os.Stat(path); err == nil {
		b.say("the packages are kept from an earlier build: %s", filepath.Base(path))
		return path, nil
	}
	b.say("installing %d packages and what they need, to be kept as %s", len(b.recipe.Packages), filepath.Base(path))
	args := append(options, "--include="+strings.Join(b.recipe.Packages, ","), b.recipe.Suite, path+".new", "-")
	for try := 1; ; try++ {
		_, err = b.tool(ctx, strings.NewReader(sources), "mmdebstrap", args...)
		if err == nil {
			break
		}
		if try == 4 || ctx.Err() != nil {
			return "", fmt.Errorf("install the packages: %w", err)
		}
		pause := time.Duration(try*try) * 5 * time.Second
		b.say("that failed and is tried again in %v: %v", pause, err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("keep the packages: %w", err)
	}
	return path, nil
}

// root makes the tree of the image out of the packages.
func (b *builder) root(ctx context.Context, base string) (string, error) {
	b.say("unpacking")
	root := filepath.Join(b.work, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", fmt.Errorf("make the tree: %w", err)
	}
	if _, err := b.tool(ctx, nil, "tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", root, "-xf", base); err != nil {
		return "", fmt.Errorf("unpack the packages: %w", err)
	}
	b.say("making it ours")
	if err := b.overlay(root); err != nil {
		return "", err
	}
	if err := b.trimTree(root); err != nil {
		return "", err
	}
	if err := whole(root); err != nil {
		return "", err
	}
	in := func(args ...string) error {
		_, err := b.tool(ctx, nil, "chroot", append([]string{root}, args...)...)
		return err
	}
	if err := in("systemd-sysusers"); err != nil {
		return "", fmt.Errorf("make the users: %w", err)
	}
	for _, set := range []struct {
		verb  string
		units []units
	}{{"enable", b.recipe.Enable}, {"mask", b.recipe.Mask}} {
		for _, u := range set.units {
			if err := in(append([]string{"systemctl", set.verb}, strings.Fields(u.Unit)...)...); err != nil {
				return "", fmt.Errorf("%s units: %w", set.verb, err)
			}
		}
	}
	if err := in("systemctl", "set-default", "graphical.target"); err != nil {
		return "", fmt.Errorf("set the target: %w", err)
	}
	if err := b.identity(root); err != nil {
		return "", err
	}
	if err := b.settle(root); err != nil {
		return "", fmt.Errorf("settle the tree's times: %w", err)
	}
	if err := in("fc-cache", "--system-only", "--force"); err != nil {
		return "", fmt.Errorf("list the fonts: %w", err)
	}
	kernel, err := onlyKernel(root)
	if err != nil {
		return "", err
	}
	b.say("making the first stage of Linux %s", kernel)
	if err := in("depmod", kernel); err != nil {
		return "", fmt.Errorf("list the modules: %w", err)
	}
	if err := b.age(root); err != nil {
		return "", fmt.Errorf("give the files the commit's time: %w", err)
	}
	// Not update-initramfs, which waits for the disk to have everything.
	if err := in("mkinitramfs", "-o", "/boot/initrd.img-"+kernel, kernel); err != nil {
		return "", fmt.Errorf("make the first stage: %w", err)
	}
	if err := in("sh", "-c", "/usr/lib/yhteiskone/net-stage "+kernel+" >/boot/net.img"); err != nil {
		return "", fmt.Errorf("make the first stage of a start over the network: %w", err)
	}
	return root, nil
}

// age gives the folders the commit's time, whenever the packages were installed:
// the first stage keeps it. No file is newer.
func (b *builder) age(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil || !d.IsDir() && !info.ModTime().After(b.Epoch) {
			return err
		}
		return os.Chtimes(path, b.Epoch, b.Epoch)
	})
}

// overlay lays our files over the tree. Everything of them belongs to root.
func (b *builder) overlay(root string) error {
	from := filepath.Join(b.recipe.dir, "overlay")
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "." {
			return err
		}
		to := filepath.Join(root, rel)
		if d.IsDir() {
			return mkdir(to)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return copyFile(path, to, mode)
	})
	if err != nil {
		return fmt.Errorf("lay our files over the tree: %w", err)
	}
	if err := copyFile(b.Kiosk, filepath.Join(root, "usr/bin/kiosk"), 0o755); err != nil {
		return fmt.Errorf("put the kiosk in: %w", err)
	}
	if err := copyFile(b.Install, filepath.Join(root, "usr/bin/provision"), 0o755); err != nil {
		return fmt.Errorf("put the installer in: %w", err)
	}
	if b.Key != "" {
		if err := copyFile(b.Key, filepath.Join(root, "etc/yhteiskone/release.pub"), 0o644); err != nil {
			return fmt.Errorf("put the public key in: %w", err)
		}
	}
	return nil
}

func mkdir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil // Debian's, with its own mode
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

func copyFile(from, to string, mode fs.FileMode) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := mkdir(filepath.Dir(to)); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil { // not through a link of Debian's
		return err
	}
	if err := os.WriteFile(to, text, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}

// trimTree removes what the recipe can do without.
func (b *builder) trimTree(root string) error {
	for _, t := range b.recipe.Trim {
		if err := t.apply(root); err != nil {
			return fmt.Errorf("trim the tree: %w", err)
		}
	}
	return nil
}

// apply removes what matches. What is named keep stays, at any depth, and the
// folders above it.
func (t trim) apply(root string) error {
	keep := strings.Fields(t.Keep)
	for _, pattern := range strings.Fields(t.Path) {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if _, err := prune(path, keep); err != nil {
				return err
			}
		}
	}
	return nil
}

// prune reports whether path is gone.
func prune(path string, keep []string) (bool, error) {
	if slices.Contains(keep, filepath.Base(path)) {
		return false, nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if !info.IsDir() || len(keep) == 0 {
		return true, os.RemoveAll(path)
	}
	inside, err := os.ReadDir(path)
	if err != nil {
		return false, err
	}
	empty := true
	for _, e := range inside {
		gone, err := prune(filepath.Join(path, e.Name()), keep)
		if err != nil {
			return false, err
		}
		empty = empty && gone
	}
	if !empty {
		return false, nil
	}
	return true, os.Remove(path)
}
