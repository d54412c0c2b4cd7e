// Package image builds the bootable image of a kiosk from the recipe in
// images/: Debian's packages become a tree (mmdebstrap), the tree a squashfs
// with a hash tree behind it (dm-verity), and that one raw disk with GPT that
// starts under BIOS, UEFI and UEFI Secure Boot.
//
// It signs nothing, publishes nothing and writes to no device: it makes files
// in one folder. It never leaves the build's list of package sources in the
// image.
//
// Caveats: the tree is made by root, because its files belong to many users;
// what comes after would not need it. GRUB, shim and the tools are those of the
// machine that builds.
package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"yhteiskone/internal/release"
)

// Options are what a build is told.
type Options struct {
	Recipe  string    // folder of the recipe
	Out     string    // folder for what is made
	Kiosk   string    // our program
	Install string    // provision, which is the installer
	Key     string    // public key of releases, minisign's form; empty for none
	Sources string    // list of package sources, deb822; its suites are replaced. Empty for this machine's own
	Card    []byte    // how a machine is made of it, in plain words: a file of every stick
	Level   int       // of zstd: 3 is quick, 15 small
	Version string    // of the image
	Epoch   time.Time // every time in the image; the commit's
	Log     io.Writer
}

func (o *Options) check() error {
	switch {
	case o.Level < 1 || o.Level > 22:
		return fmt.Errorf("%w: --level is %d; it must be between 1 and 22", ErrInput, o.Level)
	case o.Epoch.Unix() <= 0:
		return fmt.Errorf("%w: --epoch must lie after 1970", ErrInput)
	}
	if err := release.CheckVersion(o.Version); err != nil {
		return fmt.Errorf("%w: --version is %q; it %w", ErrInput, o.Version, err)
	}
	for name, path := range map[string]string{"--kiosk": o.Kiosk, "--provision": o.Install, "--sources": o.Sources, "--key": o.Key} {
		if path == "" && (name == "--key" || name == "--sources") {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s: there is no file %q", ErrInput, name, path)
		}
	}
	return nil
}

// builder is one build.
type builder struct {
	Options
	recipe *Recipe
	work   string // folder for what is not the product
	began  time.Time
}

// Build makes the image and returns its path.
func Build(ctx context.Context, o Options) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	recipe, err := ReadRecipe(o.Recipe)
	if err != nil {
		return "", err
	}
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("%w: the image is built by root, because its files belong to many users", ErrInput)
	}
	if o.Out, err = filepath.Abs(o.Out); err != nil {
		return "", fmt.Errorf("build the image: %w", err)
	}
	b := &builder{Options: o, recipe: recipe, work: filepath.Join(o.Out, "work"), began: time.Now()}
	folder := filepath.Join(o.Out, "release")
	for _, dir := range []string{b.work, folder} {
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("clear the last build: %w", err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", fmt.Errorf("build the image: %w", err)
		}
	}
	base, err := b.base(ctx)
	if err != nil {
		return "", err
	}
	root, err := b.root(ctx, base)
	if err != nil {
		return "", err
	}
	if err := b.slot(ctx, root, folder); err != nil {
		return "", err
	}
	name := filepath.Join(o.Out, "yhteiskone-"+o.Version)
	if err := b.papers(ctx, root, name); err != nil {
		return "", err
	}
	if err := writeManifest(folder); err != nil {
		return "", err
	}
	if err := b.disk(ctx, folder, name+".img"); err != nil {
		return "", err
	}
	if err := os.RemoveAll(b.work); err != nil {
		return "", fmt.Errorf("clear the work folder: %w", err)
	}
	b.say("%s is ready", name+".img")
	return name + ".img", nil
}

// say tells how far the build is.
func (b *builder) say(format string, args ...any) {
	fmt.Fprintf(b.Log, "image: %5.1f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// tool runs a program and returns what it printed. Every time that it writes
// is the build's.
func (b *builder) tool(ctx context.Context, stdin io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	epoch := strconv.FormatInt(b.Epoch.Unix(), 10) // Debian 12's mke2fs knows the second name only
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+epoch, "E2FSPROGS_FAKE_TIME="+epoch, "TZ=UTC", "LC_ALL=C.UTF-8",
		"PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "MTOOLS_SKIP_CHECK=1", "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdin = stdin
	// A build that is stopped takes what its tools started with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var said, wrong strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &wrong
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%s is missing; install the packages of [image-build] in images/packages.list", name)
	case err != nil:
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, lastLines(wrong.String(), 8))
	}
	return said.String(), nil
}

// lastLines is the end of what a program complained.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
