package trace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExplain(t *testing.T) {
	places := Places{"TMP": "/tmp", "STATE": "/tmp/w/state", "HOME": ""}
	rows := []Row{{"STATE/a.json", "a", "none"}, {"STATE/box/*", "b", "none"}, {"STATE/deep-*/**", "c", "none"}}
	for path, want := range map[string]string{
		"/tmp/w/state/a.json":          "a",
		"/tmp/w/state/a.jsonx":         "",
		"/tmp/w/state/box/1":           "b",
		"/tmp/w/state/box/1/2":         "",
		"/tmp/w/state/deep-7":          "c",
		"/tmp/w/state/deep-7/x/y":      "c",
		"/tmp/w/state/deeper":          "",
		"/tmp/w/statement/a.json":      "",
		"/tmp/a.json":                  "",
		"/home/x/STATE/a.json":         "",
		"/tmp/w/state/../state/a.json": "",
	} {
		lines := Explain([]Change{{Path: path, What: "created"}, {Path: path, What: "created"}, {Path: path, What: "deleted"}}, places, rows)
		if len(lines) != 1 || lines[0].Times != 3 || !slices.Equal(lines[0].What, []string{"created", "deleted"}) {
			t.Fatalf("%s: %+v", path, lines)
		}
		got := ""
		if r := lines[0].Row; r != nil {
			got = r.Why
		}
		if got != want || len(Unexplained(lines)) == 1 != (want == "") {
			t.Errorf("%s is explained by %q, want %q", path, got, want)
		}
		if strings.Contains(Table(lines), "UNEXPLAINED") != (want == "") {
			t.Errorf("%s: %s", path, Table(lines))
		}
	}
}

func TestRowsSayWhy(t *testing.T) {
	for _, r := range Rows() {
		if r.Why == "" || r.Empty == "" || strings.HasPrefix(r.Pattern, "TMP") || strings.HasPrefix(r.Pattern, "HOME") {
			t.Errorf("%+v", r)
		}
	}
}

// Both ways of watching see what was planted: new files, changed ones, what
// goes, and what lies in folders that came after the watch began.
func TestWatchers(t *testing.T) {
	for name, watch := range map[string]func(dir string) (*Watcher, error){
		"folders":      func(dir string) (*Watcher, error) { return WatchFolders(dir) },
		"file systems": func(dir string) (*Watcher, error) { return WatchFileSystems(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old := filepath.Join(dir, "old")
			if err := os.WriteFile(old, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			w, err := watch(dir)
			if errors.Is(err, unix.EPERM) {
				t.Skip("only root may watch a file system")
			}
			if err != nil {
				t.Fatal(err)
			}
			deep := filepath.Join(dir, "new", "deeper")
			for _, err := range []error{
				os.MkdirAll(deep, 0o700), os.WriteFile(filepath.Join(deep, "file"), []byte("y"), 0o600),
				os.WriteFile(old, []byte("z"), 0o600), os.Chmod(old, 0o640), os.Rename(old, filepath.Join(dir, "moved")),
				os.Remove(filepath.Join(dir, "moved")),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			changes, err := w.Stop()
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []Change{{old, "modified", 0}, {old, "attributes", 0}, {old, "moved", 0}, {filepath.Join(dir, "moved"), "deleted", 0},
				{filepath.Join(dir, "new"), "created", 0}, {filepath.Join(deep, "file"), "created", 0}} {
				if !slices.ContainsFunc(changes, func(c Change) bool { return c.Path == want.Path && c.What == want.What }) {
					t.Errorf("%s %s was not seen in %+v", want.Path, want.What, changes)
				}
			}
			for _, c := range changes {
				if strings.HasPrefix(c.Path, dir) && c.UID != os.Getuid() && c.UID != -1 {
					t.Errorf("whose is %+v", c)
				}
			}
		})
	}
}
