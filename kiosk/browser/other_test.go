package browser_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/group"
	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/rights"
	"yhteiskone/kiosk/session"
)

// otherUser is the user NAME-client of a test that runs as NAME with the rights
// to become it; nil where there is no such thing. Whoever can give it, gives
// it: setpriv --ambient-caps +setuid,+setgid,+kill.
func otherUser(t *testing.T) *browser.User {
	t.Helper()
	needUser(t)
	held, err := rights.Now()
	if err != nil {
		t.Fatal(err)
	}
	if !held.OtherUser() {
		t.Logf("not tried: this test has not the rights to start a program as another user")
		return nil
	}
	u, err := browser.FindUser(clientName(t))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// clientName is the name of that user.
func clientName(t *testing.T) string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return me.Username + "-client"
}

func livingOf(t *testing.T, uid int) int {
	t.Helper()
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	return table.Living([]int{uid})
}

func TestBrowserRunsAsAnotherUser(t *testing.T) {
	u := otherUser(t)
	if u == nil {
		return
	}
	d := newDesk(t)
	s, w := newSite(t, d, "MARKER-"+random(t)), d.wiper(t)
	// Something that an earlier kiosk left.
	old := exec.Command("/bin/sleep", "600")
	old.Dir = "/"
	old.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}}
	if err := old.Start(); err != nil {
		t.Fatal(err)
	}
	o := d.options()
	o.User, o.Untrusted = u, d.display.UntrustedCookie
	b := newBrowser(t, o)
	if err := old.Wait(); err == nil {
		t.Error("what ran as the client's user before was not ended")
	}
	mark := begin(t, w)
	r := start(t, b, mark)
	if err := r.Open(s.URL + "/"); err != nil {
		t.Fatal(err)
	}
	s.hear(t)
	bwrap, _ := browser.Pids(r)
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	all := table.Descendants(bwrap)
	inside := 0
	for pid := range all {
		if !table[pid].Zombie() {
			inside++
		}
	}
	if n := table.Living([]int{u.UID}); n < inside+1 || inside < 5 { // the door is not below bubblewrap
		t.Errorf("%d processes of the client's user, %d in the sandbox", n, inside)
	}
	for pid, p := range table {
		if !p.Of([]int{u.UID}) {
			if all[pid] {
				t.Errorf("process %d of the sandbox has the users %v", pid, p.UIDs)
			}
			continue
		}
		if p.UIDs != [4]int{u.UID, u.UID, u.UID, u.UID} {
			t.Errorf("process %d has the users %v", pid, p.UIDs)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil && !strings.Contains(string(status), "CapAmb:\t0000000000000000") {
			t.Errorf("process %d hands on rights", pid)
		}
		for _, set := range []string{"CapPrm", "CapEff"} {
			for _, c := range []uint{unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL} {
				var bits uint64
				_, after, _ := strings.Cut(string(status), set+":\t")
				fmt.Sscanf(after, "%x", &bits)
				if bits&(1<<c) != 0 && p.Depth == 0 {
					t.Errorf("process %d has %s %x", pid, set, bits)
				}
			}
		}
	}
	began := time.Now()
	kill(t, r)
	t.Logf("Kill took %v", time.Since(began))
	if n := livingOf(t, u.UID); n != 0 {
		t.Errorf("%d processes of the client's user are left", n)
	}
}

// As TestBrowserDiesWithItsParent, across users: the kiosk may not be killed by
// whom it started, and whom it started must not outlive it.
func TestBrowserOfAnotherUserDiesWithItsParent(t *testing.T) {
	const parent = "YHTEISKONE_TEST_OTHER"
	u := otherUser(t)
	if u == nil {
		return
	}
	if token := os.Getenv(parent); token != "" {
		o := (&desk{name: os.Getenv("DISPLAY"), cookies: os.Getenv("XAUTHORITY")}).options().WithRoom(1366, 696)
		o.User = u
		r, err := newBrowser(t, o).Start(t.Context(), session.Mark{Token: token, Canary: strings.Repeat("b", 32), Started: time.Now()}, session.Setup{Lang: "fi"})
		if err != nil {
			t.Fatal(err)
		}
		<-r.Painted()
		os.Stdout.WriteString("painted\n")
		<-r.Lost()
		return
	}
	d := newDesk(t)
	mark := begin(t, d.wiper(t))
	c := exec.Command(os.Args[0], "-test.run=^TestBrowserOfAnotherUserDiesWithItsParent$")
	c.Env = append(os.Environ(), parent+"="+mark.Token)
	c.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL}}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for line := bufio.NewScanner(out); ; {
		if !line.Scan() {
			t.Fatal("the parent ended before its browser painted")
		}
		if line.Text() == "painted" {
			break
		}
	}
	if n := livingOf(t, u.UID); n < 5 {
		t.Fatalf("only %d processes while the session runs", n)
	}
	began := time.Now()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	await(t, "the end of every process", 5*time.Second, func() bool { return livingOf(t, u.UID) == 0 })
	t.Logf("nothing left %v after kill -9 of the parent", time.Since(began))
}

// cgroupEnv names a folder of cgroup v2 that is handed to the test, which runs
// in a group below it.
const cgroupEnv = "YHTEISKONE_CGROUP"

func TestBrowserInGroup(t *testing.T) {
	needUser(t)
	home, err := group.Open(os.Getenv(cgroupEnv))
	if errors.Is(err, group.ErrNone) && os.Getenv(cgroupEnv) == "" {
		t.Logf("not tried: %v", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	s, w := newSite(t, d, "MARKER-"+random(t)), d.wiper(t)
	o := d.options()
	o.Group = home
	mark := begin(t, w)
	r := start(t, newBrowser(t, o), mark)
	if err := r.Open(s.URL + "/"); err != nil {
		t.Fatal(err)
	}
	s.hear(t)
	inside, err := home.New(mark.Token, group.Bounds{}) // the same one
	if err != nil {
		t.Fatal(err)
	}
	if populated, err := inside.Populated(); err != nil || !populated {
		t.Errorf("the session's group is populated: %v, %v", populated, err)
	}
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	for pid, p := range table {
		env, err := procs.Environ(procs.Root, pid)
		if err != nil || procs.Token(env) != mark.Token || p.Zombie() {
			continue
		}
		if where, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)); !strings.Contains(string(where), "session-"+mark.Token) {
			t.Errorf("process %d of the session is elsewhere: %s", pid, where)
		}
	}
	began := time.Now()
	kill(t, r)
	t.Logf("Kill took %v", time.Since(began))
	if populated, err := inside.Populated(); err != nil || populated {
		t.Errorf("after the end the group is populated: %v, %v", populated, err)
	}
	// What an earlier kiosk left in its groups is ended by the next.
	left, err := home.New("left", group.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(context.Background(), "/bin/sleep", "600")
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: left.FD()}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	if _, err := group.Open(os.Getenv(cgroupEnv)); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("what was left in a group still runs")
		c.Process.Kill()
	}
}
