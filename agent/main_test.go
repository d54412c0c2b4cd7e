package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"agent": main})
}

// The commands, as people type them: testdata/script/*.txt, over the program
// itself in a process of its own.
func TestScripts(t *testing.T) {
	b := &background{running: map[string]*exec.Cmd{}}
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"start": b.start, "finish": b.finish, "await": await, "take": take, "holds": holds}})
}

// background runs agents whose output goes to files.
type background struct {
	mu      sync.Mutex
	running map[string]*exec.Cmd // by folder of the script, and name
}

// start FILE ARGS...
func (b *background) start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start FILE ARGS...")
	}
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if at := filepath.Join(dir, "agent"); path == "" {
			if _, err := os.Stat(at); err == nil {
				path = at
			}
		}
	}
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer out.Close()
	c := exec.Command(path, args[1:]...)
	c.Dir, c.Stdout, c.Stderr = ts.MkAbs("."), out, out
	c.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"))
	ts.Check(c.Start())
	ts.Defer(func() {
		c.Process.Kill()
		c.Wait()
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[out.Name()] = c
}

// finish FILE [KILL]: SIGTERM, or SIGKILL, and waits. SIGTERM must end in exit
// code 0.
func (b *background) finish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: finish FILE [KILL]")
	}
	b.mu.Lock()
	c := b.running[ts.MkAbs(args[0])]
	b.mu.Unlock()
	if len(args) == 2 {
		c.Process.Kill()
		c.Wait()
		return
	}
	ts.Check(c.Process.Signal(syscall.SIGTERM))
	ts.Check(c.Wait())
}

// await waits until a file matches: await FILE REGEXP
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	re := regexp.MustCompile(args[1])
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && re.Match(text) {
			return
		}
	}
	ts.Fatalf("%s never matched %s; it is:\n%s", args[0], args[1], ts.ReadFile(args[0]))
}

// take puts what the group of a regular expression finds in a file (or in
// "stdout") into a variable: take NAME FILE REGEXP
func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: take NAME FILE REGEXP")
	}
	m := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) != 2 {
		ts.Fatalf("%s does not match %s", args[1], args[2])
	}
	ts.Setenv(args[0], m[1])
}

// holds wants a folder that is not empty, or is, if it stands behind "!".
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: holds FOLDER")
	}
	all, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if (len(all) > 0) == neg {
		ts.Fatalf("%s holds %v", args[0], all)
	}
}
