package escape

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yhteiskone/internal/e2e/hand"
)

// inside is a path of the session as this test sees it.
func (r *room) inside(path string) string { return fmt.Sprintf("/proc/%d/root%s", r.browser, path) }

const downloads = "/home/client/Lataukset"

// saved are the files in the session's folder for downloads.
func (r *room) saved() (names []string) {
	entries, err := os.ReadDir(r.inside(downloads))
	if err != nil {
		r.Fatalf("look into the session's downloads: %v", err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// written are files of the session that a print or a save could have made,
// outside the browser's own profile and its downloads.
func (r *room) written() (found []string) {
	for _, root := range []string{"/home/client", "/tmp", "/etc", "/var", "/run", "/dev/shm"} {
		filepath.WalkDir(r.inside(root), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if d.IsDir() && (d.Name() == "profile" || d.Name() == "Lataukset") {
				return filepath.SkipDir
			}
			for _, end := range []string{".pdf", ".ps", ".svg", ".html", ".mhtml", ".json", ".txt"} {
				if strings.HasSuffix(d.Name(), end) && !strings.HasSuffix(path, "/etc/chromium/policies/managed/yhteiskone.json") {
					found = append(found, strings.TrimPrefix(path, r.inside("")))
				}
			}
			return nil
		})
	}
	return found
}

// dialog waits for a dialog window; "" if none comes.
func (r *room) dialog() (id string, b hand.Box) {
	r.Helper()
	r.later(4*time.Second, func() bool { id, b = r.extra(); return id != "" })
	return id, b
}

// choose types a path into a file dialog and presses the button at its lower
// right corner until the dialog is gone; false if it would not go and was
// cancelled.
func (r *room) choose(id string, b hand.Box, path string) bool {
	r.Helper()
	r.key("ctrl+l")
	r.write(path)
	gone := func() bool { // seen twice: a look at a busy screen can miss a window
		again, _ := r.extra()
		more, _ := r.extra()
		return again == "" && more == ""
	}
	for range 3 { // the first press may only close the list of names that fit
		r.do(r.display.ClickIn(r.Ctx, id, b.W-50, b.H-25))
		if r.later(1500*time.Millisecond, gone) {
			return true
		}
	}
	r.cancel()
	return false
}

// cancel closes a dialog.
func (r *room) cancel() {
	r.Helper()
	r.Until(patience, "the dialog goes away", func() (bool, string) {
		r.key("Escape")
		return r.later(time.Second, func() bool { id, _ := r.extra(); return id == "" }), ""
	})
}

// tryOpen opens files by Ctrl+O.
func tryOpen(t *trial) {
	for _, path := range []string{"/etc/passwd", t.inside("")[:6], t.kiosk.State + "/key.pem", "/usr/share/common-licenses/GPL-3"} {
		s := t.open("plain.html")
		t.reaches(s.N, "ctrl+o")
		id, b := t.dialog()
		if id == "" {
			t.found(nothing)
			continue
		}
		if !t.choose(id, b, path) {
			t.found("a dialog that finds no such file")
			continue
		}
		t.later(3*time.Second, func() bool { return !strings.HasPrefix(t.title(), "koe plain") })
		if strings.HasPrefix(t.title(), "koe plain") {
			t.alive(s.N)
			t.found(nothing)
			continue
		}
		t.showsBlocked(path)
	}
}

// trySave saves the page by Ctrl+S: into the session's downloads, which end
// with it, and nowhere else.
func trySave(t *trial) {
	s := t.open("plain.html")
	before, was := len(t.saved()), t.written()
	t.reaches(s.N, "ctrl+s")
	if id, b := t.dialog(); id != "" {
		t.choose(id, b, "/etc/chromium/policies/managed/zz.json")
		t.found("a dialog that can write in the session only")
	} else if t.later(patience, func() bool { return len(t.saved()) > before }) {
		t.found("the page is saved in the session's downloads")
	} else {
		t.found(nothing)
	}
	if now := t.written(); len(now) > len(was) {
		t.Errorf("saved where it should not be: %q", now)
	}
	for _, path := range []string{"/etc/chromium/policies/managed/zz.json", "/etc/zz", "/zz", "/usr/zz", "/opt/zz"} {
		if err := os.WriteFile(t.inside(path), []byte("{}"), 0o600); err == nil {
			t.Errorf("%s can be written inside the session", path)
		}
	}
	t.found("the session's own folders of the system cannot be written")
	t.alive(s.N)
}

// tryUpload gives a page files that it should not have.
func tryUpload(t *trial) {
	s := t.open("upload.html")
	pick := func(path string, wait time.Duration) (string, bool) {
		t.click(s.at("file"))
		id, b := t.dialog()
		if id == "" {
			t.Fatal("no file dialog comes")
		}
		if !t.choose(id, b, path) {
			return "", false
		}
		ctx, cancel := t.in(wait)
		defer cancel()
		e, err := t.site.Wait(ctx, s.N, "picked")
		var words string
		if err != nil || json.Unmarshal(e.Detail, &words) != nil {
			return "", false
		}
		return words, true
	}
	// The same hands do give the page a file of the session.
	t.click(s.at("get"))
	t.Until(patience, "the download is there", func() (bool, string) { return strings.Contains(strings.Join(t.saved(), " ")+" ", "oma.txt "), "" })
	if words, ok := pick(downloads+"/oma.txt", patience); !ok || words != "koe\n" {
		t.Fatalf("the session's own file did not arrive: %q", words)
	}
	t.found("the session's own file arrives")
	for _, path := range []string{t.kiosk.State + "/key.pem", t.kiosk.Config, os.Getenv("HOME") + "/.bashrc", "/etc/shadow", "/etc/machine-id", "/root/.profile", "/var/log/dpkg.log"} {
		if words, ok := pick(path, 3*time.Second); ok {
			t.Errorf("the page got %d letters of %s", len(words), path)
		}
		t.found("a dialog that finds no such file")
	}
	if words, ok := pick("/etc/passwd", 3*time.Second); ok && (strings.Contains(words, "root:") || strings.Count(words, "\n") != 1) {
		t.Error("the page got the machine's list of users")
	}
	t.found(confined)
	t.alive(s.N)
}

// tryPickers asks for files and whole folders by the newer ways.
func tryPickers(t *trial) {
	s := t.open("pickers.html")
	for _, id := range []string{"file", "folder", "save"} {
		t.press(s, id, "asks:"+id)
		if t.told(s.N, "refused:"+id, "did:"+id) == "did:"+id {
			t.Errorf("the page got a %s", id)
		}
		if id, _ := t.extra(); id != "" {
			t.Error("a dialog is open")
			t.cancel()
		}
		t.found(refused)
	}
	t.alive(s.N)
}

// tryPaper saves, prints and follows links in the viewer of PDFs.
func tryPaper(t *trial) {
	show := func() {
		n := t.site.Asked(Here, "/paper.pdf")
		t.enter(t.here("/paper.pdf"))
		t.Until(patience, "the paper is fetched", func() (bool, string) { return t.site.Asked(Here, "/paper.pdf") > n, "" })
		t.Until(patience, "the paper is shown", func() (bool, string) { return strings.Contains(t.title(), "paper.pdf"), t.title() })
	}
	middle := t.display.W * 5 / 8
	show()
	t.Until(patience, "the paper's link to an allowed page opens it", func() (bool, string) {
		t.click(Place{middle, 190})
		return t.later(3*time.Second, func() bool { return t.site.Asked(Here, "/hit/paper") > 0 }), ""
	})
	t.found(allowed)
	show()
	for _, y := range []int{450, 550, 640} {
		t.click(Place{middle, y})
	}
	if t.later(2*time.Second, func() bool { return !strings.Contains(t.title(), "paper.pdf") }) {
		t.showsBlocked("the paper's link to a file")
	} else {
		t.found(nothing)
	}
	show()
	before := len(t.saved())
	t.click(Place{middle, 190 + 200})
	t.key("ctrl+s")
	if id, b := t.dialog(); id != "" {
		t.choose(id, b, "/etc/zz.pdf")
		t.found("a dialog that can write in the session only")
	} else if t.later(patience/4, func() bool { return len(t.saved()) > before }) {
		t.found("the paper is saved in the session's downloads")
	} else {
		t.found(nothing)
	}
	if now := t.written(); len(now) > 0 {
		t.Errorf("saved where it should not be: %q", now)
	}
	t.opens()
}

// tryPrint prints into a file from the preview.
func tryPrint(t *trial) {
	s := t.open("plain.html")
	before := len(t.saved())
	px := t.still(t.pageBox())
	t.reaches(s.N, "ctrl+p")
	t.hear(s.N, "printing")
	if !t.later(patience, func() bool { return alike(t.page(), px) < 0.9 }) {
		t.Error("the preview did not open: nothing was tried")
	}
	t.still(hand.Box{Y: barHeight, W: t.display.W, H: 400})
	t.key("Return")
	if id, b := t.dialog(); id != "" {
		t.choose(id, b, "/home/client/a.pdf")
		t.Error("a dialog for a file came")
	}
	t.Until(patience, "the preview goes away", func() (bool, string) {
		t.key("Escape")
		return t.later(time.Second, func() bool { return alike(t.page(), px) > 0.95 }), ""
	})
	if len(t.saved()) != before || len(t.written()) > 0 {
		t.Errorf("printed into a file: %q %q", t.saved(), t.written())
	}
	t.alive(s.N)
	t.found("a preview without a way to a file")
}

// tryPrintDialog prints into a file from the system's dialog.
func tryPrintDialog(t *trial) {
	s := t.open("plain.html")
	before := len(t.saved())
	t.reaches(s.N, "ctrl+shift+p")
	id, b := t.dialog()
	if id == "" {
		t.alive(s.N)
		t.found(nothing)
		return
	}
	// Whatever the list of printers offers first is chosen, and Print pressed.
	for range 2 {
		t.do(t.display.ClickIn(t.Ctx, id, b.W/3, 120))
		t.do(t.display.ClickIn(t.Ctx, id, b.W-60, b.H-30))
	}
	t.later(2*time.Second, func() bool { again, _ := t.extra(); return again == "" })
	if again, _ := t.extra(); again == "" {
		t.Error("the system's print dialog printed")
	} else {
		t.cancel()
	}
	if len(t.saved()) != before || len(t.written()) > 0 {
		t.Errorf("printed into a file: %q %q", t.saved(), t.written())
	}
	t.alive(s.N)
	t.found("the system's dialog without a way to a file")
}

// tryDownloads downloads what a desktop would run, and opens it.
func tryDownloads(t *trial) {
	for _, name := range []string{"koe.desktop", "koe.sh", "koe.html", "koe.svg"} {
		s := t.open("downloads.html")
		t.click(s.at(strings.TrimPrefix(name, "koe.")))
		if !t.later(patience, func() bool { return strings.Contains(strings.Join(t.saved(), " ")+" ", name+" ") }) {
			t.found("the download is refused")
			continue
		}
		if !t.later(3*time.Second, t.menuOpen) { // it comes up by itself, mostly
			t.click(Place{t.display.W - 96, 63})
			t.later(3*time.Second, t.menuOpen)
		}
		for _, w := range t.menus() {
			t.do(t.display.Click(t.Ctx, w.X+w.W/3, w.Y+40))
		}
		t.later(time.Second, func() bool { return !strings.HasPrefix(t.title(), "koe downloads") })
		if !strings.HasPrefix(t.title(), "koe downloads") {
			t.showsBlocked(name)
			t.key("ctrl+w")
			t.later(patience, func() bool { return strings.HasPrefix(t.title(), "koe") })
		} else {
			t.found(nothing)
		}
		t.key("Escape")
	}
	if _, err := os.Stat(t.inside("/tmp/paettu")); err == nil || t.site.Asked(Here, "/hit/opened") > 0 {
		t.Error("a download ran")
	}
	if _, err := os.Stat("/tmp/paettu"); err == nil {
		t.Error("a download ran outside the session")
	}
}

// tryExtensions tries to add something to the browser: an extension, a user
// script, a certificate.
func tryExtensions(t *trial) {
	count := func() int {
		entries, _ := os.ReadDir(t.inside("/home/client/profile/Default/Extensions")) // none is none
		return len(entries)
	}
	before := count()
	for _, name := range []string{"koe.crx", "koe.user.js", "koe.p12"} {
		n := t.site.Asked(Here, "/file/"+name)
		t.open("plain.html")
		t.enter(t.here("/file/" + name + "?inline=1"))
		t.Until(patience, name+" is fetched", func() (bool, string) { return t.site.Asked(Here, "/file/"+name) > n, "" })
		t.later(time.Second, func() bool { id, _ := t.extra(); return id != "" })
		if id, _ := t.extra(); id != "" {
			t.Errorf("%s: a dialog asks", name)
			t.cancel()
		}
		t.key("Escape")
		t.found("fetched, and not taken in")
	}
	if n := count(); n != before {
		t.Errorf("there are %d extensions, and there were %d", n, before)
	}
	for _, page := range []string{"chrome://extensions", "chrome://certificate-manager", "chrome://settings/security"} {
		t.isBlocked(page, "chrome://")
	}
	t.isBlocked("https://chromewebstore.google.com/", "https://chromewebstore.google.com")
}
