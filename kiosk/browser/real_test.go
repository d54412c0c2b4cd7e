package browser_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/wipe"
)

func TestBrowserPaintsUnderCurtain(t *testing.T) {
	d := newDesk(t)
	if err := d.display.Cover(); err != nil {
		t.Fatal(err)
	}
	mark := begin(t, d.wiper(t))
	b := newBrowser(t, d.options())
	began := time.Now()
	r := start(t, b, mark)
	took := time.Since(began)
	t.Logf("start -> painted %v", took)
	if took > 10*time.Second {
		t.Errorf("painted after %v, more than 10 s", took)
	}
	bwrap, first := browser.Pids(r)
	await(t, "the browser to give way when memory runs out", 10*time.Second, func() bool {
		table, err := procs.Scan(procs.Root)
		if err != nil {
			t.Fatal(err)
		}
		score, _ := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", table.Child(first)))
		return bwrap > 0 && strings.TrimSpace(string(score)) == "350"
	})
	await(t, "the window in its place", 5*time.Second, func() bool { l := r.Look(); return l.Alive && l.Placed })
}

func TestBrowserOpensOncePerSession(t *testing.T) {
	d := newDesk(t)
	s := newSite(t, d, "MARKER-"+random(t))
	b := newBrowser(t, d.options())
	r := start(t, b, begin(t, d.wiper(t)))
	for _, bad := range []string{"file:///etc/passwd", "javascript:alert(1)", "chrome://settings", "http://", "http://a b/", "http://u:p@host/", "http://host/\nevent: go"} {
		if err := r.Open(bad); err == nil {
			t.Errorf("Open(%q) was let through", bad)
		} else if strings.Contains(err.Error(), "passwd") || strings.Contains(err.Error(), "u:p") {
			t.Errorf("the error names the address: %v", err)
		}
	}
	began := time.Now()
	if err := r.Open(s.URL + "/"); err != nil {
		t.Fatal(err)
	}
	said := s.hear(t)
	t.Logf("Open -> page runs %v, says %+v", time.Since(began), said)
	if said.History != 1 || said.WebDriver || said.Referrer != "" || !said.Stored || said.Wrong != "" {
		t.Errorf("the page says %+v", said)
	}
	if len(said.Languages) == 0 || !strings.HasPrefix(said.Languages[0], "fi") {
		t.Errorf("the page is asked for in %v", said.Languages)
	}
	if n := s.times("/"); n != 1 {
		t.Errorf("the page was asked for %d times", n)
	}
	if err := r.Open(s.URL + "/"); err == nil {
		t.Error("a second Open was let through")
	}
	if err := r.Raise(); err != nil {
		t.Error(err)
	}
	select {
	case <-r.Lost():
		t.Error("lost although the page was only handed over")
	case <-time.After(200 * time.Millisecond):
	}
}

func TestBrowserLeavesNothing(t *testing.T) {
	d, marker := newDesk(t), "MARKER-"+random(t)
	s, w := newSite(t, d, marker), d.wiper(t)
	mark := begin(t, w)
	r := start(t, newBrowser(t, d.options()), mark)
	if err := r.Open(s.URL + "/"); err != nil {
		t.Fatal(err)
	}
	s.hear(t)
	await(t, "the download", 10*time.Second, func() bool { return s.times("/statement.pdf") > 0 })
	_, first := browser.Pids(r)
	inside := fmt.Sprintf("/proc/%d/root", first)
	for _, folder := range []string{"/home/client", "/tmp", "/dev/shm"} {
		if got, err := os.ReadFile(inside + folder + "/.yhteiskone-" + mark.Token); err != nil || strings.TrimSpace(string(got)) != mark.Canary {
			t.Errorf("the canary in %s: %q, %v", folder, got, err)
		}
	}
	await(t, "the file in the downloads", 10*time.Second, func() bool {
		_, err := os.Stat(inside + browser.Downloads + "/" + marker + ".pdf")
		return err == nil
	})

	began := time.Now()
	kill(t, r)
	killed := time.Now()
	looks := w.Wipe(t.Context(), mark)
	t.Logf("Kill %v, Wipe %v: %+v", killed.Sub(began), time.Since(killed), looks)
	clean(t, looks)
	if err := w.Finish(); err != nil {
		t.Error(err)
	}
	for _, secret := range []string{marker, mark.Token, mark.Canary} {
		for _, path := range grep(t, secret) {
			t.Errorf("%s holds a marker of the session", path)
		}
	}
}

// grep is a second opinion on what the wiper says: a search of its own. The
// test's own program holds no marker, each is made anew.
func grep(t *testing.T, secret string) []string {
	t.Helper()
	out, err := exec.Command("grep", "-rlsF", "--devices=skip", "-e", secret, "/tmp", "/var/tmp", "/dev/shm", "/home").Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() <= 2) {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

func TestBrowserLostWhenItEnds(t *testing.T) {
	d := newDesk(t)
	b := newBrowser(t, d.options())
	w := d.wiper(t)
	r := start(t, b, begin(t, w))
	_, first := browser.Pids(r)
	chromium := 0
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	for pid, p := range table {
		if p.PPID == first {
			if c, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); bytes.Contains(c, []byte("--user-data-dir")) {
				chromium = pid
			}
		}
	}
	if chromium == 0 {
		t.Fatal("no Chromium in the sandbox")
	}
	p, _ := os.FindProcess(chromium)
	began := time.Now()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Lost():
		t.Logf("lost after %v", time.Since(began))
	case <-time.After(5 * time.Second):
		t.Fatal("the end of the browser was not noticed")
	}
	if err := r.Open("http://localhost/"); err == nil {
		t.Error("a lost browser opened a page")
	}
	kill(t, r)
	if l := r.Look(); l.Alive || l.Placed {
		t.Errorf("Look says %v", l)
	}
}

func TestBrowserSandboxIsOn(t *testing.T) {
	d := newDesk(t)
	s := newSite(t, d, "x")
	r := start(t, newBrowser(t, d.options()), begin(t, d.wiper(t)))
	if err := r.Open(s.URL + "/"); err != nil {
		t.Fatal(err)
	}
	s.hear(t)
	bwrap, first := browser.Pids(r)
	outer, err := procs.Namespace(procs.Root, first)
	if err != nil {
		t.Fatal(err)
	}
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	renderers := 0
	for pid := range table.Descendants(bwrap) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		for _, bad := range []string{"--remote-debugging", "--enable-automation", "--" + "no-sandbox\x00", "--disable-setuid"} {
			if bytes.Contains(line, []byte(bad)) {
				t.Errorf("process %d runs with %s", pid, bad)
			}
		}
		if pid != bwrap {
			if env, err := procs.Environ(procs.Root, pid); err == nil && len(env) > 0 && procs.Token(env) == "" && !bytes.Contains(line, []byte("--type=")) {
				t.Errorf("process %d does not carry the token", pid)
			}
		}
		if !bytes.Contains(line, []byte("--type=renderer")) {
			continue
		}
		renderers++
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Seccomp:\t2\n", "NoNewPrivs:\t1\n"} {
			if !strings.Contains(string(status), want) {
				t.Errorf("renderer %d is not %q", pid, want)
			}
		}
		if ns, err := procs.Namespace(procs.Root, pid); err != nil || ns == outer || ns == "" {
			t.Errorf("renderer %d has no pid namespace of its own: %q %v", pid, ns, err)
		}
	}
	if renderers == 0 {
		t.Error("no renderer was found")
	}
}

// The browser must not reach the kiosk's files, handles and environment.
func TestBrowserSeesNothingOfOurs(t *testing.T) {
	d := newDesk(t)
	secret := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(secret, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("YHTEISKONE_SECRET", "do not pass on")
	r := start(t, newBrowser(t, d.options()), begin(t, d.wiper(t)))
	_, first := browser.Pids(r)
	inside := fmt.Sprintf("/proc/%d/root", first)
	home, _ := os.UserHomeDir()
	for _, path := range []string{secret, home, "/var/log", "/etc/shadow", "/etc/machine-id", "/etc/hostname", "/root", "/var/tmp", "/run/user", "/run/dbus"} {
		if _, err := os.Stat(inside + path); err == nil {
			t.Errorf("%s is seen inside", path)
		}
	}
	if all, err := os.ReadDir(inside + "/tmp/.X11-unix"); err != nil || len(all) != 1 {
		t.Errorf("inside there are %d X servers, %v", len(all), err)
	}
	if got, err := os.ReadFile(inside + "/etc/chromium/policies/managed/yhteiskone.json"); err != nil || !bytes.Contains(got, []byte(`"DeveloperToolsAvailability": 2`)) {
		t.Errorf("the policy inside: %v", err)
	}
	if err := os.WriteFile(inside+"/etc/chromium/policies/managed/yhteiskone.json", nil, 0o644); err == nil {
		t.Error("the policy can be changed from inside")
	}
	// Chromium writes this itself, to say that there is no bus.
	noBus := []byte("DBUS_SESSION_BUS_ADDRESS=disabled:")
	ours := map[string]bool{}
	for fd, to := range handles(t, os.Getpid()) {
		if fd > 2 && to != "/dev/null" && !strings.HasPrefix(to, "anon_inode:") {
			ours[to] = true
		}
	}
	bwrap, _ := browser.Pids(r)
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	for pid := range table.Descendants(bwrap) {
		for fd, to := range handles(t, pid) {
			// bubblewrap's own two processes may keep the pipe of its complaints.
			if strings.HasPrefix(to, "/memfd:yhteiskone") || (ours[to] && pid != bwrap && pid != first) {
				t.Errorf("process %d holds our handle %d: %s", pid, fd, to)
			}
		}
		if pid == bwrap {
			continue
		}
		env, _ := procs.Environ(procs.Root, pid)
		env = bytes.ReplaceAll(env, noBus, nil)
		for _, bad := range []string{"YHTEISKONE_SECRET", "DBUS_SESSION", home} {
			if bytes.Contains(env, []byte(bad)) {
				t.Errorf("process %d has %s in its environment", pid, bad)
			}
		}
	}
}

func handles(t *testing.T, pid int) map[int]string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil // a sandboxed process hides them
	}
	m := map[int]string{}
	for _, e := range all {
		var fd int
		fmt.Sscan(e.Name(), &fd)
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			m[fd] = to
		}
	}
	return m
}

func TestBrowserLeftoverFailsTheProof(t *testing.T) {
	for _, c := range []struct{ leftover, look string }{
		{browser.LeftoverFile, wipe.LookFiles}, {browser.LeftoverProcess, wipe.LookProcesses},
	} {
		t.Run(c.leftover, func(t *testing.T) {
			d := newDesk(t)
			o := d.options()
			o.Leftover = c.leftover
			w := d.wiper(t)
			mark := begin(t, w)
			r := start(t, newBrowser(t, o), mark)
			kill(t, r)
			looks := w.Wipe(t.Context(), mark)
			for _, l := range looks {
				if want := uint32(0); l.At == c.look {
					want = 1
					if l.Found != want || l.Failed {
						t.Errorf("%+v, want %d found", l, want)
					}
				} else if l.Found != 0 || l.Failed {
					t.Errorf("%+v, want none", l)
				}
			}
			if (fleet.WipeProof{Looks: looks}).Clean() {
				t.Error("the proof passed")
			}
			await(t, "a clean second look", 5*time.Second, func() bool {
				return fleet.WipeProof{Looks: w.Wipe(context.Background(), mark)}.Clean()
			})
		})
	}
}

func begin(t testing.TB, w *wipe.Wiper) session.Mark {
	t.Helper()
	mark, err := w.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

func clean(t testing.TB, looks []fleet.Look) {
	t.Helper()
	if len(looks) < 6 {
		t.Errorf("%d looks", len(looks))
	}
	for _, l := range looks {
		if l.Found != 0 || l.Failed {
			t.Errorf("the look at %s: %+v", l.At, l)
		}
	}
}

func random(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// A tile without an address of its own leads to our home page.
func TestBrowserOpensHome(t *testing.T) {
	d := newDesk(t)
	asked := make(chan string, 8)
	o := d.options()
	o.Links = func(lang string) []browser.Link { asked <- lang; return nil }
	r := start(t, newBrowser(t, o), begin(t, d.wiper(t)))
	if err := r.Open(""); err != nil {
		t.Fatal(err)
	}
	select {
	case lang := <-asked:
		if lang != "fi" {
			t.Errorf("the home page is in %q", lang)
		}
	case <-time.After(10 * time.Second):
		t.Error("the home page did not open")
	}
}
