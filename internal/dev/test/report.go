package main

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// report prints what go test says, and adds it up.
type report struct {
	mu      sync.Mutex
	out     io.Writer
	step    string
	lines   []string // the lines about packages, as go test words them
	tests   struct{ passed, failed, skipped int }
	skipped []string
	failed  []string            // with the reason
	wrong   []string            // the same, names of whole tests alone
	twice   []string            // what passed at the second try only
	grave   bool                // what no second try excuses was said
	reasons map[string]*reasons // by who speaks
	untried []string            // what tests say that they could not try
}

func newReport(out io.Writer) *report {
	return &report{out: out, reasons: map[string]*reasons{}}
}

func (r *report) printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format, args...)
}

func (r *report) begin(step string) {
	r.step = step
	r.printf("== %s\n", step)
}

// noise is what go test -v says of tests that have only begun.
func noise(line string) bool {
	for _, p := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return strings.HasSuffix(line, "[no test files]") || strings.HasSuffix(line, "[no tests to run]") && strings.HasPrefix(line, "ok")
}

// line takes in one line of go test and prints it behind the name of who said
// it, which is empty if only one speaks at a time.
func (r *report) line(who, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons[who] == nil {
		r.reasons[who] = &reasons{}
	}
	if failed := r.reasons[who].line(line); failed != "" {
		r.failed = append(r.failed, "failed in "+r.step+": "+failed)
	}
	r.grave = r.grave || grave(line)
	if noise(line) {
		return
	}
	fmt.Fprintln(r.out, who+line)
	if strings.Contains(line, notTried) {
		r.untried = append(r.untried, strings.TrimSpace(line))
	}
	verdict, name, _ := strings.Cut(strings.TrimPrefix(line, "--- "), ": ")
	name, _, _ = strings.Cut(name, " ")
	switch {
	case !strings.HasPrefix(line, "--- "):
		if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t") {
			r.lines = append(r.lines, line)
		}
	case verdict == "PASS":
		r.tests.passed++
	case verdict == "FAIL":
		r.tests.failed++
		r.wrong = append(r.wrong, name)
	case verdict == "SKIP":
		r.tests.skipped++
		r.skipped = append(r.skipped, "skipped in "+r.step+": "+name)
	}
}

// goTest runs a program that speaks as go test does.
func (r *report) goTest(cmd *exec.Cmd) error { return r.goTestAs("", cmd) }

// goTestAs is goTest for several programs at a time.
func (r *report) goTestAs(who string, cmd *exec.Cmd) error {
	pipe, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewReader(pipe)
		for {
			text, err := lines.ReadString('\n')
			if text = strings.TrimRight(text, "\n"); text != "" {
				r.line(who, text)
			}
			if err != nil {
				return
			}
		}
	}()
	err := cmd.Run()
	in.Close()
	<-done
	return err
}

// add counts what another report has.
func (r *report) add(o *report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, o.lines...)
	r.skipped = append(r.skipped, o.skipped...)
	r.failed = append(r.failed, o.failed...)
	r.wrong = append(r.wrong, o.wrong...)
	r.twice = append(r.twice, o.twice...)
	r.untried = append(r.untried, o.untried...)
	r.tests.passed += o.tests.passed
	r.tests.failed += o.tests.failed
	r.tests.skipped += o.tests.skipped
}

// close repeats the lines about packages, what was not run and what failed and
// why, so that the end of a long output tells all of it.
func (r *report) close() {
	if len(r.lines) > 0 {
		r.printf("== packages\n%s\n", strings.Join(r.lines, "\n"))
	}
	for _, n := range slices.Concat(r.skipped, r.twice, r.failed) {
		r.printf("%s\n", n)
	}
	if t := r.tests; t.passed+t.failed+t.skipped > 0 {
		r.printf("tests: %d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	}
}
