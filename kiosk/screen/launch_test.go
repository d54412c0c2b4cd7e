package screen

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"yhteiskone/kiosk/session"
)

// lorcaDefaults are what lorca v0.1.10 puts before our own arguments.
var lorcaDefaults = strings.Fields(`--disable-background-networking --disable-background-timer-throttling
	--disable-backgrounding-occluded-windows --disable-breakpad --disable-client-side-phishing-detection --disable-default-apps
	--disable-dev-shm-usage --disable-infobars --disable-extensions --disable-features=site-per-process --disable-hang-monitor
	--disable-ipc-flooding-protection --disable-popup-blocking --disable-prompt-on-repost --disable-renderer-backgrounding
	--disable-sync --disable-translate --disable-windows10-custom-titlebar --metrics-recording-only --no-first-run
	--no-default-browser-check --safebrowsing-disable-auto-update --enable-automation --password-store=basic --use-mock-keychain
	--app=http://127.0.0.1:5/TOKEN/ --user-data-dir=/tmp/lorca1 --window-size=1366,768`)

func TestLaunchCleansArguments(t *testing.T) {
	args := append(slices.Clone(lorcaDefaults), argParent+"42", argOrigin+"http://127.0.0.1:5", argChromium+"/usr/bin/c", argUnit+"/run/units/shell",
		"--remote-allow-origins=*", "--remote-debugging-port=0")
	o, err := parseLaunch(args)
	if err != nil || o.parent != 42 || o.origin != "http://127.0.0.1:5" || o.chromium != "/usr/bin/c" || o.unit != "/run/units/shell" {
		t.Fatalf("%+v, %v", o, err)
	}
	got := chromiumArgs(o.args)
	for _, bad := range []string{"--enable-automation", "--disable-features=site-per-process", "--disable-popup-blocking",
		"--disable-ipc-flooding-protection", "--remote-allow-origins=*", "--user-data-dir=/tmp/lorca1", "--disable-dev-shm-usage"} {
		if slices.Contains(got, bad) {
			t.Errorf("%s is still there", bad)
		}
	}
	for _, good := range []string{"--remote-allow-origins=http://127.0.0.1", "--remote-debugging-port=0", "--class=" + Class,
		"--app=http://127.0.0.1:5/TOKEN/", "--user-data-dir=" + insideProfile, "--disable-backgrounding-occluded-windows", "--no-xshm"} {
		if !slices.Contains(got, good) {
			t.Errorf("%s is missing", good)
		}
	}
	for _, a := range got {
		if strings.HasPrefix(a, "--yhteiskone") || strings.Contains(a, "sandbox") {
			t.Errorf("%s must not reach Chromium", a)
		}
	}
}

func TestLaunchIsForTheKioskOnly(t *testing.T) {
	for _, args := range [][]string{nil, {argParent + "x", argOrigin + "o", argChromium + "c"}, {argParent + "4", argOrigin + "o"}} {
		if _, err := parseLaunch(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	if err := launch([]string{argParent + "1", argOrigin + "o", argChromium + "/bin/true"}); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("started for a parent that is not ours: %v", err)
	}
}

func TestSandbox(t *testing.T) {
	argv, err := sandbox{chromium: "/c", args: []string{"--x"}, display: ":86.0", preferences: 3, policy: 4, cookie: 5}.argv()
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Join(argv, " ")
	for _, want := range []string{"--unshare-pid", "--die-with-parent", "--clearenv", "--ro-bind /tmp/.X11-unix/X86 /tmp/.X11-unix/X86",
		"--perms 0600 --file 5 /home/shell/.Xauthority", "--tmpfs /home", "--setenv DISPLAY :86", "-- /c --x"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is missing in %s", want, line)
		}
	}
	if strings.Contains(line, "--ro-bind /etc /etc") || strings.Contains(line, "/etc/passwd") || slices.Contains(argv, "--bind") {
		t.Errorf("the shell sees too much: %s", line)
	}
	if clear, first := slices.Index(argv, "--clearenv"), slices.Index(argv, "--setenv"); clear > first {
		t.Error("the environment is cleared after it was set")
	}
	for _, d := range []string{"", "86", ":x", "host"} {
		if _, err := (sandbox{display: d}).argv(); err == nil {
			t.Errorf("display %q was accepted", d)
		}
	}
}

func TestPolicy(t *testing.T) {
	var p map[string]any
	if err := json.Unmarshal(policy("http://127.0.0.1:5"), &p); err != nil {
		t.Fatal(err)
	}
	if p["DeveloperToolsAvailability"] != 1.0 || p["URLAllowlist"].([]any)[0] != "http://127.0.0.1:5" || p["URLBlocklist"].([]any)[0] != "*" {
		t.Errorf("%v", p)
	}
}

func TestServer(t *testing.T) {
	s, err := serve()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	get := func(path, host string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if get("/", s.host).Code != http.StatusForbidden || get("/shell.js", s.host).Code != http.StatusForbidden {
		t.Error("something is given out before there is a token")
	}
	address, token := s.fresh()
	if address != "http://"+s.host+"/"+token+"/" || len(token) < 20 {
		t.Errorf("address %s", address)
	}
	for _, c := range []struct {
		path, host string
		want       int
	}{
		{"/" + token + "/", "evil.example", 403},
		{"/" + token + "/", "localhost:80", 403},
		{"/wrong/", s.host, 403},
		{"/" + token + "/", s.host, 200},
		{"/" + token + "/", s.host, 403}, // once
		{"/" + token + "/shell.js", s.host, 200},
		{"/" + token + "/shell.css", s.host, 200},
		{"/" + token + "/index.html", s.host, 404},
		{"/" + token + "/../" + token + "/shell.js", s.host, 404},
	} {
		w := get(c.path, c.host)
		if w.Code != c.want {
			t.Errorf("%s from %s: %d, want %d", c.path, c.host, w.Code, c.want)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", c.path, csp)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/"+token+"/shell.js", nil)
	r.Host = s.host
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("POST: %d", w.Code)
	}
	s.fresh()
	if get("/"+token+"/shell.js", s.host).Code != http.StatusForbidden {
		t.Error("an old token still opens")
	}
}

// Only what is on the list gets to the session.
func TestKnownPresses(t *testing.T) {
	r := renderer(t)
	s := &Screen{Config: Config{Catalogue: r.tiles}}
	for press, want := range map[[2]string]bool{
		{"tile", "kela"}: true, {"tile", "bank-op"}: true, {"tile", "bank"}: false, {"tile", ""}: false, {"tile", "https://x"}: false,
		{"language", "sv"}: true, {"language", "xx"}: false, {"language", ""}: false, {"end", ""}: true, {"end", "x"}: false,
		{"end_yes", ""}: true, {"done", ""}: true, {"reboot", ""}: false, {"", ""}: false,
	} {
		p := session.Press{What: press[0], Arg: press[1]}
		if got := s.known(p); got != want {
			t.Errorf("%+v: %v, want %v", p, got, want)
		}
	}
}
