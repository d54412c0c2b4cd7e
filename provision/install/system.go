package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// System are the Tools of the running image.
type System struct {
	Kiosk   string // our other program
	Owner   int    // number of the user that the kiosk runs as
	Folder  string // in memory, for what the programs are told
	Patient time.Duration
}

// Check has veritysetup compare the whole slot with the hash that the kernel
// was given.
func (s System) Check(ctx context.Context) error {
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return fmt.Errorf("check the stick: %w", err)
	}
	args, err := checkOf(string(line))
	if err != nil {
		return fmt.Errorf("check the stick: %w", err)
	}
	if _, err := tool(ctx, "veritysetup", args...); err != nil {
		return fmt.Errorf("check the stick: %w", err)
	}
	return nil
}

// checkOf makes of the kernel's line how veritysetup is called.
func checkOf(line string) ([]string, error) {
	said := map[string]string{}
	for _, word := range strings.Fields(line) {
		if key, value, ok := strings.Cut(word, "="); ok {
			said[key] = value
		}
	}
	slot, hash, offset := said["kiosk.slot"], said["kiosk.roothash"], said["kiosk.hashoffset"]
	switch {
	case slot == "" || hash == "" || offset == "":
		return nil, errors.New("the machine was not started from an image")
	case slot != "A":
		return nil, errors.New("it was updated since it was written, and runs from its other slot")
	}
	part := "/dev/kiosk/kiosk-" + slot
	if said["kiosk.from"] != "" {
		part = NetDisk + "p3"
	}
	return []string{"verify", "--hash-offset=" + offset, part, part, hash}, nil
}

// NetDisk is what a machine runs from that was started over the network: a disk
// in memory.
const NetDisk = "/dev/loop0"

// retry is how long to wait before the agent is asked again.
const retry = 2 * time.Second

// Enrol has the kiosk enrol. An agent that cannot be reached yet is asked again
// for a while: a cable needs its time.
func (s System) Enrol(ctx context.Context, join, state string) (Member, error) {
	config := filepath.Join(s.Folder, "enrol.toml")
	text := fmt.Sprintf("state = %q\nruntime = %q\njoin = %q\n", state, s.Folder, join)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	end := time.NewTimer(s.Patient)
	defer end.Stop()
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		out, err := tool(ctx, s.Kiosk, "enrol", "--config", config)
		if err == nil {
			var m Member
			if err := json.Unmarshal(out, &m); err != nil {
				return Member{}, fmt.Errorf("enrol: %w", err)
			}
			return m, nil
		}
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && exit.ExitCode() == 2:
			return Member{}, fmt.Errorf("%w: %w", ErrRefused, err)
		case !errors.As(err, &exit) || exit.ExitCode() != 3:
			return Member{}, fmt.Errorf("enrol: %w", err)
		}
		select {
		case <-tick.C:
		case <-end.C:
			return Member{}, fmt.Errorf("%w: %w", ErrOffline, err)
		case <-ctx.Done():
			return Member{}, ctx.Err()
		}
	}
}

// FAT makes kiosk-conf, as the image's builder does.
func (s System) FAT(ctx context.Context, path string, size, at int64) error {
	if err := empty(path, size); err != nil {
		return err
	}
	_, err := tool(ctx, "mkfs.vfat", "-F", "32", "-s", "1", "-n", "KIOSK-CONF", "-h", strconv.FormatInt(at/512, 10), path)
	return err
}

// Ext4 makes kiosk-data, as the image's builder does, with what the kiosk must
// find there.
func (s System) Ext4(ctx context.Context, path string, size int64, folder string) error {
	if err := empty(path, size); err != nil {
		return err
	}
	err := filepath.WalkDir(folder, func(name string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, s.Owner, s.Owner))
	})
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	owner := strconv.Itoa(s.Owner)
	_, err = tool(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-L", "kiosk-data", "-m", "0", "-d", folder,
		"-E", "root_owner="+owner+":"+owner+",lazy_itable_init=0,lazy_journal_init=0", path)
	return err
}

func empty(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// Hold brings the program into memory for good: its file goes away with the
// stick.
func (s System) Hold() error {
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE); err != nil {
		return fmt.Errorf("stay in memory: %w", err)
	}
	return nil
}

// Restart starts the machine anew, without any program: none can be read any
// more. Everything was synced when the disk was proved.
func (s System) Restart() error {
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART); err != nil {
		return fmt.Errorf("restart the machine: %w", err)
	}
	return nil
}

// tool runs a program and returns what it printed.
func tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C.UTF-8")
	var said, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &wrong
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(wrong.String()))
	}
	return said.Bytes(), nil
}
