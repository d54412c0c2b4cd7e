package screen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/spawn"
)

// LauncherName is the name under which our own binary is the shell's launcher.
const LauncherName = "shellchrome"

// Class is the window class of the shell.
const Class = "KioskShell"

// Arguments of ours among lorca's; the launcher takes them out.
const (
	argParent   = "--yhteiskone-parent="
	argOrigin   = "--yhteiskone-origin="
	argChromium = "--yhteiskone-chromium="
	argUnit     = "--yhteiskone-unit="
)

// insideProfile is where the shell's profile is in its sandbox, in memory.
const insideProfile = "/home/shell/profile"

// Launch replaces this process by the shell's Chromium in its sandbox. It is
// what our binary does when it was started as LauncherName, with lorca's
// arguments. It does not return.
func Launch(args []string) {
	err := launch(args)
	// lorca reads the standard error and gives up when it ends.
	fmt.Fprintln(os.Stderr, "shell:", err)
	os.Exit(1)
}

func launch(args []string) error {
	l, err := parseLaunch(args)
	if err != nil {
		return err
	}
	// The shell dies with the kiosk, whatever way the kiosk ends. bubblewrap
	// keeps this and hands it on. A kiosk that died before is noticed by its
	// absence.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tie the shell to the kiosk: %w", err)
	}
	if os.Getppid() != l.parent {
		return errors.New("the kiosk that asked for the shell is gone")
	}
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		return errors.New("bubblewrap is not installed; install the package bubblewrap")
	}
	if _, err := os.Stat(l.chromium); err != nil {
		return fmt.Errorf("there is no Chromium at %s; install the package chromium", l.chromium)
	}
	cookie, err := readCookie()
	if err != nil {
		return err
	}
	given := given{inherited: l.unit == ""}
	box := sandbox{chromium: l.chromium, args: chromiumArgs(l.args), display: os.Getenv("DISPLAY")}
	for _, g := range []struct {
		fd   *int
		name string
		data []byte
	}{{&box.preferences, "preferences", []byte(preferences)}, {&box.policy, "policy", policy(l.origin)}, {&box.cookie, "cookie", cookie}} {
		if g.data == nil {
			continue
		}
		if *g.fd, err = given.memory(g.name, g.data); err != nil {
			return err
		}
	}
	argv, err := box.argv()
	if err != nil {
		return err
	}
	o := spawn.Order{Path: bwrap, Args: append([]string{"bwrap"}, argv...), Env: []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}}
	if l.unit == "" {
		return syscall.Exec(o.Path, o.Args, o.Env)
	}
	ctx, cancel := context.WithTimeout(context.Background(), unitTime)
	defer cancel()
	return spawn.Become(ctx, l.unit, o, given.files()...)
}

// unitTime is how long systemd may take to start the shell's unit: as the
// machine starts, it has much to do.
const unitTime = time.Minute

// order is what lorca asked for, and what we told ourselves through it.
type order struct {
	parent   int
	origin   string
	chromium string
	unit     string   // socket of the unit in which it is to run; empty for none
	args     []string // lorca's own
}

func parseLaunch(args []string) (order, error) {
	var o order
	var err error
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, argParent); ok {
			o.parent, err = strconv.Atoi(v)
		} else if v, ok := strings.CutPrefix(a, argOrigin); ok {
			o.origin = v
		} else if v, ok := strings.CutPrefix(a, argChromium); ok {
			o.chromium = v
		} else if v, ok := strings.CutPrefix(a, argUnit); ok {
			o.unit = v
		} else {
			o.args = append(o.args, a)
		}
	}
	if err != nil || o.parent == 0 || o.origin == "" || o.chromium == "" {
		return o, errors.New("the launcher is started by the kiosk only")
	}
	return o, nil
}

// harmful are lorca's defaults that weaken the browser, put a bar over half of
// the strip or have no effect any more.
func harmful() []string {
	return []string{"--enable-automation", "--disable-features=site-per-process", "--disable-popup-blocking",
		"--disable-ipc-flooding-protection", "--disable-dev-shm-usage", "--disable-infobars",
		"--disable-client-side-phishing-detection", "--disable-hang-monitor", "--safebrowsing-disable-auto-update",
		"--use-mock-keychain", "--disable-windows10-custom-titlebar", "--metrics-recording-only"}
}

// chromiumArgs cleans lorca's arguments and adds ours.
func chromiumArgs(lorca []string) []string {
	var clean []string
	for _, a := range lorca {
		if !slices.Contains(harmful(), a) && !strings.HasPrefix(a, "--user-data-dir=") && !strings.HasPrefix(a, "--remote-allow-origins=") {
			clean = append(clean, a)
		}
	}
	return append(clean,
		"--user-data-dir="+insideProfile,
		"--class="+Class,
		"--window-position=0,0",
		// lorca says that it comes from there; nobody else may.
		"--remote-allow-origins=http://127.0.0.1",
		// The shell needs this machine and nothing else: whatever is not on the
		// loopback goes to a proxy that is not there.
		"--proxy-server=127.0.0.1:9",
		// The shell has an IPC namespace of its own, in which a number names
		// another segment than in the X server's. Told to use one, the server
		// would draw somebody else's memory, or nothing at all.
		"--no-xshm",
		"--disable-component-update",
		"--force-device-scale-factor=1",
		"--disable-pinch",
		"--overscroll-history-navigation=0",
	)
}

// preferences make Chromium leave the frame to the window manager, which gives
// the shell none.
const preferences = `{"browser":{"custom_chrome_frame":false,"has_seen_welcome_page":true}}`

// policy lets the shell show our own page and lorca steer it, and nothing else.
func policy(origin string) []byte {
	data, _ := json.Marshal(map[string]any{ // a map of plain values always encodes
		"URLBlocklist": []string{"*"}, "URLAllowlist": []string{origin},
		"DeveloperToolsAvailability": 1, "RemoteDebuggingAllowed": true,
		"IncognitoModeAvailability": 1, "BrowserSignin": 0, "SyncDisabled": true, "PasswordManagerEnabled": false,
		"DownloadRestrictions": 3, "AllowFileSelectionDialogs": false, "PrintingEnabled": false,
		"FullscreenAllowed": false, "TranslateEnabled": false, "MetricsReportingEnabled": false,
		"SearchSuggestEnabled": false, "SpellcheckEnabled": false, "BackgroundModeEnabled": false,
		"ExtensionInstallBlocklist": []string{"*"}, "DefaultNotificationsSetting": 2, "DefaultPopupsSetting": 2,
		"DefaultGeolocationSetting": 2, "SafeBrowsingProtectionLevel": 0, "NetworkPredictionOptions": 2,
		"BrowserAddPersonEnabled": false, "BrowserGuestModeEnabled": false, "CommandLineFlagSecurityWarningsEnabled": false, "TaskManagerEndProcessEnabled": false,
	})
	return data
}

// readCookie reads what lets us onto the X server; nil when there is none.
func readCookie() ([]byte, error) {
	path := os.Getenv("XAUTHORITY")
	if path == "" {
		path = os.Getenv("HOME") + "/.Xauthority"
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the X cookie: %w", err)
	}
	return data, nil
}

// given are the handles that the shell starts with: inherited under their own
// numbers by what this process becomes, or sent to the unit, where they are
// counted from 3 on.
type given struct {
	inherited bool
	fds       []int
}

// files are what the unit gets: the standard error first.
func (g *given) files() []*os.File {
	files := []*os.File{os.Stderr}
	for _, fd := range g.fds {
		files = append(files, os.NewFile(uintptr(fd), "given"))
	}
	return files
}

// memory puts data behind a handle that bubblewrap gets, so that it never lies
// on a disk and never stands in an argument. It returns the handle's number
// there.
func (g *given) memory(name string, data []byte) (int, error) {
	fd, err := unix.MemfdCreate(name, 0)
	if err != nil {
		return 0, fmt.Errorf("keep the shell's %s in memory: %w", name, err)
	}
	g.fds = append(g.fds, fd)
	for b := bytes.NewBuffer(data); b.Len() > 0; {
		n, err := unix.Write(fd, b.Bytes())
		if err != nil {
			return 0, fmt.Errorf("keep the shell's %s in memory: %w", name, err)
		}
		b.Next(n)
	}
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return 0, fmt.Errorf("keep the shell's %s in memory: %w", name, err)
	}
	if g.inherited {
		return fd, nil
	}
	return len(g.fds) + 2, nil
}

// sandbox is the shell's small world: no home, no disk, our page's origin.
type sandbox struct {
	chromium                    string
	args                        []string
	display                     string
	preferences, policy, cookie int // handles; cookie is 0 when there is none
}

// argv are bubblewrap's arguments. A pure function.
func (s sandbox) argv() ([]string, error) {
	_, number, ok := strings.Cut(s.display, ":")
	number, _, _ = strings.Cut(number, ".")
	if n, err := strconv.Atoi(number); !ok || err != nil || n < 0 {
		return nil, fmt.Errorf("the display %q is not on this machine", s.display)
	}
	socket := "/tmp/.X11-unix/X" + number
	a := []string{
		"--unshare-user", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session",
		"--ro-bind", "/usr", "/usr",
		"--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin",
		"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm", "--ro-bind", "/sys", "/sys",
		"--tmpfs", "/run", "--tmpfs", "/var", "--tmpfs", "/tmp",
		"--ro-bind-try", "/var/cache/fontconfig", "/var/cache/fontconfig",
		"--dir", "/tmp/.X11-unix", "--ro-bind", socket, socket,
		"--tmpfs", "/home", "--dir", insideProfile + "/Default", "--dir", "/etc/chromium/policies/managed",
	}
	for _, f := range []string{"/etc/fonts", "/etc/localtime", "/etc/ld.so.cache"} {
		a = append(a, "--ro-bind-try", f, f)
	}
	give := func(fd int, path string) {
		a = append(a, "--perms", "0600", "--file", strconv.Itoa(fd), path)
	}
	give(s.preferences, insideProfile+"/Default/Preferences")
	give(s.policy, "/etc/chromium/policies/managed/shell.json")
	a = append(a, "--clearenv")
	if s.cookie != 0 {
		give(s.cookie, "/home/shell/.Xauthority")
		a = append(a, "--setenv", "XAUTHORITY", "/home/shell/.Xauthority")
	}
	for _, v := range [][2]string{{"HOME", "/home/shell"}, {"PATH", "/usr/bin:/bin"}, {"DISPLAY", ":" + number},
		{"LANG", "C.UTF-8"}, {"LANGUAGE", "fi"}, {"XDG_RUNTIME_DIR", "/run"}, {"TMPDIR", "/tmp"}} {
		a = append(a, "--setenv", v[0], v[1])
	}
	return append(append(a, "--chdir", "/home/shell", "--", s.chromium), s.args...), nil
}
