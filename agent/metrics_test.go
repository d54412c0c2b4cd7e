package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// The numbers are there for this machine and for a token of every site, for
// nobody else, and they are what promtool accepts.
func TestMetrics(t *testing.T) {
	p := startAgent(t, t.TempDir())
	all := p.command("token", "add", "all", "--role", "viewer")
	one := p.command("token", "add", "one", "--role", "viewer", "--site", "ranta")
	status, text := p.get("/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("from this machine: %d %s", status, text)
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint() // what "promtool check metrics" runs
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	for _, want := range []string{"yhteiskone_store_bytes ", "yhteiskone_store_failing 0", "yhteiskone_backup_timestamp_seconds 0",
		"yhteiskone_connections ", "yhteiskone_kiosks_connected 0", "go_goroutines ", "process_resident_memory_bytes ", "yhteiskone_start_timestamp_seconds 1"} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	if !strings.HasPrefix(string(text), "# HELP") {
		t.Errorf("%.80s", text)
	}
	for name, c := range map[string]struct {
		token  string
		header []string
		want   int
	}{
		"a token of all":           {all, nil, http.StatusOK},
		"a token of one site":      {one, nil, http.StatusForbidden},
		"a wrong token":            {"yk_WRONG", nil, http.StatusUnauthorized},
		"through an unknown proxy": {"", []string{"X-Forwarded-For", "127.0.0.1"}, http.StatusUnauthorized},
		"through a proxy, token":   {all, []string{"X-Forwarded-For", "127.0.0.1"}, http.StatusOK},
	} {
		if status, _ := p.get("/metrics", c.token, c.header...); status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
	}
	if _, text := p.get("/metrics", ""); !strings.Contains(string(text), `yhteiskone_http_requests_total{code="403",to="GET /metrics"} 1`) {
		t.Errorf("requests are not counted:\n%s", text)
	}
	p.get("/"+strings.Repeat("x", 50), "")
	if _, text := p.get("/metrics", ""); strings.Contains(string(text), "xxxx") {
		t.Error("a path that anybody chooses became a label")
	}
}

// Every answer carries what browsers must know, also those that are no page.
func TestEveryAnswerHasHeaders(t *testing.T) {
	p := startAgent(t, t.TempDir())
	for _, path := range []string{"/", "/sign-in", "/healthz", "/readyz", "/metrics", "/link", "/api/v1/kiosks", "/api/none", "/none", "/static/none", "/enrol"} {
		resp, err := p.http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, resp.Header)
		}
		if h := resp.Header.Get("Strict-Transport-Security"); h != "" {
			t.Errorf("%s: %q with a certificate that browsers do not know", path, h)
		}
	}
}

// Behind a proxy of which nobody told the agent nobody counts as this machine.
func TestMetricsBehindUnnamedProxy(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "agent.toml")
	if err := os.WriteFile(conf, []byte("address = \"https://agent.example.fi\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, filepath.Join(dir, "data"), "--config", conf, "--plain-http")
	if status, _ := p.get("/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	if status, _ := p.get("/metrics", p.command("token", "add", "all", "--role", "viewer")); status != http.StatusOK {
		t.Errorf("with one: %d", status)
	}
}

// Behind a named proxy it is the client that is held back, not the proxy; what
// clients write into headers themselves counts for nothing.
func TestBehindProxy(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "agent.toml")
	if err := os.WriteFile(conf, []byte("proxies = [\"127.0.0.1\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, filepath.Join(dir, "data"), "--config", conf)
	if status, _ := p.get("/metrics", "", "X-Forwarded-For", "127.0.0.1"); status != http.StatusUnauthorized {
		t.Errorf("the numbers through the proxy: %d", status)
	}
	wrong := func(from string) int {
		status, _ := p.do(http.MethodPost, "/enrol", "", []byte(`{}`), "X-Forwarded-For", from)
		return status
	}
	for range 10 {
		wrong("6.6.6.6, 203.0.113.5") // the same client under another name each time
	}
	if status := wrong("7.7.7.7, 203.0.113.5"); status != http.StatusTooManyRequests {
		t.Errorf("the eleventh wrong attempt: %d", status)
	}
	if status := wrong("203.0.113.6"); status != http.StatusBadRequest {
		t.Errorf("another client of the same proxy: %d", status)
	}
}
