package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// image measures the image that was built last: how much of it is not empty,
// and how much longer it takes to a free kiosk than its kernel alone does. How
// well it is packed is its builder's choice (LEVEL).
func image(ctx context.Context, t *table) error {
	size, found, err := packed("build/image/release")
	disk := newestImage()
	if err != nil || !found || disk == "" {
		fmt.Fprintln(os.Stderr, "bench: not measured: the image (needs one by `make image`)")
		return err
	}
	t.add("image.compressed_mb", size)
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		fmt.Fprintln(os.Stderr, "bench: not measured: the start of the image (needs QEMU)")
		return nil
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "40m", "-v", "-run", "^TestRatio$", "./images/boottest")
	cmd.Env = append(os.Environ(), "YHTEISKONE_BOOT_RATIO=1", "YHTEISKONE_BOOT="+filepath.Join(here, disk),
		"YHTEISKONE_BOOT_BIN="+filepath.Join(here, "bin"), "YHTEISKONE_BOOT_SHOTS="+filepath.Join(here, "build", "boot-test"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("start the image: %w: %s", err, out)
	}
	ratio, err := ratioOf(string(out))
	if err != nil {
		return err
	}
	t.add("image.boot_ratio", ratio)
	return nil
}

// newestImage is the image that was built last, empty if there is none.
func newestImage() string {
	images, err := filepath.Glob("build/image/yhteiskone-*.img")
	if err != nil || len(images) == 0 {
		return ""
	}
	return images[len(images)-1] // names begin with the time
}

// packed sums up what a kiosk is made of, as it is packed in an image and as an
// update carries it, in MB: all else on the disk is empty when it is written.
// found is false where nothing was built.
func packed(dir string) (mb float64, found bool, err error) {
	for _, name := range []string{"root.squashfs", "vmlinuz", "initrd.img"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		mb += float64(info.Size()) / 1e6
	}
	return mb, true, nil
}

// ratioOf finds what TestRatio logged.
func ratioOf(said string) (float64, error) {
	m := regexp.MustCompile(`: ([0-9.]+) times as long`).FindStringSubmatch(said)
	if m == nil {
		return 0, errors.New("the boot test said nothing of its ratio")
	}
	return strconv.ParseFloat(m[1], 64)
}
