package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
	"yhteiskone/provision/enrol"
)

// fakeAgent answers enrolments and remembers what it was asked.
type fakeAgent struct {
	identity *identity.Agent
	handler  http.Handler
	url      string
	asked    []wire.EnrolmentRequest
	tokens   []string
	revoked  []string
	answer   func(http.ResponseWriter) bool // true if it answered
}

var expires = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func newAgent(t *testing.T) *fakeAgent {
	t.Helper()
	id, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	a := &fakeAgent{identity: id}
	mux := http.NewServeMux()
	a.more(t, mux)
	mux.HandleFunc("POST "+wire.EnrolmentsPath, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		ask, err := wire.DecodeBody[wire.EnrolmentRequest](body)
		if err != nil {
			t.Errorf("the agent was asked %s: %v", body, err)
		}
		a.asked = append(a.asked, ask)
		a.tokens = append(a.tokens, r.Header.Get("Authorization"))
		if a.answer != nil && a.answer(w) {
			return
		}
		if ask.Once && !a.first(ask) {
			w.WriteHeader(http.StatusConflict)
			json.NewEncoder(w).Encode(wire.Refusal{Code: wire.RefusedThere, Text: "It is there."})
			return
		}
		out, err := wire.EncodeBody(a.made(ask))
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		w.Write(out)
	})
	a.handler = mux
	l, err := tls.Listen("tcp", "127.0.0.1:0", id.Certificates().Config())
	if err != nil {
		t.Fatal(err)
	}
	a.url = "https://" + l.Addr().String()
	server := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return a
}

func provision(t *testing.T, args ...string) (stdout string, code int, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	err = run(t.Context(), args, func(string) string { return "" }, &out, &errOut)
	return out.String(), exitCode(err), err
}

func (a *fakeAgent) args(out string, more ...string) []string {
	return append([]string{"enrol", "--agent", a.url, "--pin", string(a.identity.Pin()), "--token", "t0ken",
		"--site", "illusia", "--name", "Kone 3", "--out", out}, more...)
}

func TestEnrolWritesTheJoinFile(t *testing.T) {
	a := newAgent(t)
	out := filepath.Join(t.TempDir(), "join.toml")
	said, code, err := provision(t, a.args(out, "--place", "aula", "--site-name", "Illusia", "--ttl", "20m")...)
	if code != 0 {
		t.Fatalf("exit %d: %v", code, err)
	}
	want := []wire.EnrolmentRequest{{Site: "illusia", SiteName: "Illusia", Name: "Kone 3", Place: "aula", Uses: 1, TTLS: 1200}}
	if d := cmp.Diff(want, a.asked); d != "" || a.tokens[0] != "Bearer t0ken" {
		t.Errorf("asked with %q:\n%s", a.tokens, d)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var join enrol.Join
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&join); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(enrol.Join{Agent: a.url, Pin: string(a.identity.Pin()), Code: "ABCD-EFGH-0123",
		Name: "Kone 3", Expires: expires}, join); d != "" {
		t.Error(d)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if !strings.Contains(said, out) || strings.Contains(said, "ABCD") {
		t.Errorf("it said %q", said)
	}
}

func TestEnrolKeepsAnExistingFile(t *testing.T) {
	a := newAgent(t)
	out := filepath.Join(t.TempDir(), "join.toml")
	if err := os.WriteFile(out, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code, err := provision(t, a.args(out)...); code != 2 || !strings.Contains(err.Error(), "--out") {
		t.Errorf("exit %d: %v", code, err)
	}
	if len(a.asked) != 0 {
		t.Error("a code was spent for nothing")
	}
	if _, code, err := provision(t, a.args(out, "--force")...); code != 0 {
		t.Errorf("with --force exit %d: %v", code, err)
	}
	if text, err := os.ReadFile(out); err != nil || !strings.Contains(string(text), "ABCD-EFGH-0123") {
		t.Errorf("the file holds %q, %v", text, err)
	}
	// one that comes while the agent answers stays as well
	late := filepath.Join(t.TempDir(), "join.toml")
	a.answer = func(http.ResponseWriter) bool {
		if err := os.WriteFile(late, []byte("quicker"), 0o600); err != nil {
			t.Error(err)
		}
		return false
	}
	if _, code, _ := provision(t, a.args(late)...); code != 1 {
		t.Errorf("exit %d", code)
	}
	if text, err := os.ReadFile(late); err != nil || string(text) != "quicker" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestEnrolOverTheSocket(t *testing.T) {
	a := newAgent(t)
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: a.handler}
	go local.Serve(l)
	defer local.Close()
	out := filepath.Join(dir, "join.toml")
	if _, code, err := provision(t, "enrol", "--socket", socket, "--site", "illusia", "--name", "Kone 3", "--out", out); code != 0 {
		t.Fatalf("exit %d: %v", code, err)
	}
	if a.tokens[0] != "" {
		t.Errorf("the socket was given the token %q", a.tokens[0])
	}
	if _, err := os.Stat(out); err != nil {
		t.Error(err)
	}
}

// Wrong input names the flag, ends with 2, asks nobody and leaves no file.
func TestEnrolWrongInput(t *testing.T) {
	a := newAgent(t)
	for _, c := range []struct {
		args []string // appended: the last of a flag counts
		says string
	}{
		{[]string{"--site", ""}, "--site is missing"},
		{[]string{"--site", "Illusia!"}, "--site is not an identifier"},
		{[]string{"--site-name", strings.Repeat("x", 61)}, "--site-name is longer"},
		{[]string{"--name", ""}, "--name is missing"},
		{[]string{"--name", "Kone\n3"}, "--name holds a character"},
		{[]string{"--place", "\x1b"}, "--place holds a character"},
		{[]string{"--notes", strings.Repeat("x", 201)}, "--notes is longer than 200 characters"},
		{[]string{"--ttl", "1s"}, "--ttl is 1"},
		{[]string{"--ttl", "soon"}, "ttl"},
		{[]string{"--agent", ""}, "--agent is missing"},
		{[]string{"--agent", "agent.example.org"}, "--agent"},
		{[]string{"--agent", "http://agent.example.org"}, "--agent begins with http://"},
		{[]string{"--agent", "https://u:p@agent.example.org"}, "--agent"},
		{[]string{"--pin", ""}, "--pin is missing"},
		{[]string{"--pin", "xyz"}, "--pin is wrong"},
		{[]string{"--token", ""}, "--token is missing"},
		{[]string{"--socket", "s"}, "--socket stands instead"},
		{[]string{"--out", ""}, "--out is missing"},
		{[]string{"--out", "/nowhere/at/all/join.toml"}, "--out cannot be written"},
		{[]string{"--colour", "red"}, "colour"},
		{[]string{"Kone 3"}, `"Kone 3" belongs to no flag`},
	} {
		dir := t.TempDir()
		_, code, err := provision(t, a.args(filepath.Join(dir, "join.toml"), c.args...)...)
		if code != 2 || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: exit %d: %v", c.args, code, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%q left %v", c.args, left)
		}
	}
	if len(a.asked) != 0 {
		t.Error("the agent was asked")
	}
	for _, args := range [][]string{nil, {"image"}, {"key"}} {
		if _, code, err := provision(t, args...); code != 2 {
			t.Errorf("provision %v: exit %d: %v", args, code, err)
		}
	}
}

func TestEnrolRefused(t *testing.T) {
	a := newAgent(t)
	other := newAgent(t)
	refuse := func(status int, code string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(wire.Refusal{Code: code, Text: "It cannot be.", Todo: "Do this."})
			return true
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter) bool
		args   []string
		code   int
		says   string
	}{
		"input":         {refuse(400, wire.RefusedInput), nil, 2, "It cannot be. Do this."},
		"token":         {refuse(403, wire.RefusedAccess), nil, 1, "It cannot be. Do this."},
		"often":         {refuse(429, wire.RefusedOften), nil, 3, "It cannot be. Do this."},
		"store":         {refuse(503, wire.RefusedStore), nil, 3, "It cannot be. Do this."},
		"no agent":      {func(w http.ResponseWriter) bool { w.WriteHeader(404); return true }, nil, 1, "404"},
		"elsewhere":     {func(w http.ResponseWriter) bool { w.Header().Set("Location", "/x"); w.WriteHeader(307); return true }, nil, 1, "307"},
		"nonsense":      {func(w http.ResponseWriter) bool { w.WriteHeader(201); w.Write([]byte("ok")); return true }, nil, 1, "cannot be read"},
		"nobody there":  {nil, []string{"--agent", "https://127.0.0.1:1"}, 3, "cannot be reached"},
		"another agent": {nil, []string{"--pin", string(other.identity.Pin())}, 3, "cannot be reached"},
	} {
		a.answer = c.answer
		dir := t.TempDir()
		_, code, err := provision(t, a.args(filepath.Join(dir, "join.toml"), c.args...)...)
		if code != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: exit %d: %v", name, code, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s left %v", name, left)
		}
	}
}
