package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"yhteiskone/agent/simulate"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// Every line's keys are on the list.
func TestLogKeys(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			first := map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "Log": 3}[fun.Sel.Name]
			of := ""
			switch x := fun.X.(type) {
			case *ast.SelectorExpr:
				of = x.Sel.Name
			case *ast.Ident:
				of = x.Name
			}
			if first == 0 || !strings.EqualFold(of, "log") {
				return true
			}
			for i := first; i < len(call.Args); i += 2 {
				lit, ok := call.Args[i].(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: a key that is no word", set.Position(call.Pos()))
					continue
				}
				key, err := strconv.Unquote(lit.Value)
				if err != nil || !slices.Contains(logKeys(), key) {
					t.Errorf("%s: the key %s is not in logKeys", set.Position(call.Pos()), lit.Value)
				}
				used[key] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range logKeys() {
		if !used[key] {
			t.Errorf("no line has the key %q; take it off the list", key)
		}
	}
}

func TestRedacted(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := newLog(&out, logConfig{Format: format})
		log.Info("x", "why", errors.New("bad token yk_ABCDEFGHIJKLMNOP234567"), "name", "0123-ABCD-EFGH", "file", "$argon2id$v=19$m=1", "kiosk", "kaaaaaaaaaaaa")
		if text := out.String(); strings.Contains(text, "ABCD") || strings.Contains(text, "v=19") || strings.Count(text, "[secret]") != 3 || !strings.Contains(text, "kaaaaaaaaaaaa") {
			t.Errorf("%s", text)
		}
	}
}

// locked is a buffer that many may write to.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Nothing secret is in any line, at any level, whatever people and kiosks do;
// nor in any address that the agent sends them to.
func TestNoSecretInLogOrURL(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "agent.toml")
	if err := os.WriteFile(conf, []byte("[log]\nlevel = \"debug\"\nformat = \"json\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &locked{}
	p := startAgentTo(t, log, filepath.Join(dir, "data"), "--config", conf)
	code := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(p.command("user", "add", "Satu", "--role", "staff"))
	bearer := p.command("token", "add", "monitor", "--role", "viewer")
	e := p.enrolment(2)
	const password, wrong = "kolme punaista omenaa", "neljä väärää päärynää"

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var went []string
	person := &http.Client{Transport: p.http.Transport, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		went = append(went, r.URL.String())
		return nil
	}}
	form := func(path string, v url.Values) {
		resp, err := person.PostForm(p.url+path, v)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	form("/invite", url.Values{"name": {"Satu"}, "code": {"0000-1111-2222"}, "new": {password}, "again": {password}})
	form("/invite", url.Values{"name": {"Satu"}, "code": {code}, "new": {password}, "again": {password}})
	form("/account/password", url.Values{"old": {wrong}, "new": {password}, "again": {password}})
	form("/sign-out", nil)
	form("/sign-in?next=/kiosks/x", url.Values{"name": {"Satu"}, "password": {wrong}})
	form("/sign-in", url.Values{"name": {"Satu"}, "password": {password}})
	p.get("/api/v1/kiosks?token="+bearer, bearer)
	p.get("/api/v1/kiosks/"+bearer, bearer+"x")
	p.get("/"+code+"?password="+url.QueryEscape(password), "")
	p.do(http.MethodPost, wire.EnrolPath, "", []byte(`{"code":"`+e.Code+`","public_key":"x"}`))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	connected := make(chan struct{}, 1)
	go func() {
		done <- simulate.Run(ctx, simulate.Config{Agent: e.Agent, Pin: identity.Pin(e.Pin), Codes: []string{e.Code}, Kiosks: 2, Steady: true,
			Told: func(string) {
				select {
				case connected <- struct{}{}:
				default:
				}
			}})
	}()
	<-connected
	cancel()
	<-done
	home, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{password, wrong, code, bearer, strings.TrimPrefix(bearer, "yk_"), e.Code, url.QueryEscape(password)}
	for _, c := range jar.Cookies(home) {
		if c.Name != "lang" {
			secrets = append(secrets, c.Value)
		}
	}
	if resp, err := person.Get(p.url + "/account"); err != nil {
		t.Error(err)
	} else if resp.Body.Close(); resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/account" {
		t.Errorf("nobody is signed in: %d at %s", resp.StatusCode, resp.Request.URL)
	}
	if len(secrets) < 8 || len(went) < 3 {
		t.Errorf("nobody was signed in: %v, %v", jar.Cookies(home), went)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	if !strings.Contains(text, `"msg":"request"`) || !strings.Contains(text, "kiosk enrolled") {
		t.Fatalf("the log says too little to be looked through:\n%s", text)
	}
	for _, secret := range secrets {
		for what, where := range map[string]string{"the log": text, "an address": strings.Join(went, "\n")} {
			if strings.Contains(where, secret) {
				t.Errorf("%q is in %s:\n%s", secret, what, where)
			}
		}
	}
	for line := range strings.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%q is no JSON: %v", line, err)
		}
		for key := range fields {
			if !slices.Contains(append(logKeys(), slog.TimeKey, slog.LevelKey, slog.MessageKey), key) {
				t.Errorf("the key %q in %s", key, line)
			}
		}
	}
}
