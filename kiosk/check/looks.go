package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What a machine must have. Two GiB fitted are somewhat less after the
// firmware and the kernel took theirs.
const (
	memoryLeast = 1800 << 20
	memoryGood  = 3500 << 20
	spaceLeast  = 200 << 20
	widthLeast  = 1024
	heightLeast = 600
	tooOld      = 110 // Chromium's major version; older ones know fewer of our policies
)

func (c *Config) user() Finding {
	if c.uid == 0 {
		return Finding{Bad, "user", "This is the user root, and a kiosk never runs as root.",
			"Run it as an unprivileged user, for example: runuser -u yhteiskone -- kiosk check"}
	}
	return ok("user", "The user is not root.")
}

var versionShape = regexp.MustCompile(`\b(\d+)\.\d+\.\d+\.\d+\b`)

func (c *Config) browser(ctx context.Context) Finding {
	const todo = "Install it: apt-get install chromium chromium-l10n"
	path := c.Chromium
	if path == "" {
		for _, p := range c.chromium {
			if _, err := os.Stat(p); err == nil {
				path = p
				break
			}
		}
	}
	if path == "" {
		return Finding{Bad, "chromium", "Chromium is missing.", todo}
	}
	if _, err := os.Stat(path); err != nil {
		return Finding{Bad, "chromium", fmt.Sprintf("Chromium is missing: there is no %s.", path), todo}
	}
	out, err := answer(ctx, path, "--version")
	if err != nil {
		return Finding{Bad, "chromium", fmt.Sprintf("Chromium does not start: %v.", err), "Install it again: apt-get install --reinstall chromium"}
	}
	v := versionShape.FindStringSubmatch(out)
	if v == nil {
		return Finding{Warn, "chromium", "Chromium does not tell its version.", "Check that " + path + " is Chromium."}
	}
	if major, _ := strconv.Atoi(v[1]); major < tooOld {
		return Finding{Warn, "chromium", fmt.Sprintf("Chromium %s is old; banks may refuse it.", v[0]), "Update it: apt-get update && apt-get install chromium"}
	}
	return ok("chromium", "Chromium %s is there.", v[0])
}

func (c *Config) program(what, name, why string) Finding {
	if _, err := c.look(name); err != nil {
		return Finding{Bad, what, fmt.Sprintf("The program %s is missing. %s", name, why), "Install it: apt-get install " + what}
	}
	return ok(what, "%s is there.", strings.ToUpper(what[:1])+what[1:])
}

// namespaces tries what every session does first.
func (c *Config) namespaces(ctx context.Context) Finding {
	bwrap, err := c.look("bwrap")
	if err != nil {
		return Finding{Bad, "namespaces", "Whether a session can be walled off was not tried: bubblewrap is missing.", "Install it: apt-get install bubblewrap"}
	}
	err = c.Walled(ctx, bwrap, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
		"--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true")
	if err == nil {
		return ok("namespaces", "Sessions can be walled off (user and process namespaces).")
	}
	f := Finding{Bad, "namespaces", fmt.Sprintf("Sessions cannot be walled off: %v.", err),
		"Use a kernel with user namespaces; Debian's own has them."}
	for _, s := range []struct {
		file, off, todo string
	}{
		{"sys/kernel/unprivileged_userns_clone", "0", "Allow it: sysctl -w kernel.unprivileged_userns_clone=1"},
		{"sys/user/max_user_namespaces", "0", "Allow it: sysctl -w user.max_user_namespaces=10000"},
		{"sys/kernel/apparmor_restrict_unprivileged_userns", "1", "Allow it: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	} {
		if text, err := os.ReadFile(c.procFile(s.file)); err == nil && strings.TrimSpace(string(text)) == s.off {
			f.Todo = s.todo
			break
		}
	}
	return f
}

func (c *Config) screen(ctx context.Context) Finding {
	w, h, err := c.Screen(ctx)
	if err != nil {
		return Finding{Bad, "display", fmt.Sprintf("There is no display: %v.", err),
			"Run it inside X (DISPLAY and XAUTHORITY must be right), or start one: startx"}
	}
	if w < widthLeast || h < heightLeast {
		return Finding{Bad, "display", fmt.Sprintf("The display has %d × %d pixels; pages need %d × %d.", w, h, widthLeast, heightLeast),
			"Use a larger screen, or set a higher resolution: xrandr"}
	}
	return ok("display", "The display has %d × %d pixels.", w, h)
}

func (c *Config) memory() Finding {
	text, err := os.ReadFile(c.procFile("meminfo"))
	kib := uint64(0)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "MemTotal: %d kB", &kib)
	}
	have := kib << 10
	gib := float64(have) / (1 << 30)
	switch {
	case err != nil:
		return Finding{Warn, "memory", "How much memory there is cannot be read.", "Check that /proc is mounted."}
	case have < memoryLeast:
		return Finding{Bad, "memory", fmt.Sprintf("There are %.1f GiB of memory; a bank's pages need 2.", gib), "Add memory: 4 GiB are good."}
	case have < memoryGood:
		return Finding{Warn, "memory", fmt.Sprintf("There are %.1f GiB of memory; it works, slowly.", gib), "Add memory if you can: 4 GiB are good."}
	}
	return ok("memory", "There are %.1f GiB of memory.", gib)
}

// swap on a disk keeps what a client did after the wipe. Compressed memory
// (zram) does not.
func (c *Config) swap() Finding {
	file, err := os.Open(c.procFile("swaps"))
	if err != nil {
		return ok("swap", "There is no swap.")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "\t")
		if name == "" || name == "Filename" || strings.Contains(filepath.Base(name), "zram") {
			continue
		}
		return Finding{Warn, "swap", "Swap is on, and a client's pages may stay on that disk.",
			"Switch it off: swapoff -a, and remove its line from /etc/fstab"}
	}
	return ok("swap", "No swap on a disk.")
}

func (c *Config) state() Finding {
	const code = "state"
	if c.State == "" {
		return Finding{Bad, code, "No folder for the kiosk's state is named.", "Name it in kiosk.toml: state = \"/var/lib/yhteiskone\""}
	}
	folder, err := existing(c.State)
	if err == nil {
		err = unix.Access(folder, unix.W_OK|unix.X_OK)
	}
	if err == nil && folder == c.State {
		err = tryWrite(folder)
	}
	if err != nil {
		return Finding{Bad, code, fmt.Sprintf("The kiosk cannot write its state into %s: %v.", c.State, cause(err)),
			"Make the folder and give it to this user: install -d -m 0700 -o USER " + c.State}
	}
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err == nil && tight(s.Bavail*uint64(s.Bsize), s.Blocks*uint64(s.Bsize)) {
		return Finding{Warn, code, fmt.Sprintf("Only %d MiB are free where the kiosk's state is.", s.Bavail*uint64(s.Bsize)>>20), "Make room on that disk."}
	}
	return ok(code, "The kiosk's state folder can be written.")
}

// tight reports whether too little is free, in bytes, on a disk of that size. The
// image's own partition for the state is a small one, and large enough.
func tight(free, size uint64) bool { return free < min(spaceLeast, size/4) }

// existing is the folder, or the nearest one above it that there is.
func existing(folder string) (string, error) {
	for {
		info, err := os.Stat(folder)
		switch {
		case err == nil && info.IsDir():
			return folder, nil
		case err == nil:
			return "", fmt.Errorf("%s is not a folder", folder)
		case !errors.Is(err, fs.ErrNotExist) || folder == filepath.Dir(folder):
			return "", err
		}
		folder = filepath.Dir(folder)
	}
}

func tryWrite(folder string) error {
	f, err := os.CreateTemp(folder, ".check-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString("x")
	return errors.Join(err, f.Sync(), f.Close())
}

// cause is the kernel's word alone: the path was said already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (c *Config) fonts(ctx context.Context) Finding {
	const todo = "Install them: apt-get install fontconfig fonts-noto-core fonts-noto-ui-core"
	match, err := c.look("fc-match")
	if err != nil {
		return Finding{Warn, "fonts", "Which fonts there are cannot be found out: fc-match is missing.", todo}
	}
	out, err := answer(ctx, match, "-f", "%{family}", "Noto Sans")
	if err != nil || !strings.Contains(out, "Noto Sans") {
		return Finding{Warn, "fonts", "The font Noto Sans is missing; some languages will show boxes.", todo}
	}
	return ok("fonts", "The fonts are there.")
}

func (c *Config) languages() Finding {
	if len(c.Drafts) == 0 {
		return ok("languages", "The languages are %s.", strings.Join(c.Languages, " "))
	}
	return ok("languages", "The languages are %s; unreviewed drafts: %s.", strings.Join(c.Languages, " "), strings.Join(c.Drafts, " "))
}

func (c *Config) clock() Finding {
	const todo = "Set it: timedatectl set-ntp true. If it is wrong after every start, change the battery on the mainboard."
	now := c.now()
	switch {
	case now.Before(c.built.Add(-24 * time.Hour)):
		return Finding{Bad, "clock", fmt.Sprintf("The clock says %s, and this program is newer than that.", now.Format(time.DateOnly)), todo}
	case now.After(c.built.AddDate(15, 0, 0)):
		return Finding{Bad, "clock", fmt.Sprintf("The clock says %s.", now.Format(time.DateOnly)), todo}
	}
	return ok("clock", "The clock says %s.", now.Format("2006-01-02 15:04"))
}

// answer runs a program and returns what it said. An error is what it said of
// its failure, in one line.
func answer(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s does not answer", filepath.Base(program))
	}
	for line := range strings.Lines(errOut.String()) {
		if line = strings.Trim(strings.TrimSpace(line), "."); line != "" {
			return "", errors.New(line)
		}
	}
	return "", err
}
