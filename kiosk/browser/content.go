package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/session"
)

// content is one file for the inside of the sandbox.
type content struct {
	path     string
	mode     string
	readOnly bool
	data     []byte
}

// contents are all files that a session begins with. None of them touches a
// disk. cookie is nil for an X server that asks for none.
func contents(mark session.Mark, setup session.Setup, cookie []byte, uid, gid int) ([]content, error) {
	preferences, err := preferences(setup)
	if err != nil {
		return nil, err
	}
	all, err := extensionContents()
	if err != nil {
		return nil, err
	}
	all = append(all, []content{
		{insideProfile + "/Default/Preferences", "0600", false, preferences},
		{"/etc/passwd", "0444", true, fmt.Appendf(nil, "client:x:%d:%d::%s:/usr/sbin/nologin\n", uid, gid, insideHome)},
		// The system's own print dialog would offer to print into a file.
		{"/etc/gtk-3.0/settings.ini", "0444", true, []byte("[Settings]\ngtk-print-backends=cups\n")},
		{"/etc/group", "0444", true, fmt.Appendf(nil, "client:x:%d:\n", gid)},
	}...)
	if cookie != nil {
		all = append(all, content{insideCookie, "0600", false, cookie})
	}
	for _, folder := range []string{insideHome, "/tmp", "/dev/shm"} {
		all = append(all, content{folder + "/.yhteiskone-" + mark.Token, "0600", false, []byte(mark.Canary + "\n")})
	}
	return all, nil
}

// preferences are the few settings that no policy covers: without a window
// frame of Chromium's own there is no button that hides the window, and there
// is nothing here that would bring it back; the dialog that asks for a file to
// attach begins where the bank's statement was saved; sites are asked for the
// client's language and shown in the client's size.
func preferences(setup session.Setup) ([]byte, error) {
	accept := speak(setup.Lang).accept
	all := map[string]any{
		"browser":    map[string]any{"custom_chrome_frame": false, "has_seen_welcome_page": true},
		"selectfile": map[string]any{"last_directory": Downloads},
		"intl":       map[string]any{"accept_languages": accept, "selected_languages": accept},
	}
	if size := setup.Comfort.Size; size != 0 && size != 100 {
		// Chromium counts zoom in steps of a fifth.
		level := math.Log(float64(size)/100) / math.Log(1.2)
		all["partition"] = map[string]any{"default_zoom_level": map[string]any{"x": level}}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("make the preferences: %w", err)
	}
	return b, nil
}

// inMemory makes a nameless file in memory that holds the data and stands at
// its begin.
func inMemory(data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("yhteiskone", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("keep a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "memory")
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, fmt.Errorf("keep a file in memory: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("keep a file in memory: %w", err)
	}
	return f, nil
}

// hand is the handles that bubblewrap inherits. The first is number 3 there.
type hand struct{ files []*os.File }

func (h *hand) take(f *os.File) (fd int) {
	h.files = append(h.files, f)
	return len(h.files) + 2
}

func (h *hand) close() {
	for _, f := range h.files {
		f.Close()
	}
	h.files = nil
}

// give puts the contents into memory and returns how the sandbox finds them.
func (h *hand) give(all []content) ([]Given, error) {
	var given []Given
	for _, c := range all {
		f, err := inMemory(c.data)
		if err != nil {
			return nil, err
		}
		given = append(given, Given{FD: h.take(f), Path: c.path, Mode: c.mode, ReadOnly: c.readOnly})
	}
	return given, nil
}

// displayNumber reads DISPLAY. Only a server on this machine will do.
func displayNumber(display string) (int, error) {
	rest, ok := cutColon(display)
	n, err := strconv.Atoi(rest)
	if !ok || err != nil || n < 0 || n > 65535 {
		return 0, fmt.Errorf("DISPLAY is %q; set it to an X server of this machine, for example :0", display)
	}
	if _, err := os.Stat(fmt.Sprintf("/tmp/.X11-unix/X%d", n)); errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("no X server answers for DISPLAY %q; start one", display)
	}
	return n, nil
}

func cutColon(display string) (string, bool) {
	if len(display) < 2 || display[0] != ':' {
		return "", false
	}
	rest := display[1:]
	for i, c := range rest {
		if c == '.' {
			return rest[:i], true
		}
	}
	return rest, true
}
