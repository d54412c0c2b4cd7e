package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// browserTests are the names of tests that run as the guest: they start a
// browser, or look at what an ordinary user may not.
const browserTests = "^Test(Browser|Guest)"

// scenarios is the folder whose every test drives the built programs.
const scenarios = "internal/e2e"

// fuzzTime is how long each fuzz target runs.
const fuzzTime = "2s"

var (
	browserShape = regexp.MustCompile(`(?m)^func Test(Browser|Guest)`)
	fuzzShape    = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
)

// suite is one folder with tests.
type suite struct {
	folder   string // from the root of the tree, for example kiosk/wipe
	browser  bool   // has tests that start a browser
	scenario bool   // is below scenarios
	fuzz     []string
}

// suites reads the tree under root.
func suites(root string) ([]suite, error) {
	found := map[string]*suite{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && left(name) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder := filepath.Dir(name)
		s := found[folder]
		if s == nil {
			s = &suite{folder: folder, scenario: folder == scenarios || strings.HasPrefix(folder, scenarios+"/")}
			found[folder] = s
		}
		s.browser = s.browser || browserShape.Match(text)
		for _, m := range fuzzShape.FindAllSubmatch(text, -1) {
			s.fuzz = append(s.fuzz, string(m[1]))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	var all []suite
	for _, s := range found {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b suite) int { return strings.Compare(a.folder, b.folder) })
	return all, nil
}

// left are the folders that hold nothing of the tree, or too much.
func left(name string) bool {
	return slices.Contains([]string{".git", "bin", "build", "run", "testdata"}, name) || filepath.Base(name) == "testdata"
}

// ordinary are the packages whose tests need no browser and no built programs.
func ordinary() ([]string, error) {
	all, err := suites(".")
	var folders []string
	for _, s := range all {
		if !s.scenario {
			folders = append(folders, "./"+s.folder)
		}
	}
	return folders, err
}

func unit(ctx context.Context, r *report) error {
	folders, err := ordinary()
	if err != nil {
		return err
	}
	return r.goTests(ctx, nil, []string{"-v", "-timeout", "3m"}, folders)
}

// goTests runs the tests of packages that need no browser.
func (r *report) goTests(ctx context.Context, env, how, folders []string) error {
	args := append([]string{"test", "-skip", browserTests}, how...)
	one := newReport(r.out)
	one.step = r.step
	err := one.goTest(command(ctx, env, "go", append(args, folders...)...))
	return r.again(one, err, func(two *report, only string) error {
		var where []string
		for _, line := range one.lines {
			if name, bad := strings.CutPrefix(line, "FAIL\tyhteiskone/"); bad {
				name, _, _ = strings.Cut(name, "\t")
				where = append(where, "./"+strings.Fields(name)[0])
			}
		}
		return two.goTest(command(ctx, env, "go", append(append(args, "-count=1", "-v", "-run", only), where...)...))
	})
}

func race(ctx context.Context, r *report) error {
	folders, err := ordinary()
	if err != nil {
		return err
	}
	return r.goTests(ctx, []string{"CGO_ENABLED=1"}, []string{"-race", "-timeout", "6m"}, folders)
}

func fuzz(ctx context.Context, r *report) error {
	all, err := suites(".")
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range all {
		for _, target := range s.fuzz {
			var out []byte
			var err error
			for try := 0; try < 3; try++ {
				cmd := command(ctx, nil, "go", "test", "-run", "^$", "-fuzz", "^"+target+"$", "-fuzztime", fuzzTime, "./"+s.folder)
				if out, err = cmd.CombinedOutput(); err == nil || !interrupted(string(out)) {
					break
				}
			}
			if err != nil {
				r.printf("%s", out)
				failed = append(failed, fmt.Errorf("%s of %s: %w", target, s.folder, err))
				continue
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			r.printf("%s\t%s\n", lines[len(lines)-1], target)
		}
	}
	return errors.Join(failed...)
}

// interrupted reports whether fuzzing failed by its own end only: go test counts
// an input that is being tried when the time is over as a failure, now and then,
// and names no input.
func interrupted(out string) bool {
	return strings.Contains(out, "context deadline exceeded") && !strings.Contains(out, "Failing input written")
}
