package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/internal/e2e/slow"
)

// Process is one program that a world started.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{}
	Out  *Log // what it printed, both streams
}

// Log is what a program printed. Safe for use by several goroutines.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start starts a program in a process group of its own, with env put over the
// test's environment.
func (w *World) Start(name string, env []string, args ...string) *Process {
	w.Helper()
	p := &Process{Name: name, cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{}), Out: &Log{}}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = w.Dir
	p.cmd.Stdout, p.cmd.Stderr = p.Out, p.Out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipes
	if err := p.cmd.Start(); err != nil {
		w.Fatalf("start %s: %v", name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	w.mu.Lock()
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	return p
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(s syscall.Signal) { p.cmd.Process.Signal(s) }

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Code is the exit code of a process that has ended, -1 for a killed one.
func (p *Process) Code() int { return p.cmd.ProcessState.ExitCode() }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait waits for the process's end and returns its exit code.
func (w *World) Wait(p *Process, d time.Duration) int {
	w.Helper()
	select {
	case <-p.done:
		return p.Code()
	case <-time.After(slow.Stretch(d)):
		w.Fatalf("%s did not end within %v", p.Name, slow.Stretch(d))
	case <-w.Ctx.Done():
		w.Fatalf("%s did not end in time", p.Name)
	}
	return 0
}

// Kill kills the process alone and waits until it is gone.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Line waits for a line that begins with prefix and returns the rest of it.
func (w *World) Line(p *Process, prefix string, d time.Duration) string {
	w.Helper()
	var rest string
	w.Until(d, fmt.Sprintf("%s says %q", p.Name, prefix), func() (bool, string) {
		for line := range strings.Lines(p.Out.String()) {
			if after, ok := strings.CutPrefix(line, prefix); ok && strings.HasSuffix(line, "\n") {
				rest = strings.TrimSpace(after)
				return true, ""
			}
		}
		if p.Ended() {
			w.Fatalf("%s ended with code %d: %s", p.Name, p.Code(), p.Out)
		}
		return false, p.Out.String()
	})
	return rest
}

// Run runs a program to its end and returns its exit code and what it printed.
func (w *World) Run(env []string, args ...string) (code int, stdout, stderr string) {
	w.Helper()
	ctx, cancel := w.Within(slow.Stretch(30 * time.Second))
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Env, c.Dir = append(os.Environ(), env...), w.Dir
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatalf("run %s: %v", args[0], err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// end ends everything and fails the test for what is left after that.
func (w *World) end() {
	w.mu.Lock()
	all := w.processes
	w.mu.Unlock()
	if w.Failed() {
		for _, p := range all {
			w.Logf("%s said:\n%s", p.Name, tail(p.Out.String()))
		}
	}
	for i := len(all) - 1; i >= 0; i-- { // the newest first: kiosk, agent, X
		p := all[i]
		if p.Ended() {
			continue
		}
		p.Signal(syscall.SIGCONT)
		p.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(15 * time.Second):
			w.Errorf("%s did not end on SIGTERM", p.Name)
			p.Kill()
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for left := w.descendants(); len(left) > 0; left = w.descendants() {
		if time.Now().After(deadline) {
			for _, d := range left {
				w.Errorf("left behind: %s", d)
				syscall.Kill(d.Pid, syscall.SIGKILL)
			}
			w.reap()
			return
		}
		w.reap()
		<-again.C
	}
}

func tail(s string) string {
	const most = 6000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// Found is one process in /proc.
type Found struct {
	Pid    int
	parent int
	state  string
	Name   string
}

func (f Found) String() string { return fmt.Sprintf("process %d (%s)", f.Pid, f.Name) }

// processes reads /proc.
func processes() map[int]Found {
	all := map[int]Found{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return all
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it ended
		}
		text := string(stat)
		open, shut := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
		fields := strings.Fields(text[shut+1:])
		if open < 0 || len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		all[pid] = Found{pid, parent, fields[0], text[open+1 : shut]}
	}
	return all
}

// Under lists the living processes below pid, itself not among them.
func Under(pid int) (below []Found) {
	all := processes()
	for _, p := range all {
		if p.state == "Z" {
			continue
		}
		for up := p; up.parent > 1; {
			if up.parent == pid {
				below = append(below, p)
				break
			}
			next, ok := all[up.parent]
			if !ok {
				break
			}
			up = next
		}
	}
	return below
}

// mainOf is the first process of the browser with this window class below pid,
// 0 if there is none.
func mainOf(pid int, class string) int {
	for _, p := range Under(pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Pid))
		text := string(line)
		if err == nil && p.Name == "chromium" && strings.Contains(text, "--class="+class) && !strings.Contains(text, "--type=") {
			return p.Pid
		}
	}
	return 0
}

// Strays are the living processes that a program of this world left behind when
// it ended: those that belong to none that still runs.
func (w *World) Strays() (strays []Found) {
	w.mu.Lock()
	defer w.mu.Unlock()
	owned := map[int]bool{}
	for _, p := range w.processes {
		if p.Ended() {
			continue
		}
		owned[p.Pid()] = true
		for _, below := range Under(p.Pid()) {
			owned[below.Pid] = true
		}
	}
	for _, f := range w.descendants() {
		if !owned[f.Pid] {
			strays = append(strays, f)
		}
	}
	return strays
}

func (w *World) descendants() []Found { return Under(os.Getpid()) }

// reap waits for orphans that became ours and have ended; those that a Process
// waits for are left to it.
func (w *World) reap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	own := map[int]bool{}
	for _, p := range w.processes {
		own[p.Pid()] = true
	}
	for _, p := range processes() {
		if p.parent == os.Getpid() && p.state == "Z" && !own[p.Pid] {
			var status unix.WaitStatus
			unix.Wait4(p.Pid, &status, unix.WNOHANG, nil)
		}
	}
}
