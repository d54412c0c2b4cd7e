package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/session"
)

// listPolicies reads the table of chrome://policy, which lies in shadow trees.
const listPolicies = `(async () => {
  const deep = (root, name) => [...root.querySelectorAll('*')].flatMap(e =>
    (e.localName === name ? [e] : []).concat(e.shadowRoot ? deep(e.shadowRoot, name) : []));
  for (let i = 0; i < 100 && deep(document, 'policy-row').length < 3; i++) await new Promise(r => setTimeout(r, 50));
  return JSON.stringify(deep(document, 'policy-row').map(row => {
    const text = q => { const e = row.shadowRoot.querySelector(q); return e ? e.innerText.trim() : ''; };
    return { Name: text('.policy.row .name'), Value: text('.policy.row .value'), Status: text('.policy.row .messages'),
      More: [...row.shadowRoot.querySelectorAll('.errors.row, .warnings.row, .infos.row')].filter(e => !e.hidden).map(e => e.innerText.trim()).join(' | ') };
  }));
})()`

type policyRow struct{ Name, Value, Status, More string }

// Chromium says nothing when it does not know a policy or takes it no more.
// Its own list must show every one of ours as good.
func TestBrowserKnowsEveryPolicy(t *testing.T) {
	for _, mode := range []fleet.Mode{fleet.Open, fleet.Errands} {
		t.Run(string(mode), func(t *testing.T) { knowsEveryPolicy(t, mode) })
	}
}

func knowsEveryPolicy(t *testing.T, mode fleet.Mode) {
	d := newDesk(t)
	var ours []browser.Rule
	// The same table, but for the four rules that would forbid to look.
	open := map[string]any{"DeveloperToolsAvailability": 1, "RemoteDebuggingAllowed": true,
		"URLBlocklist": []string{"file://*"}}
	rules := func(p browser.Policy) []browser.Rule {
		all := p.Rules()
		ours = slices.Clone(all)
		for i, r := range all {
			if v, ok := open[r.Name]; ok {
				all[i].Value = v
			}
		}
		return all
	}
	port := freePort(t)
	o := d.options()
	o.Allow = func() []string { return []string{"www.kela.fi", "*.suomi.fi"} }
	b := newBrowser(t, o.WithRules(rules).WithFlags(fmt.Sprintf("--remote-debugging-port=%d", port), "--lang=en", "--remote-allow-origins=http://127.0.0.1"))
	r := startAs(t, b, begin(t, d.wiper(t)), session.Setup{Lang: "fi", Mode: mode, Blocked: []string{"*.casino.example"}})
	ctx, cancel := remote.NewAllocator(t.Context(), "ws://"+inward(t, r, port))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("chrome://policy")); err != nil {
		t.Fatal(err)
	}
	list, err := chromedp.Run(ctx, chromedp.Evaluate[string](listPolicies, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var rows []policyRow
	if err := json.Unmarshal([]byte(list), &rows); err != nil {
		t.Fatal(err)
	}
	seen := map[string]policyRow{}
	for _, r := range rows {
		seen[r.Name] = r
	}
	for _, rule := range ours {
		r, ok := seen[rule.Name]
		switch {
		case !ok:
			t.Errorf("%s: Chromium does not list it", rule.Name)
		case r.Status != "OK":
			t.Errorf("%s: Chromium says %q %s", rule.Name, r.Status, r.More)
		}
	}
	t.Logf("%d policies, %d listed", len(ours), len(rows))
	if len(rows) < len(ours) || !slices.ContainsFunc(rows, func(r policyRow) bool { return strings.Contains(r.Value, "Lataukset") }) {
		t.Errorf("the list was not read right: %.300s", list)
	}
}

// inward leads to a port inside the session's own network, which nothing of ours
// can reach otherwise; it returns where.
func inward(t *testing.T, r session.Running, port int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, first := browser.Pids(r)
	through := fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d && { cat <&3 & cat >&3; kill $!; }", port)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				c := exec.CommandContext(t.Context(), "nsenter", "--preserve-credentials", "--user", "--net", "--target", strconv.Itoa(first), "bash", "-c", through)
				c.Stdin, c.Stdout = conn, conn
				_ = c.Run()
			}()
		}
	}()
	return l.Addr().String()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
