package main

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// A test that fails is tried once more, and the end says so; what fails twice,
// what is too much, and what is wrong however seldom it happens stays a failure.
func TestAgain(t *testing.T) {
	const once = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:1: late\n--- FAIL: TestB (0.10s)\nFAIL\nFAIL\tyhteiskone/a\t0.1s\n"
	const good = "=== RUN   TestB\n--- PASS: TestB (0.10s)\nPASS\nok  \tyhteiskone/a\t0.1s\n"
	for _, c := range []struct {
		name, first, second string
		stray               bool
		passes              bool
	}{
		{name: "passes", first: once, second: good, passes: true},
		{name: "fails twice", first: once, second: once},
		{name: "is skipped then", first: once, second: "--- SKIP: TestB (0.00s)\nPASS\n"},
		{name: "does not run then", first: once, second: "testing: warning: no tests to run\nPASS\n"},
		{name: "a race", first: "WARNING: DATA RACE\n" + once, second: good},
		{name: "a crash", first: once + "panic: oh\n", second: good},
		{name: "too many", first: once + "--- FAIL: TestC (0s)\n--- FAIL: TestD (0s)\n--- FAIL: TestE (0s)\n", second: good},
		{name: "no test at all", first: "FAIL\tyhteiskone/a [build failed]\n", second: good},
		{name: "something stayed", first: once, second: good, stray: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			says := func(r *report, text string) error {
				end := "true"
				if strings.Contains(text, "FAIL") {
					end = "false"
				}
				return r.goTest(exec.Command("sh", "-c", `printf %s "$0"; `+end, text))
			}
			r, one := newReport(&out), newReport(&out)
			r.begin("unit")
			one.step = "unit"
			err := says(one, c.first)
			if c.stray {
				err = errors.Join(err, strays{errors.New("left running")})
			}
			err = r.again(one, err, func(two *report, only string) error {
				if only != "^(TestB)$" {
					t.Errorf("tries %s", only)
				}
				return says(two, c.second)
			})
			if (err == nil) != c.passes {
				t.Errorf("%v\n%s", err, out.String())
			}
			r.close()
			text := out.String()
			if c.passes && (!strings.Contains(text, "passed at the second try, failed in unit: TestB: b_test.go:1: late\n") ||
				!strings.Contains(text, "tests: 2 passed, 0 failed, 0 skipped\n") || !strings.Contains(text, "== packages\nok  \tyhteiskone/a\t0.1s\n")) {
				t.Errorf("the end says:\n%s", text)
			}
			if !c.passes && strings.Contains(c.first, "TestB") && !strings.Contains(text, "\nfailed in unit: TestB: b_test.go:1: late\n") {
				t.Errorf("the end does not say what failed:\n%s", text)
			}
		})
	}
}
