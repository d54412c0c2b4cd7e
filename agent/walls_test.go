package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/staff"
)

// record is a log that the test reads.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// TestNoLogHoldsABoardsAddress asks for boards that are there, that were taken
// away and that never were, over the agent's own routes with everything
// logged, and looks for the secret in the log.
func TestNoLogHoldsABoardsAddress(t *testing.T) {
	c, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	log, out, ended := &record{}, &lines{next: make(chan string, 8)}, make(chan error, 1)
	a := &agent{log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), config: c}
	ctx, stop := context.WithCancel(t.Context())
	dir := t.TempDir()
	go func() {
		_, err := a.once(ctx, dir, "127.0.0.1:0", true, out)
		ended <- err
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var url string
	select {
	case line := <-out.next:
		url = strings.TrimPrefix(line, "agent: listening on ")
	case err := <-ended:
		ended <- nil
		t.Fatal("the agent did not start: ", err)
	}
	st := a.store
	wall, secret, err := staff.NewWall("ranta", "Aulan näyttö", "satu", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := st.AddWall(wall); err != nil {
		t.Fatal(err)
	}
	ask := func(path string) (int, string) {
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return resp.StatusCode, string(body)
	}
	for _, path := range []string{"/wall/" + secret, "/wall/" + secret + "/events", "/wall/" + secret + "?lang=sv", "/wall/" + strings.ToUpper(secret)} {
		if status, body := ask(path); status != http.StatusOK {
			t.Errorf("a board: %d %s", status, body)
		}
	}
	if err := st.RemoveWall(wall.Hash, "satu", time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/wall/" + secret, "/wall/" + secret + "/events", "/wall/" + secret + "/other", "/walls/" + secret, "//wall/" + secret, "/wall/%0a" + secret} {
		if status, _ := ask(path); status == http.StatusOK && !strings.HasPrefix(path, "/wall") {
			t.Errorf("%.8s: %d", path, status)
		}
	}
	if text := strings.ToLower(log.String()); !strings.Contains(text, "request") {
		t.Error("nothing was logged: this test looks at nothing")
	} else if strings.Contains(text, secret) {
		t.Errorf("the log holds the address of a board:\n%s", text)
	}
}
