package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/simulate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

func TestAPI(t *testing.T) {
	p := startAgent(t, t.TempDir())
	token := p.command("token", "add", "monitor", "--role", "viewer")
	elsewhere := p.command("token", "add", "tori", "--role", "viewer", "--site", "tori")
	for _, wrong := range []string{"", "yk_WRONG", token + "x"} {
		if status, text := p.get("/api/v1/kiosks", wrong); status != http.StatusUnauthorized || !strings.Contains(string(text), "not_allowed") {
			t.Errorf("token %q: %d %s", wrong, status, text)
		}
	}
	if status, text := p.get("/api/v1/kiosks", token); status != 200 || strings.TrimSpace(string(text)) != "[]" {
		t.Errorf("before the first: %d %s", status, text)
	}
	e := p.enrolment(12)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- simulate.Run(ctx, simulate.Config{Agent: e.Agent, Pin: identity.Pin(e.Pin), Codes: []string{e.Code}, Kiosks: 12, Seed: 7})
	}()
	var all []map[string]any
	statuses := map[string]int{}
	eventually(t, "varied statuses", func() bool {
		_, text := p.get("/api/v1/kiosks", token)
		all = nil
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		clear(statuses)
		proofs := 0
		for _, k := range all {
			statuses[k["status"].(string)]++
			if k["last_proof"] != nil {
				proofs++
			}
		}
		return statuses["free"]+statuses["in_use"] > 5 && statuses["out_of_order"] == 1 && statuses["out_of_service"] == 1 &&
			statuses["needs_attention"]+statuses["in_use"] > 0 && statuses["no_connection"] == 0 && proofs == 12
	})
	var id string
	for _, k := range all {
		for _, field := range []string{"id", "name", "site", "status", "since", "last_seen", "faults", "last_proof"} {
			if _, ok := k[field]; !ok || len(k) != 8 {
				t.Fatalf("%s is missing, or something is too much: %v", field, k)
			}
		}
		for _, field := range []string{"since", "last_seen"} {
			if at, err := time.Parse(time.RFC3339, k[field].(string)); err != nil || at.Location() != time.UTC {
				t.Errorf("%s is %v", field, k[field])
			}
		}
		if k["status"] == "out_of_order" {
			id = k["id"].(string)
		}
	}
	_, text := p.get("/api/v1/kiosks/"+id, token, "Accept-Language", "sv-FI, en;q=0.5")
	var broken apiKiosk
	if err := json.Unmarshal(text, &broken); err != nil || broken.LastProof == nil || broken.LastProof.OK {
		t.Fatalf("%s: %v", text, err)
	}
	if f := broken.Faults; len(f) == 0 || f[0].Code != fleet.WipeUnverified || f[0].Severity != "error" || !strings.Contains(f[0].Text, "Datorn") || f[0].Todo == "" {
		t.Errorf("%+v", f)
	}
	if status, _ := p.get("/api/v1/kiosks/"+id, elsewhere); status != http.StatusNotFound {
		t.Errorf("a kiosk of another site: %d", status)
	}
	if _, text := p.get("/api/v1/kiosks", elsewhere); strings.TrimSpace(string(text)) != "[]" {
		t.Errorf("kiosks of another site: %s", text)
	}
	if _, text := p.get("/api/v1/sites", token); !strings.Contains(string(text), `{"id":"ranta","name":"Päiväkeskus Ranta","kiosks":12,"working":`) {
		t.Errorf("%s", text)
	}
	if status, text := p.get("/api/v1/nothing", token); status != 404 || !strings.Contains(string(text), "not_found") {
		t.Errorf("%d %s", status, text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	eventually(t, "all gone", func() bool {
		_, text := p.get("/api/v1/kiosks", token)
		return !strings.Contains(string(text), `"status":"free"`) && !strings.Contains(string(text), `"status":"in_use"`)
	})
}

// A technician's token makes codes over HTTPS; a viewer's does not.
func TestEnrolments(t *testing.T) {
	p := startAgent(t, t.TempDir())
	viewer := p.command("token", "add", "v", "--role", "viewer")
	technician := p.command("token", "add", "t", "--role", "technician")
	body, _ := wire.EncodeBody(wire.EnrolmentRequest{Site: "ranta", Name: "Kone", Uses: 1, TTLS: 600})
	if status, _ := p.do(http.MethodPost, wire.EnrolmentsPath, viewer, body); status != http.StatusForbidden {
		t.Errorf("a viewer: %d", status)
	}
	status, text := p.do(http.MethodPost, wire.EnrolmentsPath, technician, body)
	if e, err := wire.DecodeBody[wire.Enrolment](text); status != http.StatusCreated || err != nil || e.Agent != p.url {
		t.Errorf("a technician: %d %s %v", status, text, err)
	}
	for _, bad := range []string{`{}`, `{"site":"ranta","name":"` + strings.Repeat("x", 58) + `","uses":2,"ttl_s":600}`, strings.Repeat("x", 10000)} {
		status, text := p.do(http.MethodPost, wire.EnrolmentsPath, technician, []byte(bad))
		if r, err := wire.DecodeBody[wire.Refusal](text); status != 400 || err != nil || r.Code != wire.RefusedInput {
			t.Errorf("%.40s: %d %s", bad, status, text)
		}
	}
}

// Codes (one is there from the start) are listed without what they are, sent twice without doubling, and
// revoked; a place is taken over by name or identifier, of one's own site only.
func TestCodesOverTheAPI(t *testing.T) {
	p := startAgent(t, t.TempDir())
	all := p.command("token", "add", "t", "--role", "technician")
	tori := p.command("token", "add", "o", "--role", "technician", "--site", "tori")
	post := func(token string, r wire.EnrolmentRequest) (int, string) {
		t.Helper()
		body, err := wire.EncodeBody(r)
		if err != nil {
			t.Fatal(err)
		}
		status, text := p.do(http.MethodPost, wire.EnrolmentsPath, token, body)
		return status, string(text)
	}
	kone := wire.EnrolmentRequest{Site: "ranta", Name: "Kone 1", Place: "aula", Uses: 1, TTLS: 600, Once: true}
	_, made := post(all, kone)
	e, err := wire.DecodeBody[wire.Enrolment]([]byte(made))
	if err != nil {
		t.Fatal(made, err)
	}
	if status, text := post(all, kone); status != http.StatusConflict || !strings.Contains(text, wire.RefusedThere) {
		t.Errorf("twice: %d %s", status, text)
	}
	list := func(token string) (l wire.EnrolmentList, text string) {
		_, body := p.get(wire.EnrolmentsPath, token)
		if err := json.Unmarshal(body, &l); err != nil {
			t.Fatal(err)
		}
		return l, string(body)
	}
	l, text := list(all)
	if len(l) != 2 || l[0].ID != e.ID || l[0].Place != "aula" || strings.Contains(text, e.Code) {
		t.Errorf("%s", text)
	}
	if l, _ := list(tori); len(l) != 0 {
		t.Errorf("another site's: %+v", l)
	}
	revoke := func(token, id string) int {
		status, _ := p.do(http.MethodDelete, wire.EnrolmentsPath+"/"+id, token, nil)
		return status
	}
	if a, b, c := revoke(tori, e.ID), revoke(all, e.ID), revoke(all, e.ID); a != 404 || b != 204 || c != 404 {
		t.Errorf("revoked: %d by another site, %d, %d again", a, b, c)
	}
	replaces := wire.EnrolmentRequest{Replaces: "Kone 1", Uses: 1, TTLS: 600}
	if status, text := post(all, replaces); status != 404 || !strings.Contains(text, "no such kiosk") {
		t.Errorf("nobody's place: %d %s", status, text)
	}
	for _, site := range []fleet.SiteID{"ranta", "tori"} {
		_, made := post(all, wire.EnrolmentRequest{Site: site, Name: "Kone 1", Uses: 1, TTLS: 600})
		if e, err = wire.DecodeBody[wire.Enrolment]([]byte(made)); err != nil {
			t.Fatal(err)
		}
		ask, err := wire.EncodeBody(wire.EnrolRequest{Code: e.Code, PublicKey: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		if status, text := p.do(http.MethodPost, wire.EnrolPath, "", ask); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
	}
	if status, text := post(all, replaces); status != http.StatusConflict || !strings.Contains(text, "several kiosks") && !strings.Contains(text, "Several kiosks") {
		t.Errorf("a name of two: %d %s", status, text)
	}
	status, text := post(tori, replaces)
	if e, err := wire.DecodeBody[wire.Enrolment]([]byte(text)); status != 201 || err != nil || e.Site != "tori" || e.Name != "Kone 1" {
		t.Errorf("%d %s", status, text)
	}
	if l, _ := list(all); len(l) != 2 || !l[0].Replaces.Valid() {
		t.Errorf("%+v", l)
	}
}

func TestHealth(t *testing.T) {
	p := startAgent(t, t.TempDir())
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if status, text := p.get(path, ""); status != 200 || string(text) != want {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	if status, _ := p.get("/link", ""); status != http.StatusBadRequest {
		t.Errorf("/link without an upgrade: %d", status)
	}
	if status, _ := p.get("/link", "", "Cookie", "a=b"); status != http.StatusForbidden {
		t.Errorf("/link from a browser: %d", status)
	}
	if info, err := os.Stat(socketPath(p.dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the control socket: %v %v", info, err)
	}
}

// A restart keeps identity, kiosks and names; kiosks come back by themselves.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	p := startAgent(t, dir)
	token := p.command("token", "add", "m", "--role", "viewer")
	e := p.enrolment(3)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	heard := make(chan string, 16)
	go simulate.Run(ctx, simulate.Config{Agent: e.Agent, Pin: identity.Pin(e.Pin), Codes: []string{e.Code}, Kiosks: 3, Steady: true,
		Told: func(line string) { heard <- line }})
	for line := range heard {
		if line == "3 kiosks connected" {
			break
		}
	}
	port := p.url[strings.LastIndex(p.url, ":")+1:]
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	again := startAgent(t, dir, "--listen", "127.0.0.1:"+port)
	if e2 := again.enrolment(1); e2.Pin != e.Pin {
		t.Error("the identity changed")
	}
	for line := range heard {
		if line == "3 kiosks connected again" {
			break
		}
	}
	eventually(t, "free again", func() bool {
		_, text := again.get("/api/v1/kiosks", token)
		return strings.Count(string(text), `"status":"free"`) == 3
	})
}

// Commands that run at the same time as the agent starts and stops never fail
// and never lose anything: each goes to whoever holds the store.
func TestCommandsWhileStarting(t *testing.T) {
	dir := t.TempDir()
	startAgent(t, dir).stop()
	const people = 12
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() {
			err := run(context.Background(), []string{"user", "add", fmt.Sprintf("Person %d", i), "--role", "staff", "--data", dir},
				nil, io.Discard, io.Discard)
			if err != nil {
				t.Error(err)
			}
		})
	}
	p := startAgent(t, dir)
	all.Wait()
	if n := strings.Count(p.command("user", "list"), "Person"); n != people {
		t.Errorf("%d people of %d", n, people)
	}
}

func TestIdentityDamaged(t *testing.T) {
	dir := t.TempDir()
	d, err := openData(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	if err := os.WriteFile(filepath.Join(dir, "identity.pem"), []byte("oops"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), []string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "identity.pem") {
		t.Errorf("%v", err)
	}
}

// What people see of an error, with its exit code.
func TestReport(t *testing.T) {
	for want, c := range map[string]struct {
		err  error
		code int
	}{
		"agent: --x is bad\n": {badInput("--x is bad"), 2},
		"agent: busy\n":       {notNow("busy"), 3},
		"agent: keep: the disk of the agent's data folder is full. Make room on it, then try again.\n": {fmt.Errorf("keep: %w", store.ErrFull), 1},
		"": {nil, 0},
	} {
		var out bytes.Buffer
		if code := report(&out, c.err); code != c.code || out.String() != want {
			t.Errorf("%d %q, want %d %q", code, out.String(), c.code, want)
		}
	}
}
