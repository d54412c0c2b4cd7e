// Command traces is the trace hunt, `make traces`: a busy session runs while
// every file system of this machine is watched, and every path that changed
// outside of the session's sandbox is listed with its reason. A path without a
// reason makes it fail.
//
// As root it watches the file systems themselves; the session runs as the
// guest. For anybody else it runs the scenario alone, which watches the folders
// that this user can write.
//
// Caveat: what other users' programs write meanwhile is counted and shown, but
// not judged: on a machine with other work nobody could.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"yhteiskone/internal/dev/guest"
	"yhteiskone/internal/e2e/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "traces: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	who, err := guest.Find()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-traces.")
	if err != nil {
		return fmt.Errorf("make a work folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("open the work folder: %w", err)
	}
	for _, sub := range []string{"home", "run", "hunt"} {
		if err := who.MkdirAll(filepath.Join(dir, sub)); err != nil {
			return fmt.Errorf("make a work folder: %w", err)
		}
	}
	if err := who.Copy(filepath.Join(dir, "bin"), "bin", nil); err != nil {
		return fmt.Errorf("copy the programs: %w", err)
	}
	program := filepath.Join(dir, "e2e.test")
	if text, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./internal/e2e").CombinedOutput(); err != nil {
		return fmt.Errorf("compile the scenario: %w: %s", err, text)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		return fmt.Errorf("give the scenario to the guest: %w", err)
	}
	h := hunt{begin: filepath.Join(dir, "hunt", "places.json"), uid: who.UID}
	var watch *trace.Watcher
	if who.Other() {
		points, err := fileSystems()
		if err != nil {
			return err
		}
		if watch, err = trace.WatchFileSystems(points...); err != nil {
			return err
		}
		fmt.Fprintf(out, "watching the file systems at %s\n", strings.Join(points, " "))
	}
	env := guest.Environ(filepath.Join(dir, "home"), filepath.Join(dir, "run"),
		"YHTEISKONE_BIN="+filepath.Join(dir, "bin"), "YHTEISKONE_TEST="+dir, "YHTEISKONE_TRACES="+h.begin)
	cmd := who.Command(ctx, env, program, "-test.v", "-test.run", "^TestBrowserTraces$", "-test.timeout", "10m")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	failed := cmd.Run()
	if watch == nil {
		return failed
	}
	changes, err := watch.Stop()
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	text, err := os.ReadFile(h.begin)
	if err != nil {
		return fmt.Errorf("read the scenario's folders: %w", err)
	}
	if err := json.Unmarshal(text, &h.places); err != nil {
		return fmt.Errorf("read the scenario's folders: %w", err)
	}
	return h.judge(out, changes)
}

// hunt is what the session's changes are judged by.
type hunt struct {
	begin  string // the file with which it begins; with .end it is over
	uid    int    // whose session it is
	places trace.Places
}

// judge prints the table. It is an error if something is not explained, and if
// so little was seen that the hunt shows nothing.
func (h hunt) judge(out io.Writer, changes []trace.Change) error {
	from := slices.IndexFunc(changes, func(c trace.Change) bool { return c.Path == h.begin })
	to := slices.IndexFunc(changes, func(c trace.Change) bool { return c.Path == h.begin+".end" })
	if from < 0 || to < from {
		return errors.New("the watch did not see the session begin and end")
	}
	others := map[string]bool{}
	session := slices.DeleteFunc(slices.Clone(changes[from:to]), func(c trace.Change) bool {
		if c.UID >= 0 && c.UID != h.uid {
			others[c.Path] = true
			return true
		}
		return c.Path == h.begin
	})
	lines := trace.Explain(session, h.places, trace.Rows())
	fmt.Fprintf(out, "%d changes of %d paths while the session ran:\n%s", len(session), len(lines), trace.Table(lines))
	fmt.Fprintf(out, "other users' programs changed %d paths meanwhile\n", len(others))
	if n := len(trace.Unexplained(lines)); n > 0 {
		return fmt.Errorf("nothing explains %d of the paths", n)
	}
	if len(lines) < 8 {
		return fmt.Errorf("only %d paths changed: the watch did not see the kiosk at work", len(lines))
	}
	return nil
}

// fileSystems are the mount points of all that can be written on this machine,
// one for each file system.
func fileSystems() ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list the file systems: %w", err)
	}
	defer f.Close()
	var points []string
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		kind, _, _ := strings.Cut(after, " ")
		at := strings.Fields(before)
		if len(at) < 6 || seen[at[2]] || slices.Contains(strings.Split(at[5], ","), "ro") || !onDiskOrMemory(kind) || strings.Contains(at[4], `\`) {
			continue
		}
		seen[at[2]] = true
		points = append(points, at[4])
	}
	return points, lines.Err()
}

// onDiskOrMemory reports whether a file system holds files.
func onDiskOrMemory(kind string) bool {
	return slices.Contains([]string{"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "exfat", "ntfs3", "tmpfs", "overlay"}, kind)
}
