package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// boot is the short form of `make boot-test`: it builds the image and starts it
// once under BIOS, from a bare disk to a free kiosk, with the walls, a whole
// session, the ways out, and the search of memory and disk. QEMU computes its
// processor, so a start that was only too slow beside whatever else the machine
// does is told from an image that does not work by starting it again.
func boot(ctx context.Context, r *report) error {
	if os.Geteuid() != 0 {
		r.printf("%sonly root can build the image; `make boot-test` does it with sudo\n", notTried)
		return nil
	}
	if why, err := unreachable(ctx); err != nil {
		return err
	} else if why != "" {
		r.printf("%sthe image, whose Debian packages cannot be fetched here: %s\n", notTried, why)
		return nil
	}
	build := command(ctx, nil, "make", "--no-print-directory", "boot-image", "LEVEL=1")
	build.Stdout, build.Stderr = r.out, r.out
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the image: %w", err)
	}
	disk, err := newest("build/image/yhteiskone-*.img")
	if err != nil {
		return err
	}
	bin, err := filepath.Abs("bin")
	if err != nil {
		return err
	}
	shots, err := filepath.Abs("build/boot-test")
	if err != nil {
		return err
	}
	env := []string{"YHTEISKONE_BOOT=" + disk, "YHTEISKONE_BOOT_BIN=" + bin, "YHTEISKONE_BOOT_SHOTS=" + shots}
	start := func(said *report) error {
		err := said.goTest(command(ctx, env, "go", "test", "-count=1", "-timeout", "30m", "-v", "-run", "^TestBoot$/^bios$", "./images/boottest"))
		if err == nil && said.tests.passed == 0 {
			err = errors.New("no machine was started")
		}
		return err
	}
	one := newReport(r.out)
	one.step = r.step
	return r.again(one, start(one), func(two *report, _ string) error { return start(two) })
}

// unreachable says why nobody here can install what is in the image; nothing if
// somebody can. The image is of another release than this machine may be.
func unreachable(ctx context.Context) (why string, err error) {
	sources, err := command(ctx, nil, "bin/provision", "image", "build", "--show-sources").Output()
	if err != nil {
		return "", fmt.Errorf("find the list of packages: %w", err)
	}
	dir, err := os.MkdirTemp("", "yhteiskone-lists-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "image.sources"), sources, 0o644); err != nil {
		return "", err
	}
	lists := filepath.Join(dir, "lists")
	if err := os.MkdirAll(filepath.Join(lists, "partial"), 0o755); err != nil {
		return "", err
	}
	out, err := command(ctx, nil, "apt-get", "-q", "update", "--error-on=any", "-o", "Dir::Etc::SourceList=/dev/null", "-o", "Dir::Etc::SourceParts="+dir,
		"-o", "Dir::State::Lists="+lists, "-o", `Acquire::Check-Valid-Until=false`, "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root").CombinedOutput()
	if err == nil || ctx.Err() != nil {
		return "", ctx.Err()
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
}

// newest is the file that was written last of those that match.
func newest(pattern string) (string, error) {
	all, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("there is no %s", pattern)
	}
	written := func(path string) time.Time {
		info, err := os.Stat(path)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	path := slices.MaxFunc(all, func(a, b string) int { return written(a).Compare(written(b)) })
	return filepath.Abs(path)
}
