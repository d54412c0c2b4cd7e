package procs

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestParseStatus(t *testing.T) {
	good := "Name:\ta b\nState:\tS (sleeping)\nPPid:\t7\nUid:\t1\t2\t3\t4\nNSpid:\t40\t5\t1\n"
	p, err := parseStatus([]byte(good))
	if err != nil || p.PPID != 7 || p.UIDs != [4]int{1, 2, 3, 4} || p.State != 'S' || p.Depth != 2 || p.Zombie() {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "State:\tS\n", "State:\nPPid:\t1\nUid:\t1\t1\t1\t1\n", "State:\x00\nPPid:\t1\nUid:\t1\t1\t1\t1\n", "State:\tS\nPPid:\tx\nUid:\t1\t1\t1\t1\n", "State:\tS\nPPid:\t1\nUid:\t1\t1\n", "PPid:\t1\nUid:\t1\t1\t1\t1\nUid:\t1\t1\t1\t1\n", good + "PPid:\t1\n"} {
		if p, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q became %+v", bad, p)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("State:\tS\nPPid:\t1\nUid:\t1\t1\t1\t1\nNSpid:\t2\n"))
	f.Add([]byte("PPid:0\nUid:0 0 0 0\nUid:0 0 0 0")) // one line twice is not two lines
	f.Add([]byte("State:\x00\nPPid:0\nUid:0 0 0 0"))  // no letter is no state
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseStatus(b); err == nil && (p.State < 'A' || p.Depth < 0) {
			t.Errorf("%q became %+v", b, p)
		}
	})
}

func TestFamily(t *testing.T) {
	table := Table{1: {PID: 1}, 2: {PID: 2, PPID: 1}, 3: {PID: 3, PPID: 2}, 4: {PID: 4, PPID: 1}, 5: {PID: 5, PPID: 6}, 6: {PID: 6, PPID: 5}}
	if got := slices.Sorted(maps.Keys(table.Descendants(2))); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("below 2 are %v", got)
	}
	if got := table.Descendants(99); len(got) != 0 {
		t.Errorf("below nobody are %v", got)
	}
	is2 := func(pid int) bool { return pid == 2 }
	for pid, want := range map[int]bool{2: true, 3: true, 4: false, 1: false, 5: false, 99: false} {
		if table.Under(pid, is2) != want {
			t.Errorf("%d under 2: want %v", pid, want)
		}
	}
}

func TestToken(t *testing.T) {
	for env, want := range map[string]string{
		"": "", "A=b\x00YHTEISKONE_SESSION=x\x00C=d": "x", "XYHTEISKONE_SESSION=x\x00": "", "YHTEISKONE_SESSION\x00": "",
	} {
		if got := Token([]byte(env)); got != want {
			t.Errorf("%q: %q, want %q", env, got, want)
		}
	}
}

func TestBeganIsNotFooledByTheName(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "5"), 0o700); err != nil {
		t.Fatal(err)
	}
	stat := "5 (a) S 1 (b) ) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20"
	if err := os.WriteFile(filepath.Join(root, "5/stat"), []byte(stat), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Began(root, 5); got != 4242 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := Began(root, 6); got != 0 || err != nil {
		t.Errorf("one that is gone: %d, %v", got, err)
	}
}

func TestRealProcess(t *testing.T) {
	c := exec.Command("sleep", "60")
	c.Env = []string{EnvName + "=abc"}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	table, err := Scan(Root)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := table[pid]
	if !ok || p.PPID != os.Getpid() || !p.Of([]int{os.Getuid()}) || p.Of([]int{os.Getuid() + 1}) {
		t.Errorf("%+v, %v", p, ok)
	}
	env, err := Environ(Root, pid)
	if err != nil || Token(env) != "abc" {
		t.Errorf("%q, %v", env, err)
	}
	mine, _ := Namespace(Root, os.Getpid())
	if ns, err := Namespace(Root, pid); err != nil || ns == "" || ns != mine {
		t.Errorf("%q, %v, ours is %q", ns, err, mine)
	}
	began, err := Began(Root, pid)
	if err != nil || began == 0 {
		t.Fatal(began, err)
	}
	if err := Kill(Root, pid, began+1); err != nil { // another one by now
		t.Error(err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if got := c.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGTERM {
		t.Errorf("a process was ended that was not meant: %v", got)
	}
	if err := Kill(Root, pid, began); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}

func TestKill(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	began, err := Began(Root, c.Process.Pid)
	if err == nil {
		err = Kill(Root, c.Process.Pid, began)
	}
	if err != nil {
		t.Error(err)
		_ = c.Process.Kill()
	}
	_ = c.Wait()
	if got := c.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGKILL {
		t.Errorf("ended by %v", got)
	}
}

func TestFeel(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	pid := c.Process.Pid
	until := func(what string, ok func(Pulse) bool) Pulse {
		t.Helper()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for end := time.After(10 * time.Second); ; {
			p, err := Feel(Root, pid)
			if err != nil {
				t.Fatal(err)
			}
			if ok(p) {
				return p
			}
			select {
			case <-tick.C:
			case <-end:
				t.Fatalf("%s did not come: %+v", what, p)
			}
		}
	}
	asleep := until("sleep", func(p Pulse) bool { return p.State == 'S' })
	if !asleep.Waits() || asleep.Stopped() || asleep.Turns == 0 {
		t.Errorf("asleep it is %+v", asleep)
	}
	if again, err := Feel(Root, pid); err != nil || again != asleep {
		t.Errorf("asleep it has turned from %+v to %+v, %v", asleep, again, err)
	}
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := until("the stop", Pulse.Stopped)
	if !stopped.Waits() || stopped.Turns <= asleep.Turns {
		t.Errorf("stopped it is %+v", stopped)
	}
	for _, state := range []byte{'R', 'D', 0, 'Z'} {
		if p := (Pulse{State: state}); p.Waits() || p.Stopped() {
			t.Errorf("%+v waits", p)
		}
	}
	if p, err := Feel(t.TempDir(), 5); err != nil || p != (Pulse{}) {
		t.Errorf("one that is gone: %+v, %v", p, err)
	}
	for _, bad := range []string{"", "State:\tS (sleeping)\n", "State:\tS\nvoluntary_ctxt_switches:\tx\nnonvoluntary_ctxt_switches:\t1\n", "State:\t\nvoluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t1\n"} {
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, "5"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "5/status"), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := Feel(root, 5); err == nil {
			t.Errorf("%q became %+v", bad, p)
		}
	}
}
