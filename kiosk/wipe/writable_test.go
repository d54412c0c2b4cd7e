package wipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every folder that a user of the session could write to becomes a place,
// however deep it lies, and is searched like the others.
func TestFindPlaces(t *testing.T) {
	m := newMachine(t)
	client := os.Getuid() + 7
	w := m.wiper(func(c *Config) { c.UIDs = []int{client} })
	dir := func(name string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(m.system, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir("usr/lib/closed", 0o755)
	deep := dir("usr/lib/app/deep/open", 0o777)
	dir("usr/lib/app/deep/open/below", 0o777)
	sticky := dir("run/lock", 0o1777)
	dir("mnt/readonly/open", 0o777)
	os.Symlink(deep, filepath.Join(m.system, "link"))
	for i, mount := range []string{"/usr rw - ext4 x rw", "/run rw - tmpfs x rw", "/run rw - tmpfs again rw", "/mnt ro - ext4 x ro", "/sys rw - sysfs x rw", "/gone rw - ext4 x rw"} {
		m.mountinfo += fmt.Sprintf("%d 22 8:1 / %s%s\n", 60+i, m.system, mount)
	}
	m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo)
	w.FindPlaces(t.Context())
	var found []string
	for _, p := range w.writable.places {
		found = append(found, p.Path)
	}
	slices.Sort(found)
	want := []string{sticky, deep}
	slices.Sort(want)
	if !slices.Equal(found, want) || w.writable.err != nil {
		t.Fatalf("found %q (%v), want %q", found, w.writable.err, want)
	}
	w.c.UIDs = []int{os.Getuid()}
	mark := m.begin(w)
	path := filepath.Join(deep, "below", "left")
	m.write(path, mark.Canary)
	looks := w.Wipe(t.Context(), mark)
	if l := find(t, looks, LookFiles); l.Found == 0 || l.Failed || exists(path) {
		t.Errorf("%+v, there: %v", l, exists(path))
	}
	if l := find(t, looks, LookPlaces); l.Looked < 6 || l.Failed {
		t.Errorf("%+v", l)
	}
}

func TestFindPlacesFails(t *testing.T) {
	m := newMachine(t)
	w := m.wiper(nil)
	mark := m.begin(w)
	m.write(filepath.Join(m.proc, "self/mountinfo"), "nonsense\n")
	w.FindPlaces(t.Context())
	m.write(filepath.Join(m.proc, "self/mountinfo"), m.mountinfo)
	for _, l := range w.Wipe(t.Context(), mark) {
		if l.Failed != (l.At == LookPlaces) {
			t.Errorf("%+v", l)
		}
	}
	// On a person's own machine it is not done.
	w = m.wiper(func(c *Config) { c.SharedUser = true })
	w.FindPlaces(t.Context())
	if l := find(t, w.Wipe(t.Context(), mark), LookPlaces); l.Failed {
		t.Errorf("shared: %+v", l)
	}
}

// After a session that a client used, a wipe waits for the places to be known,
// and does not pass without them. Nobody waits before the first client.
func TestPlacesAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &writable{begun: true, done: make(chan struct{})}
		begin := time.Now()
		if _, err := f.wait(t.Context(), false); err != nil || time.Since(begin) != 0 {
			t.Errorf("nobody used it: %v after %v", err, time.Since(begin))
		}
		if _, err := f.wait(t.Context(), true); err == nil || time.Since(begin) != placesPatience {
			t.Errorf("no places: %v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		context.AfterFunc(ctx, func() {
			f.mu.Lock()
			f.places = []Place{{Path: "/x"}}
			f.mu.Unlock()
			close(f.done)
		})
		begin = time.Now()
		if places, err := f.wait(t.Context(), true); err != nil || len(places) != 1 || time.Since(begin) != time.Second {
			t.Errorf("%+v, %v after %v", places, err, time.Since(begin))
		}
	})
}

// The client's browser may have a user of its own: nothing of that user stays.
func TestSecondUser(t *testing.T) {
	m := newMachine(t)
	client := os.Getuid() + 7
	for _, shared := range []bool{false, true} {
		w := m.wiper(func(c *Config) { c.UIDs, c.Client, c.SharedUser = []int{os.Getuid(), client}, client, shared })
		mark := m.begin(w)
		m.process(30, 1, client, 1, "", 9)
		if l := find(t, w.Wipe(t.Context(), mark), LookProcesses); l.Found != 1 || l.Failed || m.killed[30] == 0 {
			t.Errorf("shared %v: %+v, killed %v", shared, l, m.killed)
		}
		clear(m.killed)
	}
	if os.Getuid() != 0 {
		return // only root can make a file of somebody else's
	}
	w := m.wiper(func(c *Config) { c.UIDs, c.Client = []int{os.Getuid(), client}, client })
	os.RemoveAll(filepath.Join(m.proc, "30"))
	mark := m.begin(w)
	path := filepath.Join(m.tmp, "left")
	m.write(path, "x")
	if err := os.Chown(path, client, client); err != nil {
		t.Fatal(err)
	}
	if l := find(t, w.Wipe(t.Context(), mark), LookFiles); l.Found != 1 {
		t.Errorf("the client's file: %+v", l)
	}
}

func TestSockets(t *testing.T) {
	m := newMachine(t)
	list := filepath.Join(m.proc, "self/net/unix")
	const head = "Num RefCount Protocol Flags Type St Inode Path\n"
	line := func(inode int, name string) string {
		return fmt.Sprintf("0000000000000000: 00000002 00000000 00010000 0001 01 %d %s\n", inode, name)
	}
	hold := func(pid, inode int) {
		dir := filepath.Join(m.proc, fmt.Sprint(pid), "fd")
		os.MkdirAll(dir, 0o700)
		if err := os.Symlink(fmt.Sprintf("socket:[%d]", inode), filepath.Join(dir, "3")); err != nil {
			t.Fatal(err)
		}
	}
	m.write(list, head+line(70, "@/tmp/.X11-unix/X0"))
	for _, shared := range []bool{false, true} {
		w := m.wiper(func(c *Config) { c.SharedUser = shared })
		mark := m.begin(w)
		m.process(os.Getpid(), 1, os.Getuid(), 1, "", 9)
		for pid, parent := range map[int]int{40: 1, 41: os.Getpid()} {
			m.process(pid, parent, os.Getuid(), 1, "", 9)
			os.RemoveAll(filepath.Join(m.proc, fmt.Sprint(pid), "fd"))
		}
		hold(40, 71)
		hold(41, 72)
		for text, want := range map[string]uint32{
			line(70, "@/tmp/.X11-unix/X0"):     0,
			line(71, "@left by a page"):        1, // held by a process that is not ours
			line(72, "@our own"):               0,
			line(73, "@somebody else's"):       0,
			line(74, "@"+mark.Token):           1,
			line(75, "/run/user/1/bus"):        0,
			line(76, "/tmp/x/SingletonSocket"): 0,
		} {
			if shared && strings.Contains(text, "left by") {
				want = 0
			}
			m.write(list, head+text)
			if l := find(t, w.Wipe(t.Context(), mark), LookSockets); l.Found != want || l.Failed {
				t.Errorf("shared %v, %q: %+v, want %d", shared, text, l, want)
			}
		}
		m.write(list, head+line(70, "@/tmp/.X11-unix/X0"))
	}
}
