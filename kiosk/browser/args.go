package browser

import (
	"fmt"
	"strconv"

	"yhteiskone/kiosk/door"
)

// The sandbox's inside. Nothing of it exists outside.
const (
	insideHome    = "/home/client"
	insideProfile = insideHome + "/profile"
	insideCookie  = insideHome + "/.Xauthority"
	// The name is what makes our program the launcher.
	insideLauncher = "/run/" + door.EnterName
	insidePrinter  = "/run/cups/cups.sock"
	policyFolder   = "/etc/chromium/policies/managed"

	// Downloads is where files land that the client fetches.
	Downloads = insideHome + "/Lataukset"
	// Class is the window class of the client's browser.
	Class = "ClientBrowser"
)

// Sandbox is everything that decides how the client's browser is started.
type Sandbox struct {
	Chromium string // the program itself, not Debian's script
	Display  int    // the X server's number
	Guarded  bool   // the door leads to the X server, not the server's own socket
	Locale   string // of the browser's own texts
	Contrast bool   // pages are shown in black on white
	Policies string // folder of the policy, bound read-only
	Token    string // into every process's environment
	Width    int    // of the window
	Height   int
	Page     string // where it begins
	// Given are files whose content comes through a handle, so that it never
	// lies on a disk.
	Given []Given
	// Etc are the files of /etc that the browser gets to read. Those that do
	// not exist are left out.
	Etc []string
	// Masked are programs of /usr that must not start inside. Each must exist.
	Masked []string
	// Launcher is our own program, the first one inside: see package door.
	Launcher string
	// Ready is the handle on which a byte says that the sandbox stands, Way
	// the one that leads to the door. Info is where bubblewrap tells what it
	// made; 0 for none.
	Ready, Way, Info int
	// Printer is the socket of the print server, empty for none. One that is
	// not there is left out.
	Printer string
	// Card says that the card service's socket is there as well.
	Card bool
	// Memory is the machine's, in bytes: the folders' sizes follow from it.
	Memory int64
	// Extra are more flags for Chromium; for tests.
	Extra []string
}

// Given is one file whose content comes through the handle FD.
type Given struct {
	FD       int
	Path     string
	Mode     string // octal
	ReadOnly bool   // bound read-only: not even its owner can change it
}

// etcFiles are the files of /etc that a browser needs: fonts, certificates,
// time zone. Not among them: passwd, machine-id, the kiosk's own settings, and
// how names are resolved, which is the door's work.
func etcFiles() []string {
	return []string{"/etc/fonts", "/etc/ssl", "/etc/ca-certificates", "/etc/localtime", "/etc/ld.so.cache", "/etc/cups/client.conf"}
}

// devices are all that the browser gets of the machine's.
func devices() []string {
	return []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
}

// maskedPrograms start other programs for a link, or ask which one would start;
// there is none in the sandbox that a client would want.
func maskedPrograms() []string {
	return []string{"/usr/bin/xdg-open", "/usr/bin/xdg-settings", "/usr/bin/xdg-email", "/usr/bin/xdg-mime"}
}

// Args are bubblewrap's arguments. A pure function: the same sandbox gives the
// same arguments, on every machine.
func Args(s Sandbox) []string {
	size := sharesOf(s.Memory)
	a := []string{
		"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--hostname", "yhteiskone",
		// For the launcher, which makes an interface that leads nowhere and
		// gives the right up before it becomes the browser.
		"--cap-add", "CAP_NET_ADMIN",
		"--die-with-parent", "--new-session",
		"--ro-bind", "/usr", "/usr",
		"--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin",
		"--proc", "/proc", "--ro-bind", "/sys", "/sys",
		// Not bubblewrap's own --dev: it brings terminals, and for them a second
		// user namespace, in which the network would not be the launcher's.
		"--size", octets(mib), "--tmpfs", "/dev",
	}
	for _, d := range devices() {
		a = append(a, "--dev-bind", d, d)
	}
	a = append(a,
		"--symlink", "/proc/self/fd", "/dev/fd", "--symlink", "/proc/self/fd/0", "/dev/stdin",
		"--symlink", "/proc/self/fd/1", "/dev/stdout", "--symlink", "/proc/self/fd/2", "/dev/stderr",
		// Bounded, so that one huge download cannot take the machine's memory.
		"--size", octets(size.shm), "--tmpfs", "/dev/shm", "--size", octets(size.small), "--tmpfs", "/run",
		"--size", octets(size.small), "--tmpfs", "/var", "--size", octets(size.tmp), "--tmpfs", "/tmp",
		// Made by root for everybody; without it every start reads all fonts.
		"--ro-bind-try", "/var/cache/fontconfig", "/var/cache/fontconfig",
		"--dir", "/tmp/.X11-unix",
		"--size", octets(size.home), "--tmpfs", "/home", "--dir", insideHome, "--dir", Downloads, "--dir", insideProfile+"/Default",
		"--dir", "/etc", "--ro-bind", s.Launcher, insideLauncher,
	)
	screen := displaySocket(s.Display)
	if !s.Guarded {
		a = append(a, "--ro-bind", screen, screen)
		screen = ""
	}
	if s.Printer != "" {
		a = append(a, "--dir", "/run/cups", "--ro-bind-try", s.Printer, insidePrinter)
	}
	if s.Card {
		a = append(a, "--dir", "/run/pcscd", "--ro-bind-try", cardSocket, cardSocket)
	}
	for _, path := range s.Etc {
		a = append(a, "--ro-bind-try", path, path)
	}
	for _, path := range s.Masked {
		a = append(a, "--ro-bind", "/dev/null", path)
	}
	a = append(a, "--ro-bind", s.Policies, policyFolder)
	for _, g := range s.Given {
		how := "--file"
		if g.ReadOnly {
			how = "--ro-bind-data"
		}
		a = append(a, "--perms", g.Mode, how, strconv.Itoa(g.FD), g.Path)
	}
	if s.Info != 0 {
		a = append(a, "--info-fd", strconv.Itoa(s.Info))
	}
	// Nobody saves a page as a policy file, or fills the memory from a place
	// without a bound.
	a = append(a, "--remount-ro", "/dev", "--remount-ro", "/")
	a = append(a, "--chdir", insideHome, "--clearenv")
	for _, v := range [][2]string{
		{"HOME", insideHome}, {"PATH", "/usr/bin:/bin"}, {"DISPLAY", fmt.Sprintf(":%d", s.Display)},
		{"XAUTHORITY", insideCookie}, {"LANG", "C.UTF-8"}, {"LANGUAGE", s.Locale}, {"XDG_RUNTIME_DIR", "/run"},
		{"TMPDIR", "/tmp"}, {"YHTEISKONE_SESSION", s.Token},
	} {
		a = append(a, "--setenv", v[0], v[1])
	}
	if s.Printer != "" {
		a = append(a, "--setenv", "CUPS_SERVER", insidePrinter)
	}
	a = append(a, "--", insideLauncher)
	return append(a, door.EnterArgs(s.Ready, s.Way, screen, append([]string{s.Chromium}, chromiumArgs(s)...)...)...)
}

// displaySocket is where the X server of that number is, outside and inside.
func displaySocket(number int) string { return fmt.Sprintf("/tmp/.X11-unix/X%d", number) }

func octets(n int64) string { return strconv.FormatInt(n, 10) }

func chromiumArgs(s Sandbox) []string {
	a := []string{
		"--user-data-dir=" + insideProfile, "--no-first-run", "--no-default-browser-check", "--password-store=basic",
		"--class=" + Class, "--lang=" + s.Locale, "--window-position=0,0", fmt.Sprintf("--window-size=%d,%d", s.Width, s.Height),
		// Beneath the curtain nothing would ever be painted without it.
		"--disable-backgrounding-occluded-windows",
		// A shared memory segment's number means another segment, or none,
		// outside the session's IPC namespace: the X server must not be told one.
		"--no-xshm",
		"--load-extension=" + insideExtension,
		// There is no other way out. The policy says the same, so that nobody
		// can choose another.
		"--proxy-server=" + door.Proxy, "--proxy-bypass-list=<-loopback>",
	}
	if s.Contrast {
		a = append(a, "--force-high-contrast")
	}
	return append(append(a, s.Extra...), s.Page)
}
