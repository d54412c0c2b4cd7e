package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// writes is how often an image is written, by us and by dd.
const writes = 3

// provisionWrites compares `provision write` with dd and the same sync, and with
// dd and cmp, which reads back and compares as we do. It needs root, for a loop
// device, and an image; without them it measures nothing and says so.
func provisionWrites(ctx context.Context, t *table) error {
	image := newestImage()
	if image == "" || os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "bench: not measured: writing an image (needs root, and an image by `make image`)")
		return nil
	}
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-bench.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	disk, free, err := loop(ctx, filepath.Join(dir, "disk"), image)
	if err != nil {
		return err
	}
	defer free()
	var ours, plain, compared []float64
	for range writes {
		took, err := timed(ctx, "dd", "if="+image, "of="+disk, "bs=4M", "conv=fsync", "status=none")
		if err != nil {
			return err
		}
		again, err := timed(ctx, "cmp", "-n", fmt.Sprint(size(image)), image, disk)
		if err != nil {
			return err
		}
		plain, compared = append(plain, took), append(compared, took+again)
		if took, err = timed(ctx, "bin/provision", "write", image, "--to", disk, "--yes", "--json"); err != nil {
			return err
		}
		ours = append(ours, took)
	}
	fmt.Fprintf(os.Stderr, "bench: %s: dd %.1f s, dd and cmp %.1f s, provision write %.1f s\n", filepath.Base(image), median(plain), median(compared), median(ours))
	t.add("provision.write_to_dd_and_cmp", median(ours)/median(compared))
	t.add("provision.write_to_dd", median(ours)/median(plain))
	return nil
}

func size(path string) int64 {
	if info, err := os.Stat(path); err == nil {
		return info.Size()
	}
	return 0
}

// loop makes a disk of a file, somewhat larger than the image.
func loop(ctx context.Context, file, image string) (disk string, free func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return "", nil, err
	}
	if err := errors.Join(f.Truncate(size(image)+256<<20), f.Close()); err != nil {
		return "", nil, err
	}
	out, err := exec.CommandContext(ctx, "losetup", "--find", "--show", "--direct-io=on", file).Output()
	if err != nil {
		return "", nil, fmt.Errorf("make a loop device: %w", err)
	}
	disk = strings.TrimSpace(string(out))
	return disk, func() { exec.Command("losetup", "--detach", disk).Run() }, nil
}

// timed runs a program with nothing in the page cache and says how many seconds
// it took.
func timed(ctx context.Context, program string, args ...string) (float64, error) {
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0o200); err != nil {
		return 0, err
	}
	began := time.Now()
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w: %.300s", program, err, out)
	}
	return time.Since(began).Seconds(), nil
}
