package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"yhteiskone/internal/dev/guest"
)

// suitePatience is how long the tests of one package may take.
const suitePatience = time.Hour

// leftPatience is how long a program may take to end after its test.
const leftPatience = 5 * time.Second

// browser runs the tests that start a browser and the scenarios over the
// built programs: as many packages at a time as there are guests, because much
// of their time is waiting. A program that outlives the tests of its package is
// a failure.
func browser(ctx context.Context, r *report) error {
	all, err := suites(".")
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s suite) bool { return !s.browser && !s.scenario })
	if len(all) == 0 {
		return errors.New("there are no such tests")
	}
	everybody, err := guest.All()
	if err != nil {
		return err
	}
	var shops []*workshop
	for _, who := range everybody {
		w, err := newWorkshop(who)
		if err != nil {
			return fmt.Errorf("prepare a place for the tests: %w", err)
		}
		defer w.close(r)
		shops = append(shops, w)
	}
	next, ends := make(chan suite), make(chan ended, len(all)+1)
	var lanes sync.WaitGroup
	try := func(w *workshop, s suite, how pass) {
		one := newReport(r.out)
		one.step = r.step
		err := w.run(ctx, one, s, how)
		ends <- ended{s, one, err}
	}
	for _, w := range shops {
		lanes.Go(func() {
			for s := range next {
				try(w, s, pass{skip: timed})
			}
		})
	}
	for _, s := range longFirst(all) {
		if ctx.Err() == nil {
			next <- s
		}
	}
	close(next)
	lanes.Wait()
	try(shops[0], suite{folder: scenarios, scenario: true}, pass{only: timed})
	close(ends)
	var failed []error
	for e := range ends {
		err := r.again(e.said, e.err, func(two *report, only string) error { return shops[0].run(ctx, two, e.suite, pass{only: only}) })
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", e.suite.folder, err))
		}
	}
	// Here is the only place where these tests can run: one that did not is a
	// check that nobody made.
	for _, n := range r.skipped {
		if strings.HasPrefix(n, "skipped in "+r.step) && !strings.Contains(n, picturesTest) {
			failed = append(failed, errors.New(n))
		}
	}
	return errors.Join(failed...)
}

// ended is what became of the tests of one package.
type ended struct {
	suite suite
	said  *report
	err   error
}

// longFirst begins with what takes longest, so that nobody waits for it alone
// at the end.
func longFirst(all []suite) []suite {
	long := []string{escapes, scenarios}
	rank := func(s suite) int { return (slices.Index(long, s.folder) + len(long) + 1) % (len(long) + 1) }
	return slices.SortedStableFunc(slices.Values(all), func(a, b suite) int { return cmp.Compare(rank(a), rank(b)) })
}

// timed are the scenarios that hold the product to so many seconds: nothing
// else runs beside them.
const timed = "^TestBrowser(Supervision|Hangs)$"

// picturesTest begins the names of tests that take pictures for people and check
// nothing.
const picturesTest = "TestBrowserShots"

// escapes is the folder of the ways out.
const escapes = "internal/e2e/escape"

// waysOut tries the ways out alone, all of them in both modes.
func waysOut(ctx context.Context, r *report) error {
	who, err := guest.Find()
	if err != nil {
		return err
	}
	w, err := newWorkshop(who)
	if err != nil {
		return fmt.Errorf("prepare a place for the tests: %w", err)
	}
	defer w.close(r)
	return w.run(ctx, r, suite{folder: escapes, scenario: true}, pass{patience: time.Hour, env: []string{"YHTEISKONE_ESCAPES=all"}})
}

// workshop is a folder with a copy of the tree, where the guest is at home.
type workshop struct {
	who guest.Guest
	dir string
}

func newWorkshop(who guest.Guest) (*workshop, error) {
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-test.")
	if err != nil {
		return nil, err
	}
	w := &workshop{who, dir}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	for _, sub := range []string{"home", "run", "tests"} {
		if err := who.MkdirAll(filepath.Join(dir, sub)); err != nil {
			return nil, err
		}
	}
	if err := who.Copy(w.tree(), ".", func(path string) bool {
		return path == ".git" || path == "build" || path == "run" || path == "bench.json"
	}); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *workshop) tree() string { return filepath.Join(w.dir, "tree") }

// matrix tries every end in every state at twenty random moments each: an hour
// that the ordinary run spends a minute of.
func matrix(ctx context.Context, r *report) error {
	who, err := guest.Find()
	if err != nil {
		return err
	}
	w, err := newWorkshop(who)
	if err != nil {
		return fmt.Errorf("prepare a place for the tests: %w", err)
	}
	defer w.close(r)
	return w.run(ctx, r, suite{folder: "internal/e2e", scenario: true},
		pass{only: "^TestBrowserMatrix$", patience: 3 * time.Hour, env: []string{"YHTEISKONE_MOMENTS=20"}})
}

// pass is how the tests of a package are run; the zero value runs all.
type pass struct {
	only     string
	skip     string
	patience time.Duration
	env      []string
}

// run compiles the tests of one package and runs them as the guest.
func (w *workshop) run(ctx context.Context, r *report, s suite, how pass) error {
	program := filepath.Join(w.dir, "tests", strings.ReplaceAll(s.folder, "/", "-")+".test")
	if out, err := command(ctx, nil, "go", "test", "-c", "-o", program, "./"+s.folder).CombinedOutput(); err != nil {
		r.printf("%s", out)
		return fmt.Errorf("compile: %w", err)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		return err
	}
	args := []string{"-test.v", "-test.timeout", cmp.Or(how.patience, suitePatience).String()}
	switch {
	case how.only != "":
		args = append(args, "-test.run", how.only)
	case !s.scenario:
		args = append(args, "-test.run", browserTests)
	}
	if how.skip != "" {
		args = append(args, "-test.skip", how.skip)
	}
	env := guest.Environ(filepath.Join(w.dir, "home"), filepath.Join(w.dir, "run"),
		"YHTEISKONE_BIN="+filepath.Join(w.tree(), "bin"), "YHTEISKONE_TEST="+w.dir)
	env = append(env, how.env...)
	cmd := w.who.Command(ctx, env, program, args...)
	cmd.Dir = filepath.Join(w.tree(), s.folder)
	begin := time.Now()
	err := r.goTestAs(strings.TrimPrefix(s.folder, "internal/")+": ", cmd)
	for pid, line := range guest.Gone(context.WithoutCancel(ctx), w.dir, leftPatience) {
		err = errors.Join(err, strays{fmt.Errorf("left running: %d %.200s", pid, line)})
	}
	// a test binary says PASS alone; go test adds the package
	verdict := "ok  "
	if err != nil {
		verdict = "FAIL"
	}
	r.line("", fmt.Sprintf("%s\tyhteiskone/%s\t%.3fs", verdict, s.folder, time.Since(begin).Seconds()))
	return err
}

func (w *workshop) close(r *report) {
	if err := os.RemoveAll(w.dir); err != nil {
		r.printf("the work folder %s stays: %v\n", w.dir, err)
	}
}
