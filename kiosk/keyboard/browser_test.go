package keyboard

import (
	"context"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/e2e/xserver"
	"yhteiskone/kiosk/display"
)

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(slow.Stretch(60 * time.Second))
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 60 s for %s", what)
		}
	}
}

// room is a display of the test's own with a window manager.
func room(t *testing.T) *display.Display {
	t.Helper()
	for _, p := range []string{"Xvfb", "openbox", "xdotool", "import"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
	xserver.Start(t, xserver.Options{Cookie: []byte("0123456789abcdef")}).Use(t)
	d, err := display.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	m, err := d.StartManager(context.Background(), display.Config{Dir: t.TempDir(), Strip: d.StripHeight(),
		ShellClass: "KioskShell", ClientClass: "ClientBrowser"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return d
}

func open(t *testing.T, d *display.Display) *Keyboard {
	t.Helper()
	k, err := New(Config{Display: d, Shell: "KioskShell", Client: "ClientBrowser", Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Errorf("logged: %s", p)
	return len(p), nil
}

// push presses the key with that text, or the one that match finds.
func (k *Keyboard) push(t *testing.T, match func(placed, face) bool) {
	t.Helper()
	k.mu.Lock()
	var at image.Point
	for _, key := range k.keys {
		if match(key, k.face) {
			at = key.place.Min.Add(key.place.Max).Div(2)
		}
	}
	k.mu.Unlock()
	if at == (image.Point{}) {
		t.Fatal("there is no such key")
	}
	_, h := k.Display.Size()
	at.Y += h - k.Display.StripHeight() - k.Display.PanelHeight()
	hand(t, "mousemove", strconv.Itoa(at.X), strconv.Itoa(at.Y), "click", "1")
	await(t, "the press to be over", func() bool { return len(k.panel.Touches()) == 0 })
}

func text(s string) func(placed, face) bool {
	return func(k placed, f face) bool { return f.text(k.cap) == s }
}

func kind(w what) func(placed, face) bool {
	return func(k placed, _ face) bool { return k.what == w }
}

func key(code display.Key) func(placed, face) bool {
	return func(k placed, _ face) bool { return k.what == press && k.key == code }
}

func (k *Keyboard) looks(t *testing.T, want func(face) bool) {
	t.Helper()
	await(t, "the other keys", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return want(k.face) })
}

func hand(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("xdotool", args...).CombinedOutput(); err != nil {
		t.Fatalf("xdotool %v: %v %s", args, err, out)
	}
}

// picture keeps a picture of the screen if somebody wants to look at it.
func picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("YHTEISKONE_PICTURES")
	if dir == "" {
		return
	}
	if out, err := exec.Command("import", "-window", "root", filepath.Join(dir, name+".png")).CombinedOutput(); err != nil {
		t.Errorf("take a picture: %v %s", err, out)
	}
}

// field is a page with a text field, and what stands in it.
type field struct {
	mu   sync.Mutex
	text string
	up   bool
	keys string // what the page was told of each key, for a failed test
}

func (f *field) get() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text, f.up
}

const page = `<!doctype html><meta charset=utf-8><title>t</title><body style="font:24px sans-serif"><h1>Hakemus</h1>
<textarea id=a rows=6 cols=60></textarea><script>
const a = document.getElementById("a"), tell = () => fetch("/is", {method: "POST", body: document.hasFocus() + "|" + a.value});
let keys = ""; onkeydown = (e) => { keys += " " + e.code + "=" + e.key; fetch("/keys", {method: "POST", body: keys}); };
a.focus(); a.oninput = tell; onfocus = tell; tell();</script>`

// browse starts a Chromium on the page.
func browse(t *testing.T) *field {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("a browser never runs as root")
	}
	const chromium = "/usr/lib/chromium/chromium"
	if _, err := os.Stat(chromium); err != nil {
		t.Skip("chromium is not installed")
	}
	f := &field{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			body, _ := io.ReadAll(r.Body)
			f.mu.Lock()
			f.keys = string(body)
			f.mu.Unlock()
			return
		}
		if r.URL.Path != "/is" {
			_, _ = io.WriteString(w, page)
			return
		}
		body, _ := io.ReadAll(r.Body)
		focus, value, _ := strings.Cut(string(body), "|")
		f.mu.Lock()
		defer f.mu.Unlock()
		f.text, f.up = value, focus == "true"
	}))
	t.Cleanup(s.Close)
	profile, err := os.MkdirTemp("", "keyboard-test-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--class=ClientBrowser", "--user-data-dir="+profile, "--no-first-run", "--disable-gpu",
		"--password-store=basic", "--no-default-browser-check", "--disable-sync", "--ozone-platform=x11", s.URL)
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		await(t, "the profile to be removable", func() bool { return os.RemoveAll(profile) == nil })
	})
	await(t, "the page to have the keyboard", func() bool { _, up := f.get(); return up })
	return f
}

func TestBrowserIsTypedInto(t *testing.T) {
	d := room(t)
	f := browse(t)
	k := open(t, d)
	stands := func(height int) func() bool {
		return func() bool {
			w, found, err := d.FindRole("ClientBrowser", "browser")
			if err != nil || !found {
				return false
			}
			at, _, err := d.Geometry(w)
			return err == nil && at == display.Rect{W: 1366, H: height}
		}
	}
	await(t, "the browser's place", stands(768-72))
	want := ""
	is := func(more string) {
		t.Helper()
		want += more
		defer func() {
			if t.Failed() {
				got, _ := f.get()
				t.Logf("in the field is %q, want %q; keys %s", got, want, f.keys)
			}
		}()
		await(t, "the text in the field", func() bool { got, _ := f.get(); return got == want })
	}
	if err := k.Show("fi", d.StripHeight()); err != nil {
		t.Fatal(err)
	}
	await(t, "the page to make room", stands(768-72-280))
	picture(t, "fi")
	k.push(t, text("ä"))
	k.push(t, text("ö"))
	is("äö")
	k.push(t, text("@"))
	k.push(t, kind(layer))
	k.looks(t, func(f face) bool { return f.numbers })
	picture(t, "numbers")
	k.push(t, text("€"))
	is("@€")
	k.push(t, kind(shift))
	k.looks(t, func(f face) bool { return f.shift })
	picture(t, "numbers-more")
	k.push(t, text("\\"))
	is("\\")
	k.push(t, key(display.KeyBackspace))
	want = strings.TrimSuffix(want, "\\")
	is("")
	if err := k.Show("ru", d.StripHeight()); err != nil {
		t.Fatal(err)
	}
	k.push(t, kind(space))
	k.push(t, kind(shift))
	k.looks(t, func(f face) bool { return f.shift })
	picture(t, "ru-shift")
	for _, c := range "Привет" {
		k.push(t, text(string(c)))
	}
	is(" Привет")
	k.push(t, kind(script))
	k.looks(t, func(f face) bool { return f.latin })
	k.push(t, key(display.KeyEnter))
	k.push(t, text("å"))
	is("\nå")
	for _, words := range [][2]string{{"uk", "їжґ"}, {"et", "õüš"}, {"ar", "مسح"}, {"fa", "پگی"}, {"en", "it's"}} {
		lang, letters := words[0], words[1]
		if err := k.Show(lang, d.StripHeight()); err != nil {
			t.Fatal(err)
		}
		picture(t, lang)
		for _, c := range letters {
			k.push(t, text(string(c)))
		}
		is(letters)
	}
	if _, up := f.get(); !up {
		t.Error("the page lost the keyboard")
	}
	if idle, err := d.IdleFor(); err != nil || idle > 5*time.Second {
		t.Errorf("typing is no touch: idle for %v, %v", idle, err)
	}
	if err := d.Cover(); err != nil {
		t.Fatal(err)
	}
	picture(t, "covered")
	k.push(t, text("i")) // there is the curtain
	if err := d.Uncover(); err != nil {
		t.Fatal(err)
	}
	k.push(t, text("t"))
	is("t")
	k.push(t, kind(hide))
	await(t, "the keyboard to be gone", func() bool { return d.PanelHeight() == 0 })
	await(t, "the page to have its room again", stands(768-72))
}
