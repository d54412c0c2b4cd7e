package browser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"yhteiskone/kiosk/browser"
)

// victim is something that listens where the client's browser must not get.
type victim struct {
	address netip.AddrPort
	reached atomic.Int64
}

func newVictim(t *testing.T, address string) *victim {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{address: netip.MustParseAddrPort(l.Addr().String())}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		io.WriteString(w, "you are in")
	}), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			v.reached.Add(1)
		}
	}}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return v
}

// attackPage tries every way in which a page can make a browser connect, to
// every address, and then says what it has seen.
const attackPage = `<!doctype html><meta charset=utf-8><title>x</title><body><script>
const hosts = %s, said = {online: navigator.onLine, opened: [], tried: 0};
const limit = ms => new Promise(ok => setTimeout(ok, ms));
async function attack(host) {
  const opened = how => said.opened.push(how + ' ' + host);
  const url = 'http://' + host + '/';
  const tag = (name, at) => new Promise(ok => {
    const e = document.createElement(name);
    e.onload = () => { if (name !== 'iframe') opened(name); ok() }; e.onerror = ok;
    e[at] = url; if (name === 'link') e.rel = 'stylesheet'; if (name === 'object') e.type = 'text/html';
    document.body.append(e);
  });
  const socket = new Promise(ok => { try { const w = new WebSocket('ws://' + host + '/'); w.onopen = () => { opened('socket'); ok() }; w.onerror = ok } catch (e) { ok() } });
  const events = new Promise(ok => { const s = new EventSource(url); s.onopen = () => { opened('events'); ok() }; s.onerror = () => { s.close(); ok() } });
  navigator.sendBeacon(url, 'x');
  await Promise.race([limit(8000), Promise.all([
    fetch(url).then(() => opened('fetch'), () => 0), fetch(url, {mode: 'no-cors'}).then(() => opened('no-cors'), () => 0),
    tag('img', 'src'), tag('iframe', 'src'), tag('script', 'src'), tag('link', 'href'), tag('object', 'data'), socket, events])]);
  said.tried++;
}
(async () => {
  for (const host of hosts) await attack(host);
  await fetch('/told', {method: 'POST', body: JSON.stringify(said)});
})();
</script>`

// A page of the web reaches nothing on this machine and nothing in the house's
// network, however it names it; the service that the errand needs is reached.
func TestBrowserReachesNothingNear(t *testing.T) {
	d := newDesk(t)
	victims := []*victim{newVictim(t, "127.0.0.1:0"), newVictim(t, "[::1]:0")}
	port := victims[0].address.Port()
	hosts := []string{victims[0].address.String(), victims[1].address.String()}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if p := netip.MustParsePrefix(a.String()); !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			v := newVictim(t, netip.AddrPortFrom(p.Addr(), 0).String())
			victims, hosts = append(victims, v), append(hosts, v.address.String())
		}
	}
	six := victims[1].address.Port()
	for _, h := range []string{"0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.53", "localhost", "a.localhost",
		"localhost.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]"} {
		hosts = append(hosts, fmt.Sprintf("%s:%d", h, port))
	}
	hosts = append(hosts, fmt.Sprintf("localhost:%d", six), fmt.Sprintf("ip6-localhost:%d", six), "192.168.1.1", "169.254.169.254")
	if name, err := os.Hostname(); err == nil { // a name that leads to this machine
		hosts = append(hosts, fmt.Sprintf("%s:%d", name, port))
	}
	list, err := json.Marshal(hosts)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b, _ := io.ReadAll(r.Body)
			heard <- string(b)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, attackPage, list)
	}))
	t.Cleanup(site.Close)
	d.reach = append(d.reach, netip.MustParseAddrPort(site.Listener.Addr().String()))
	// Without the policy that stops such pages too: the wall alone must hold.
	o := d.options().WithRules(func(p browser.Policy) []browser.Rule {
		var rules []browser.Rule
		for _, r := range p.Rules() {
			if r.Name != "LocalNetworkAccessBlockedForUrls" {
				rules = append(rules, r)
			}
		}
		return rules
	})
	r := start(t, newBrowser(t, o), begin(t, d.wiper(t)))
	if err := r.Open(site.URL + "/"); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Online bool
		Opened []string
		Tried  int
	}
	select {
	case text := <-heard:
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			t.Fatal(err)
		}
	case <-time.After(4 * time.Minute):
		t.Fatal("the page did not end its attacks")
	}
	if !said.Online {
		t.Error("the page is told that it is offline")
	}
	if said.Tried != len(hosts) || len(said.Opened) > 0 {
		t.Errorf("%d of %d tried, reached: %q", said.Tried, len(hosts), said.Opened)
	}
	for _, v := range victims {
		if n := v.reached.Load(); n != 0 {
			t.Errorf("%v was reached %d times", v.address, n)
		}
	}
}

// Nothing of the outer network is inside: what lies in the sandbox cannot
// connect even without the browser.
func TestBrowserNetworkIsEmpty(t *testing.T) {
	d := newDesk(t)
	r := start(t, newBrowser(t, d.options()), begin(t, d.wiper(t)))
	_, first := browser.Pids(r)
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", first)); err != nil || theirs == ours {
		t.Errorf("the network namespace is %q, ours is %q: %v", theirs, ours, err)
	}
	links, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", first))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(links)) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name != "lo" && name != "kiosk0" {
			t.Errorf("there is an interface %s inside", name)
		}
	}
	// Sockets of the outer network, X's abstract one among them, are not seen.
	sockets, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/unix", first))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sockets), "@/tmp/.X11-unix") {
		t.Error("the abstract X socket is seen inside")
	}
}

// Who has no more than the session's X cookie can neither look at the screen
// nor hear or press keys.
func TestBrowserUntrustedCookie(t *testing.T) {
	d := newDesk(t)
	data, release, err := d.display.UntrustedCookie()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	path := filepath.Join(t.TempDir(), "cookie")
	if out, err := exec.Command("xauth", "-q", "-f", path, "add", d.name, ".", fmt.Sprintf("%x", data)).CombinedOutput(); err != nil {
		t.Fatalf("xauth: %v: %s", err, out)
	}
	for _, command := range [][]string{{"xwd", "-root", "-silent", "-out", os.DevNull}, {"import", "-window", "root", "png:" + os.DevNull},
		{"xdotool", "key", "a"}, {"xinput", "list"}} {
		if _, err := exec.LookPath(command[0]); err != nil {
			continue // each of them shows another way; one is always there
		}
		for cookie, want := range map[string]bool{d.cookies: true, path: false} {
			cmd := exec.Command("timeout", append([]string{"10"}, command...)...)
			cmd.Env = append(os.Environ(), "XAUTHORITY="+cookie)
			out, err := cmd.CombinedOutput()
			// xdotool says so and ends well
			worked := err == nil && !strings.Contains(string(out), "XTEST") && !strings.Contains(string(out), "not available")
			if worked != want {
				t.Errorf("%q with the right to it %v: worked %v: %v %.200s", command, want, worked, err, out)
			}
		}
	}
}
