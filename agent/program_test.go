package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// program is the whole agent, running in this process.
type program struct {
	t    *testing.T
	dir  string
	url  string
	http *http.Client
	stop func() error
}

// lines is a writer that hands over what it is given line by line.
type lines struct {
	mu   sync.Mutex
	rest string
	next chan string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), nil
		}
		l.rest = rest
		select {
		case l.next <- line:
		default: // nobody reads any more
		}
	}
}

func startAgent(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	return startAgentTo(t, io.Discard, dir, args...)
}

// startAgentTo is startAgent with a log that somebody reads.
func startAgentTo(t *testing.T, log io.Writer, dir string, args ...string) *program {
	t.Helper()
	out := &lines{next: make(chan string, 8)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, args...), nil, out, log)
	}()
	p := &program{t: t, dir: dir, stop: sync.OnceValue(func() error {
		cancel()
		return <-ended
	})}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case line := <-out.next:
		url, ok := strings.CutPrefix(line, "agent: listening on ")
		if !ok {
			t.Fatalf("%q", line)
		}
		p.url = url
	case err := <-ended:
		ended <- err
		t.Fatal("the agent did not start: ", err)
	}
	e := p.enrolment(1)
	conf, err := identity.ClientTLS(identity.Pin(e.Pin))
	if err != nil {
		t.Fatal(err)
	}
	p.http = &http.Client{Transport: &http.Transport{TLSClientConfig: conf}, Timeout: 10 * time.Second}
	t.Cleanup(p.http.CloseIdleConnections)
	return p
}

// command runs another command on the same folder.
func (p *program) command(args ...string) string {
	p.t.Helper()
	var out bytes.Buffer
	if err := run(p.t.Context(), append(args, "--data", p.dir), strings.NewReader(""), &out, io.Discard); err != nil {
		p.t.Fatal(args, ": ", err)
	}
	return strings.TrimSpace(out.String())
}

func (p *program) enrolment(uses int) wire.Enrolment {
	p.t.Helper()
	text := p.command("enrol", "--site", "ranta", "--site-name", "Päiväkeskus Ranta", "--name", "Kone", "--uses", fmt.Sprint(uses), "--json")
	var e wire.Enrolment
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		p.t.Fatal(err)
	}
	return e
}

func (p *program) get(path, token string, headers ...string) (int, []byte) {
	p.t.Helper()
	return p.do(http.MethodGet, path, token, nil, headers...)
}

func (p *program) do(method, path, token string, body []byte, headers ...string) (int, []byte) {
	p.t.Helper()
	q, err := http.NewRequest(method, p.url+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	resp, err := p.http.Do(q)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, text
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatal("never: " + what)
}
