package browser

import (
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yhteiskone/kiosk/session"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s changed (-want +got); if it should, run the test with -update\n%s", path, d)
	}
}

func testMark() session.Mark {
	return session.Mark{Token: strings.Repeat("a", 32), Canary: strings.Repeat("b", 32)}
}

func TestArgs(t *testing.T) {
	all, err := contents(testMark(), session.Setup{Lang: "sv", Comfort: session.Comfort{Size: 150}}, []byte("cookie"), 1001, 1002)
	if err != nil {
		t.Fatal(err)
	}
	h := hand{files: make([]*os.File, 2)}
	given, err := h.give(all)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { h.files = h.files[2:]; h.close() }()
	s := Sandbox{Chromium: DefaultChromium, Display: 81, Locale: "sv", Contrast: true, Policies: "/run/yhteiskone/policy-1", Token: testMark().Token, Width: 1366, Height: 696,
		Page: "http://127.0.0.1:1/start?t=x", Given: given, Etc: etcFiles(), Masked: maskedPrograms(), Ready: 3, Info: 4, Way: 5,
		Launcher: "/usr/bin/kiosk", Memory: 4 << 30}
	args := Args(s)
	golden(t, "args.golden", strings.Join(args, "\n")+"\n")
	if !slices.Equal(args, Args(s)) {
		t.Error("the same sandbox gave other arguments")
	}
	for _, need := range []string{"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--die-with-parent",
		"--new-session", "--clearenv", "--disable-backgrounding-occluded-windows"} {
		if !slices.Contains(args, need) {
			t.Errorf("%s is missing", need)
		}
	}
	for i, a := range args {
		if a == "--dev-bind" && slices.Contains(devices(), args[i+1]) {
			continue
		}
		for _, never := range []string{"sandbox=", "-sandbox", "remote-debugging", "enable-automation", "--share-", "--dev", "--bind"} {
			if strings.Contains(a, never) {
				t.Errorf("%q is among the arguments", a)
			}
		}
		if strings.Contains(a, testMark().Canary) {
			t.Error("the canary is among the arguments, where everybody can read it")
		}
	}
}

func TestContents(t *testing.T) {
	all, err := contents(testMark(), session.Setup{}, nil, 1001, 1002)
	if err != nil {
		t.Fatal(err)
	}
	planted := 0
	for _, c := range all {
		if strings.Contains(string(c.data), testMark().Canary) {
			planted++
		}
		if c.path == insideCookie {
			t.Error("a cookie was made of nothing")
		}
		if strings.HasPrefix(c.path, "/etc/") && !c.readOnly {
			t.Errorf("%s can be changed from inside", c.path)
		}
	}
	if planted != 3 {
		t.Errorf("%d canaries are planted, want one each in home, /tmp and /dev/shm", planted)
	}
}

func TestDisplayNumber(t *testing.T) {
	for _, bad := range []string{"", ":", "0", "localhost:10.0", ":x", ":-1", ":70000", "wayland-0"} {
		if n, err := displayNumber(bad); err == nil {
			t.Errorf("%q was taken for %d", bad, n)
		}
	}
	if _, err := displayNumber(":64999"); err == nil || !strings.Contains(err.Error(), "no X server") {
		t.Errorf("a display without a server: %v", err)
	}
}

// testPolicies are both modes.
func testPolicies() map[string]Policy {
	p := Policy{Pages: "http://127.0.0.1:1", Extension: strings.Repeat("a", 32), SearchName: "Haku",
		SearchURL: "https://search.example/?q={searchTerms}", Blocked: []string{"*.casino.example"}}
	p.Allow = []string{"www.kela.fi", "*.suomi.fi", "pankki.localhost", "www.casino.example"}
	errands := p
	errands.Errands = true
	return map[string]Policy{"open": p, "errands": errands}
}

func TestRules(t *testing.T) {
	for mode, p := range testPolicies() {
		t.Run(mode, func(t *testing.T) {
			rules := p.Rules()
			b, err := JSON(rules, p.Extension, said{Pages: p.Pages, Sizes: []int{100}})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "policy-"+mode+".golden", string(b)+"\n")
			stopped := map[int]bool{}
			for _, r := range rules {
				if r.Why == "" {
					t.Errorf("%s: nobody says why", r.Name)
				}
				for _, n := range r.Stops {
					stopped[n] = true
					if attempts()[n] == "" {
						t.Errorf("%s stops %d, which is no attempt that a policy stops", r.Name, n)
					}
				}
			}
			for n, what := range attempts() {
				if !stopped[n] {
					t.Errorf("nothing stops %d, %s", n, what)
				}
			}
			if _, err := JSON(append(rules, rules[0]), p.Extension, nil); err == nil {
				t.Error("a policy that is there twice was let through")
			}
		})
	}
}

// What a policy claims to stop, and nothing else: the rest of the 47 is
// stopped by the sandbox, the door, the window manager or the image, and is
// tried there.
func TestAttemptsOfPolicy(t *testing.T) {
	var claimed []int
	for n := range attempts() {
		claimed = append(claimed, n)
	}
	slices.Sort(claimed)
	want := []int{1, 2, 3, 4, 5, 6, 8, 13, 15, 17, 18, 19, 20, 21, 22, 24, 25, 26, 28, 42, 44, 45, 46, 47}
	if !slices.Equal(claimed, want) {
		t.Errorf("policies claim to stop %v, want %v", claimed, want)
	}
}

// The ways out are tried in errands mode only where the modes may differ: they
// differ in where one may go and in what the address bar does with words.
func TestModesDifferInAddressesOnly(t *testing.T) {
	p := Policy{Pages: "http://127.0.0.1:1", Extension: "abc", SearchName: "a", SearchURL: "https://a.example/?q={searchTerms}", Blocked: []string{"b.example"}}
	open := map[string]any{}
	for _, r := range p.Rules() {
		open[r.Name] = r.Value
	}
	p.Errands, p.Allow = true, []string{"c.example"}
	var differ []string
	for _, r := range p.Rules() {
		if was, ok := open[r.Name]; !ok || !reflect.DeepEqual(was, r.Value) {
			differ = append(differ, r.Name)
		}
		delete(open, r.Name)
	}
	slices.Sort(differ)
	want := []string{"DefaultSearchProviderName", "DefaultSearchProviderSearchURL", "URLAllowlist", "URLBlocklist"}
	if len(open) > 0 || !slices.Equal(differ, want) {
		t.Errorf("errands mode differs in %q, and lacks %v", differ, open)
	}
}
