package wipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"yhteiskone/kiosk/session"
)

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name          string
		place         func(m *machine) string // the file's path
		text          func(mark session.Mark) string
		shared        bool
		found         uint32
		gone          bool // removed
		olderThanThis bool
	}{
		{name: "canary in a file", place: inTmp("a/b/c.txt"), text: canary, found: 1, gone: true},
		{name: "canary in a file, shared", place: inTmp("a/b/c.txt"), text: canary, shared: true, found: 1, gone: true},
		{name: "token in a file, shared", place: inTmp("x"), text: func(m session.Mark) string { return "=" + m.Token + "=" }, shared: true, found: 1, gone: true},
		{name: "canary in a big file", place: inTmp("big"), text: func(m session.Mark) string {
			return strings.Repeat("x", 3*window-7) + m.Canary + strings.Repeat("y", 100)
		}, shared: true, found: 1, gone: true},
		{name: "canary in the kiosk's own file", place: inState("log"), text: canary, found: 1, gone: true},
		{name: "new file", place: inTmp("new"), text: plain, found: 1},
		{name: "new file, shared", place: inTmp("new"), text: plain, shared: true},
		{name: "new file at home", place: inHome("new"), text: plain, found: 1},
		{name: "new file in the kiosk's folder, shared", place: inOwn("new"), text: plain, shared: true, found: 1},
		{name: "new file that the kiosk writes", place: inState("new"), text: plain},
		{name: "Chromium's temporary file", place: inTmp(".org.chromium.Chromium.abc"), text: plain, found: 1, gone: true},
		{name: "Chromium's temporary file, shared", place: inTmp(".org.chromium.Chromium.abc"), text: plain, shared: true, found: 1},
		{name: "Chromium's temporary file of another program's, shared", place: inTmp("test/.org.chromium.Chromium.abc"), text: plain, shared: true},
		{name: "half a download, shared", place: inHome("x.pdf.crdownload"), text: plain, shared: true, found: 1},
		{name: "older file", place: inTmp("old"), text: plain, olderThanThis: true},
		{name: "empty new file", place: inTmp("empty"), text: func(session.Mark) string { return "" }, found: 1},
		{name: "the mark itself", place: func(m *machine) string { return filepath.Join(m.state, markName) }, text: nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			w := m.wiper(func(x *Config) { x.SharedUser = c.shared })
			mark := m.begin(w)
			path := c.place(m)
			if c.text != nil {
				m.write(path, c.text(mark))
			}
			if c.olderThanThis {
				mark = later(mark)
			}
			got := find(t, w.Wipe(t.Context(), mark), LookFiles)
			// The folders that the file needed are new as well, on our own machine.
			if folders := strings.Count(strings.TrimPrefix(path, m.tmp), "/") - 1; !c.shared && strings.HasPrefix(path, m.tmp) && folders > 0 {
				c.found += uint32(folders)
			}
			if got.Found != c.found || got.Failed {
				t.Errorf("%+v, want %d found", got, c.found)
			}
			if exists(path) == c.gone {
				t.Errorf("the file is there: %v", exists(path))
			}
		})
	}
}

func inTmp(name string) func(*machine) string {
	return func(m *machine) string { return filepath.Join(m.tmp, name) }
}
func inHome(name string) func(*machine) string {
	return func(m *machine) string { return filepath.Join(m.home, name) }
}
func inOwn(name string) func(*machine) string {
	return func(m *machine) string { return filepath.Join(m.own, name) }
}
func inState(name string) func(*machine) string {
	return func(m *machine) string { return filepath.Join(m.state, name) }
}
func canary(m session.Mark) string { return "before " + m.Canary + "\n" }
func plain(session.Mark) string    { return "nothing special\n" }

func TestFilesNamedByTheToken(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w)
	file, folder := filepath.Join(m.tmp, ".yhteiskone-"+mark.Token), filepath.Join(m.tmp, mark.Canary)
	m.write(file, "")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	got := find(t, w.Wipe(t.Context(), mark), LookFiles)
	if got.Found != 2 || got.Failed || exists(file) || exists(folder) {
		t.Errorf("%+v, file %v, folder %v", got, exists(file), exists(folder))
	}
}

// Nothing leads out of a place, and nothing that is no file is opened.
func TestFilesStaysInside(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	m.write(secret, mark.Canary)
	for name, to := range map[string]string{"file": secret, "folder": outside, "loop": m.tmp, "nowhere": "/does/not/exist"} {
		if err := os.Symlink(to, filepath.Join(m.tmp, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(m.tmp, "pipe"), 0o600); err != nil { // opening it would wait for ever
		t.Fatal(err)
	}
	got := find(t, w.Wipe(t.Context(), mark), LookFiles)
	if got.Found != 0 || got.Failed || !exists(secret) {
		t.Errorf("%+v, the file outside is there: %v", got, exists(secret))
	}
	w = m.wiper(nil) // on a machine of our own, new links and pipes are left-overs
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Found < 5 || got.Failed || !exists(secret) {
		t.Errorf("%+v, the file outside is there: %v", got, exists(secret))
	}
}

func TestFilesHidden(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w)
	path := filepath.Join(m.tmp, "hidden")
	m.write(path, mark.Canary)
	other := filepath.Join(m.tmp, "other")
	m.write(other, "x")
	for _, p := range []string{path, other} {
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
	}
	got := find(t, w.Wipe(t.Context(), mark), LookFiles)
	if got.Found != 1 || got.Failed || exists(path) {
		t.Errorf("%+v, the file is there: %v", got, exists(path))
	}
	if info, err := os.Stat(other); err != nil || info.Mode().Perm() != 0 {
		t.Errorf("the mode of the other file was not put back: %v, %v", info.Mode(), err)
	}
}

func TestFilesThatVanish(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			dir := filepath.Join(m.tmp, fmt.Sprint("d", i%7))
			_ = os.MkdirAll(dir, 0o700)
			_ = os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600)
			_ = os.RemoveAll(dir)
		}
	}()
	for range 200 {
		if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Failed || got.Found != 0 {
			t.Fatalf("%+v", got)
		}
	}
	close(stop)
	<-done
}

func TestFilesFailsWhenTimeIsUp(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, l := range w.Wipe(ctx, mark) {
		if !l.Failed {
			t.Errorf("the look at %s passed without time", l.At)
		}
	}
}

func TestGuestFolderThatCannotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	dir := filepath.Join(m.tmp, "closed")
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); !got.Failed {
		t.Errorf("%+v", got)
	}
}

// A browser that lives belongs to the person whose machine this is.
func TestFilesSharedLivingBrowser(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(func(c *Config) { c.SharedUser = true })
	mark := m.begin(w)
	dir := filepath.Join(m.tmp, "org.chromium.Chromium.abc")
	m.write(filepath.Join(dir, "SingletonCookie"), "x")
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Found != 1 {
		t.Errorf("a dead browser's folder: %+v", got)
	}
	m.write(filepath.Join(m.proc, "self/net/unix"), "heading\n0000: 00000002 00000000 00010000 0001 01 9 "+dir+"/SingletonSocket\n")
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Found != 0 || got.Failed {
		t.Errorf("a living browser's folder: %+v", got)
	}
}

// A clock that was put back an hour must not hide the session's files.
func TestFilesClockPutBack(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	k, _, err := w.read()
	if err != nil {
		t.Fatal(err)
	}
	k.Started = k.Started.Add(time.Hour) // what the clock said before it was put right
	if err := w.write(k); err != nil {
		t.Fatal(err)
	}
	mark.Started = k.Started
	m.write(filepath.Join(m.tmp, "new"), "x")
	if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Found != 1 || got.Failed {
		t.Errorf("%+v", got)
	}
}

// However its folder is spelled, the mark is not taken for a left-over.
func TestFilesKnowsTheMarkByAnyPath(t *testing.T) {
	m := newMachine(t)
	link := filepath.Join(m.home, "link")
	if err := os.Symlink(m.state, link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(m.home)
	for _, spelled := range []string{link, "link", "./../state/", m.state + "//"} {
		w := m.wiper(func(c *Config) {
			c.StateDir, c.Allow, c.SharedUser = spelled, []string{spelled, filepath.Join(spelled, "later")}, true
		})
		mark := m.begin(w)
		m.write(filepath.Join(m.state, "later"), "x")
		if got := find(t, w.Wipe(t.Context(), mark), LookFiles); got.Found != 0 || got.Failed {
			t.Errorf("%s: %+v", spelled, got)
		}
		if _, ok, err := w.Left(); !ok || err != nil {
			t.Errorf("%s: the mark is gone: %v", spelled, err)
		}
	}
}

func TestContains(t *testing.T) {
	needle := bytes.Repeat([]byte("n"), 32)
	k := &walker{ctx: t.Context(), h: hunt{needle: [][]byte{needle}}, buf: make([]byte, 64)}
	for before := range 200 {
		text := append(bytes.Repeat([]byte("x"), before), needle...)
		if ok, err := contains(k.ctx, bytes.NewReader(append(text, "yy"...)), k.h.needle, k.buf); !ok || err != nil {
			t.Fatalf("%d bytes before it: %v, %v", before, ok, err)
		}
		if ok, err := contains(k.ctx, bytes.NewReader(text[:len(text)-1]), k.h.needle, k.buf); ok || err != nil {
			t.Fatalf("%d bytes before all but one: %v, %v", before, ok, err)
		}
	}
	if _, err := contains(k.ctx, broken{}, k.h.needle, k.buf); err == nil {
		t.Error("a file that cannot be read was passed")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestOuter(t *testing.T) {
	got := outer([]Place{{Path: "/tmp/"}, {Path: "/tmp"}, {Path: "/tmp/a"}, {Path: "/tmpx"}, {Path: "/tmp/own", Own: true}, {Path: "/home/x", Shallow: true}, {Path: "/home/x/Lataukset"}})
	var paths []string
	for _, p := range got {
		paths = append(paths, p.Path)
	}
	if s := strings.Join(paths, " "); s != "/tmp /tmpx /tmp/own /home/x /home/x/Lataukset" {
		t.Errorf("got %s", s)
	}
}
