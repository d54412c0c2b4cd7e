package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportAddsUp(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out)
	r.begin("unit")
	cmd := exec.Command("printf", `%s\n`, "=== RUN   TestA", "=== RUN   TestA/sub", "    --- PASS: TestA/sub (0.00s)", "--- PASS: TestA (0.00s)",
		"=== RUN   TestB", "    b_test.go:1: wrong", "    rig.go:7: said more", "--- FAIL: TestB (0.10s)",
		"=== RUN   TestD", "=== RUN   TestD/x_y", "    d_test.go:2: fine", "=== RUN   TestD/z", "    d_test.go:3: not fine", "=== NAME  TestD/x_y", "    d_test.go:4: more",
		"--- FAIL: TestD (0.10s)", "    --- PASS: TestD/x_y (0.10s)", "    --- FAIL: TestD/z (0.10s)", "--- SKIP: TestC (0.00s)", "FAIL",
		"FAIL\tyhteiskone/a\t0.1s", "?   \tyhteiskone/b\t[no test files]", "ok  \tyhteiskone/c\t(cached)")
	if err := r.goTest(cmd); err != nil {
		t.Fatal(err)
	}
	r.close()
	if r.tests.passed != 1 || r.tests.failed != 2 || r.tests.skipped != 1 {
		t.Errorf("%+v", r.tests)
	}
	text := out.String()
	for _, want := range []string{"    b_test.go:1: wrong\n", "failed in unit: TestB: b_test.go:1: wrong\nfailed in unit: TestD\nfailed in unit: TestD/z: d_test.go:3: not fine\n", "skipped in unit: TestC\n",
		"== packages\nFAIL\tyhteiskone/a\t0.1s\nok  \tyhteiskone/c\t(cached)\n", "tests: 1 passed, 2 failed, 1 skipped\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "=== RUN") || strings.Contains(text, "no test files") {
		t.Errorf("noise in:\n%s", text)
	}
	if err := r.goTest(exec.Command("false")); err == nil {
		t.Error("a failing program passed")
	}
}

func TestSuites(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"kiosk/browser/a_test.go":           "package browser\n\nfunc TestBrowserStarts(t *testing.T) {}\nfunc FuzzArgs(f *testing.F) {}\nfunc FuzzX(f *testing.F) {}\n",
		"kiosk/browser/b_test.go":           "package browser\n\nfunc TestOther(t *testing.T) {}\n",
		"internal/e2e/day_test.go":          "package e2e\n",
		"internal/e2e/town/town_test.go":    "package town\n",
		"internal/fleet/testdata/x_test.go": "package x\n",
		"internal/fleet/fleet.go":           "package fleet\n",
		"build/y_test.go":                   "package y\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := suites(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []suite{{"internal/e2e", false, true, nil}, {"internal/e2e/town", false, true, nil},
		{"kiosk/browser", true, false, []string{"FuzzArgs", "FuzzX"}}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(suite{})); d != "" {
		t.Error(d)
	}
}

func TestLongFirst(t *testing.T) {
	var got []string
	for _, s := range longFirst([]suite{{folder: "agent/dashboard"}, {folder: scenarios}, {folder: escapes}, {folder: "kiosk/screen"}}) {
		got = append(got, s.folder)
	}
	if d := cmp.Diff([]string{escapes, scenarios, "agent/dashboard", "kiosk/screen"}, got); d != "" {
		t.Error(d)
	}
}

func TestUnknownCheck(t *testing.T) {
	if code := run(t.Context(), []string{"everything"}); code != 2 {
		t.Errorf("exit %d", code)
	}
}

func TestInterrupted(t *testing.T) {
	late := "--- FAIL: FuzzBack (3.03s)\n    context deadline exceeded\nFAIL\n"
	for out, want := range map[string]bool{
		late: true,
		late + "    Failing input written to testdata/fuzz/FuzzBack/1\n": false,
		"--- FAIL: FuzzBack (0.01s)\n    back_test.go:9: wrong\n":        false,
	} {
		if interrupted(out) != want {
			t.Errorf("%q: %v", out, !want)
		}
	}
}
