package rig

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/town"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

// The search would find a marker: in a name, in a file, but not in one that is
// older than the session.
func TestSearchFinds(t *testing.T) {
	m := town.Markers{"a": "mkaaaaaaaaaaaaaaaaaa", "b": "mkbbbbbbbbbbbbbbbbbb"}
	dir, since := t.TempDir(), time.Now().Add(-time.Minute)
	if found, looked, err := Search(m, since, dir); err != nil || len(found) > 0 || looked != 0 {
		t.Fatalf("in an empty folder: %q %d %v", found, looked, err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"x": "..mkaaaaaaaaaaaaaaaaaa..", m["b"] + ".pdf": "nothing"} {
		if err := os.WriteFile(filepath.Join(sub, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, looked, err := Search(m, since, dir)
	if err != nil || looked != 2 || len(found) != 2 {
		t.Errorf("found %q in %d files (%v)", found, looked, err)
	}
	if found, _, err = Search(m, time.Now().Add(time.Hour), dir); err != nil || len(found) != 1 {
		t.Errorf("only the name counts for an old file: %q %v", found, err)
	}
}

func TestSearchProcessesFinds(t *testing.T) {
	w := New(t)
	m := town.Markers{"a": "mkaaaaaaaaaaaaaaaaaa", "b": "mkbbbbbbbbbbbbbbbbbb"}
	w.Start("sleep", []string{"WHO=" + m["a"]}, "sleep", "60")
	w.Start("tail", nil, "tail", "-f", "/dev/null", "/"+m["b"])
	w.Until(5*time.Second, "both are found", func() (bool, string) {
		found := strings.Join(SearchProcesses(m), "; ")
		return strings.Contains(found, "a in environ") && strings.Contains(found, "b in cmdline"), found
	})
}

// What goes over the cable can be read in both directions, and a cut is a cut.
func TestProxyReadsFrames(t *testing.T) {
	up := link.NewUpgrader()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := up.Accept(rw, r)
		if err != nil {
			return
		}
		c.Trust()
		if m, err := c.Receive(); err == nil {
			c.Send(wire.Ack{Seq: m.(wire.Result).Seq})
			c.Receive()
		}
	}))
	defer server.Close()
	w := &World{TB: t}
	cable := w.NewProxy(server.URL)
	c, err := link.Dial(t.Context(), cable.URL(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(wire.Result{Seq: 7, Command: "0123456789abcdef", Why: "mkaaaaaaaaaaaaaaaaaa"}); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Receive(); err != nil || m.(wire.Ack).Seq != 7 {
		t.Fatalf("%v %v", m, err)
	}
	frames, rest, err := cable.Frames()
	if err != nil || len(frames) != 2 || !frames[0].FromKiosk || frames[1].FromKiosk {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	if !strings.Contains(string(frames[0].Text), "mkaaaaaaaaaaaaaaaaaa") || !strings.Contains(string(rest), "GET /link") {
		t.Errorf("the frames do not hold what was said: %q %q", frames[0].Text, rest)
	}
	cable.Cut()
	if _, err := c.Receive(); err == nil {
		t.Error("the line outlived the cut")
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(cable.URL(), "http://")); err == nil {
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("a cut cable takes a new line: %v", err)
		}
		conn.Close()
	}
}
