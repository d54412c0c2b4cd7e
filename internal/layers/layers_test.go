package layers

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// unit is one package of ours, by its folder ("." for none).
type unit struct {
	Dir, ImportPath, Name, Doc         string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func (u unit) folder() string { return folderOf(u.ImportPath) }

// folderOf is empty for what is not ours.
func folderOf(path string) string {
	folder, ours := strings.CutPrefix(path, Module+"/")
	if !ours {
		return ""
	}
	return folder
}

// units asks the go command, which knows build constraints.
func units(t *testing.T) []unit {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e",
		"-json=Dir,ImportPath,Name,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}
	var all []unit
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var u unit
		if err := dec.Decode(&u); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	if len(all) < 20 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

// inside reports whether path is the folder or below it.
func inside(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func insideAny(path, folders string) bool {
	return slices.ContainsFunc(strings.Fields(folders), func(f string) bool { return inside(path, f) })
}

// broken judges one import of one package; it returns what rule it breaks.
func broken(from, path string, test bool) string {
	for _, d := range doors() {
		if inside(path, d.module) && !insideAny(from, d.only) && !(test && insideAny("tests", d.only)) {
			return "only " + d.only + " imports " + d.module + ": " + d.why
		}
	}
	to := folderOf(path)
	if to == "" || to == from || test && program(from) == program(to) {
		return ""
	}
	switch p := program(to); {
	case p != "" && program(from) == "" && listed(from, to):
		return ""
	case p != "" && program(from) == "":
		return "internal imports no program: what the programs share must not know them"
	case p != "" && p != program(from):
		return "programs never import each other: they meet on the wire"
	}
	if test {
		return ""
	}
	if inside(to, from) || inside(from, to) && to != program(from) {
		return "" // its own tree
	}
	if program(from) == "" && (inside(from, "internal/dev") || inside(from, "internal/e2e")) {
		return ""
	}
	if listed(from, to) {
		return ""
	}
	if program(from) != "" && inside(to, "internal") {
		if inside(to, "internal/dev") || inside(to, "internal/e2e") || inside(to, "internal/layers") {
			return "what makes and checks the product is no part of it"
		}
		for _, b := range bounds() {
			if b.of == from && !insideAny(to, b.may) {
				return "it may import of internal only \"" + b.may + "\": " + b.why
			}
		}
		return ""
	}
	return "packages meet through interfaces that the consumer declares, and main wires them; if this edge is right, add it to edges with its reason"
}

func listed(from, to string) bool {
	return slices.ContainsFunc(edges(), func(e edge) bool { return e.from == from && e.to == to })
}

// program is the program whose tree a folder is in, or empty.
func program(folder string) string {
	for _, p := range programs() {
		if inside(folder, p) {
			return p
		}
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, u := range units(t) {
		for _, imports := range []struct {
			of   []string
			test bool
		}{{u.Imports, false}, {u.TestImports, true}, {u.XTestImports, true}} {
			for _, path := range imports.of {
				if why := broken(u.folder(), path, imports.test); why != "" {
					t.Errorf("%s imports %s: %s", u.folder(), path, why)
				}
			}
		}
	}
}

// The rules themselves are tried on imports that must and must not pass.
func TestBroken(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test, ok bool
	}{
		{"kiosk/wipe", "agent/store", false, false},
		{"kiosk", "agent/store", true, false},
		{"kiosk", "internal/link", false, true},
		{"kiosk", "kiosk/wipe", false, true},
		{"kiosk/wipe", "kiosk", false, false},
		{"kiosk/wipe", "kiosk/browser", false, false},
		{"kiosk/wipe", "kiosk/browser", true, true},
		{"kiosk/wipe", "kiosk/session", false, true},
		{"kiosk/session", "kiosk/wipe", false, false},
		{"kiosk/session", "internal/link", false, false},
		{"kiosk/uplink", "internal/link", false, true},
		{"kiosk/uplink", "internal/e2e/town", false, false},
		{"agent/staff/stafftest", "agent/staff", false, true},
		{"agent/gate", "agent/dashboard", false, false},
		{"agent/watch", "internal/wire", false, false},
		{"internal/fleet", "internal/wire", false, false},
		{"internal/link", "internal/wire", false, true},
		{"internal/link", "internal/proof", false, false},
		{"internal/e2e", "kiosk/session", true, false},
		{"internal/dev/soak", "kiosk/uplink", false, true},
		{"internal/dev/soak", "kiosk/session", false, false},
		{"internal/dev/bench", "kiosk/uplink", false, false},
		{"internal/e2e", "internal/identity", false, true},
	} {
		if why := broken(c.from, Module+"/"+c.to, c.test); (why == "") != c.ok {
			t.Errorf("%s imports %s: %q", c.from, c.to, why)
		}
	}
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"kiosk/uplink", "github.com/gorilla/websocket", false},
		{"internal/link", "github.com/gorilla/websocket", true},
		{"kiosk", "github.com/shirou/gopsutil/v3/mem", false},
		{"kiosk/health", "github.com/shirou/gopsutil/v3/mem", true},
		{"internal/e2e/rig", "github.com/chromedp/chromedp", true},
		{"kiosk/browser", "golang.org/x/net/websocket", false},
	} {
		if why := broken(c.from, c.to, true); (why == "") != c.ok {
			t.Errorf("%s imports %s: %q", c.from, c.to, why)
		}
	}
}

// A package reaches what it and those of ours that it imports import.
func TestBans(t *testing.T) {
	all := map[string]unit{}
	for _, u := range units(t) {
		all[u.ImportPath] = u
	}
	var reach func(path string, way []string, see func(std string, way []string), seen map[string]bool)
	reach = func(path string, way []string, see func(string, []string), seen map[string]bool) {
		if seen[path] {
			return
		}
		seen[path] = true
		for _, i := range all[path].Imports {
			if folderOf(i) != "" {
				reach(i, append(slices.Clone(way), i), see, seen)
			} else {
				see(i, way)
			}
		}
	}
	for _, b := range bans() {
		path := Module + "/" + b.of
		if _, ok := all[path]; !ok {
			t.Errorf("a ban is about %s, which is not there", b.of)
		}
		reach(path, []string{path}, func(std string, way []string) {
			if insideAny(std, b.std) {
				t.Errorf("%s reaches %s by %s: %s", b.of, std, strings.Join(way, " -> "), b.why)
			}
		}, map[string]bool{})
	}
}

// Every package says what it is for; a rule about a package that is gone is
// removed.
func TestPackages(t *testing.T) {
	there := map[string]bool{}
	for _, u := range units(t) {
		there[u.folder()] = true
		if len(u.GoFiles) > 0 && u.Doc == "" {
			t.Errorf("%s has no package comment: say what it is for and what it never does", u.folder())
		}
	}
	for _, e := range edges() {
		if !there[e.from] || !there[e.to] || e.why == "" {
			t.Errorf("the edge %s -> %s is about a package that is not there, or has no reason", e.from, e.to)
		}
	}
	for _, b := range bounds() {
		if !there[b.of] || b.why == "" {
			t.Errorf("the bound of %s is about a package that is not there, or has no reason", b.of)
		}
	}
}
